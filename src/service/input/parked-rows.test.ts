/** A redrive that meets a key on the move: on a store that commits only when it is told to. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { openTestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { service } from "../service.ts";

const Counted = event("counted", z.object({ key: z.string(), n: z.number() }), {
  key: ({ key }) => key,
});
const counts = stream("counts", { Counted }, { partitions: 1 });

for (const repair of ["redriveParked", "discardParked"] as const) {
  test(`${repair} while arrivals of the key become rows takes effect at once, and settled waits for it`, async () => {
    const environment = createTestEnvironment();
    const handled: number[] = [];
    let broken = true;
    let held: PromiseWithResolvers<void> | undefined;
    const part = consumer("part", { from: counts, policy: { attempts: 1 } }).handle({
      Counted: ({ n }) => {
        if (broken) throw new TypeError("a bug");
        handled.push(n);
      },
    });
    await using app = await openTestService({
      service: service("s", { part }),
      environment,
      broker: memoryBroker(),
      store: memoryStore(),
      wrap: ({ broker, store }) => {
        const apply: typeof store.apply = async (batch) => {
          await held?.promise;
          return store.apply(batch);
        };
        const get = (target: typeof store, name: keyof typeof store): unknown => {
          const member: unknown = name === "apply" ? apply : target[name];
          return typeof member === "function" ? member.bind(target) : member;
        };
        return { broker, store: new Proxy(store, { get }) };
      },
    });
    await app.publish(Counted({ key: "a", n: 0 }));
    await app.settled();
    const [failed] = await app.until(app.running.listParked("part"));
    assert.equal(failed?.cause?.code, "TypeError");

    broken = false;
    held = Promise.withResolvers();
    await app.publish(Counted({ key: "a", n: 1 }));
    await environment.clock.advance(1);
    assert.equal(await app.until(app.running[repair]([failed.row])), 1);
    const beganMs = environment.clock.now();
    held.resolve();
    held = undefined;
    await app.settled();
    assert.deepEqual(handled, repair === "redriveParked" ? [0, 1] : [1]);
    assert.deepEqual(await app.until(app.running.listParked("part")), []);
    assert.ok(environment.clock.now() - beganMs < 1000, "not only when it looks by itself");
  });
}
