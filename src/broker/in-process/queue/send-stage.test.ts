import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryQueueStorage } from "../../../memory/queues.ts";
import { MillraceError } from "../../../model/errors.ts";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { QueueState } from "../../queue-state.ts";
import type { Sent } from "../../queues.ts";
import { PendingCall } from "../pending-call.ts";
import { SendStage } from "./send-stage.ts";

test("what lies behind a refused part of one send is not written, and may be sent again", async () => {
  const spec = { name: "q", dedupe: { count: 100_000, ms: 60_000 } };
  const { journal } = await createMemoryQueueStorage().createQueue(spec);
  const send = journal.send.bind(journal);
  let refusals = 1;
  journal.send = (...sends) => {
    if (refusals-- > 0) throw new MillraceError("OVERLOADED", "too much waits for the disk");
    return send(...sends);
  };
  const state = new QueueState({ attempts: 5, keyOrder: false });
  const woken = Promise.withResolvers<void>();
  const stage = new SendStage({
    journal,
    clock: createTestEnvironment().clock,
    dedupe: spec.dedupe,
    wake: woken.resolve,
    broke: woken.reject,
  });
  // More than one part, the last ones repetitions of the first.
  const sendAll = async (): Promise<readonly (string | undefined)[]> => {
    const call = new PendingCall<Sent>(20_000);
    for (let index = 0; index < 20_000; index++) {
      const headers = [["ce_id", String(index % 19_990)]] as const;
      stage.push({ item: { message: { key: null, headers, value: null } }, call, index });
    }
    stage.run(state, spec, 0);
    await woken.promise;
    stage.run(state, spec, 0);
    return (await call.settled).map((outcome) => (outcome.ok ? undefined : outcome.error.code));
  };

  assert.deepEqual(new Set(await sendAll()), new Set(["OVERLOADED"]));
  assert.equal(state.depth, 0);
  assert.deepEqual(new Set(await sendAll()), new Set([undefined]));
  assert.equal(state.depth, 19_990);
});
