import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryQueueStorage } from "../../../memory/queues.ts";
import { MillraceError } from "../../../model/errors.ts";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { LocalQueue, rulesOf } from "./local-queue.ts";

test("a queue whose recovery fails tries again, and never serves what was not written", async () => {
  const spec = { name: "q" };
  const { clock } = createTestEnvironment();
  const { journal } = await createMemoryQueueStorage().createQueue(spec);
  const full = new MillraceError("DISK_FULL", "no space");
  const send = journal.send.bind(journal);
  const recover = journal.recover.bind(journal);
  let lost = true;
  let recoveries = 0;
  journal.send = (...given) => {
    if (!lost) return send(...given);
    lost = false;
    // As a log does whose write fails: the offset was given, and nothing is kept.
    return { firstSequence: 0, durable: Promise.reject(full) };
  };
  journal.recover = (...given) => {
    recoveries++;
    if (recoveries === 1) return Promise.reject(new MillraceError("STORE_FAILED", "unreadable"));
    return recover(...given);
  };
  const queue = new LocalQueue(
    { spec, journal, clock, defer: queueMicrotask },
    await recover(rulesOf(spec)),
  );
  const message = { key: null, headers: [], value: new Uint8Array([1]) };

  const [first] = await queue.send([{ message }]);
  assert.equal(first?.ok === false && first.error.code, "DISK_FULL");
  const [second] = await queue.send([{ message }]);
  assert.equal(second?.ok === false && second.error.code, "STORE_FAILED");
  const [third] = await clock.run(queue.send([{ message }]));
  assert.equal(recoveries, 2, "it was recovered again");
  assert.equal(third?.ok, true);
  assert.equal(queue.info().waiting, 1, "neither failed message is there");
  await clock.run(queue.close(new MillraceError("CLOSED", "closed")));
});
