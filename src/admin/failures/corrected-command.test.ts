/** What becomes of those who wait for the answer to a command that a person corrects. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { step } from "../../saga/actions.ts";
import { saga } from "../../saga/saga.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { createRegistry } from "../../schema/registry.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import { service } from "../../service/service.ts";
import { openTestService } from "../../testing/test-service.ts";
import { createAdmin } from "../create-admin.ts";

const letter = z.object({ letter: z.string(), zip: z.string() });
const key = (data: { readonly letter: string }): string => data.letter;
const Written = event("letter.written", letter, { key });
const Sent = event("letter.sent", z.object({ letter: z.string() }), { key });
const Send = command("letter.send", letter, { key });
const letters = stream("letters", { Written }, { partitions: 1 });
const sent = stream("sent", { Sent }, { partitions: 1 });

for (const keyOrder of [false, true]) {
  const kept = keyOrder ? "a row of the store" : "a dead letter";
  test(`the answer to a corrected command answers the step it stands for, of ${kept}`, async () => {
    const counter = queue("counter", { Send }, { attempts: 1, keyOrder });
    const posting = saga("posting", { from: letters, sends: counter, initial: { sent: 0 } })
      .evolve({})
      .react({ Written: (e) => step(Send(e)) })
      .answers({ Send: () => [] });
    const clerk = consumer("clerk", {
      from: counter,
      publishes: sent,
      policy: { attempts: 1 },
    }).handle({
      Send: ({ letter: id, zip }, { emit }) => {
        if (!/^\d{5}$/.test(zip)) throw new TypeError(`${zip} is no zip code`);
        emit(Sent({ letter: id }));
      },
    });
    await using stage = await openTestService({ service: service("post", { posting, clerk }) });
    const { running, environment, broker } = stage;
    const registry = createRegistry([counter, letters, sent]);
    const { streams, queues } = broker;
    await using admin = createAdmin({
      streams,
      queues,
      services: () => [running],
      registry,
      environment,
    });
    const stateOfStep = async () => {
      const { steps } = await stage.until(running.showSaga("posting", "l1"));
      return steps.map(({ state }) => state);
    };

    await stage.publish(Written({ letter: "l1", zip: "wrong" }));
    // Corrected wrongly at first: the copy of the copy answers for the step as well.
    for (const zip of ["wrong again", "12345"]) {
      await stage.settled();
      assert.deepEqual(await stateOfStep(), ["open"]);
      const failures = await stage.until(admin.listFailures());
      assert.equal(failures.length, 1);
      const dataJson = JSON.stringify({ letter: "l1", zip });
      await stage.until(admin.editFailure(failures[0]!.ref, { dataJson }));
    }
    await stage.settled();
    assert.deepEqual(await stateOfStep(), ["done"]);
    assert.deepEqual(await stage.until(admin.listFailures()), []);
  });
}
