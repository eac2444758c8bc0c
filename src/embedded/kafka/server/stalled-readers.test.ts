import assert from "node:assert/strict";
import { test } from "node:test";
import { message } from "../../broker-stage.test.ts";
import type { Draft } from "../codec/draft.ts";
import type { FetchRequest } from "../codec/generated/fetch.ts";
import { openServerStage, turn } from "./server-stage.test.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const BATCH_BYTES = 256 * KIB;
const BATCHES = 8;

const fetchOf = (over: Draft<FetchRequest> = {}, fetchOffset = 0): Draft<FetchRequest> => ({
  maxBytes: 50 * MIB,
  minBytes: 1,
  topics: [
    { topic: "t", partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 50 * MIB }] },
  ],
  ...over,
});

async function openFilledStage() {
  const bytesMax = 2 * MIB;
  const stage = await openServerStage({
    door: { bytesMax, sweepMs: 50 },
    limits: { stalledShortMs: 500 },
  });
  await stage.kafka.broker.topics.create({ name: "t", partitions: 1 });
  for (let at = 0; at < BATCHES; at++) {
    await stage.kafka.streams.append("t", [message("x".repeat(BATCH_BYTES))], { partition: 0 });
  }
  return { stage, bytesMax };
}

test("readers that read nothing hold no more than the budget and one batch, are hung up on, and an honest reader gets everything", async () => {
  const opened = await openFilledStage();
  await using stage = opened.stage;
  const { connections, hangUps, environment } = stage;
  const STALLED = 40;
  const stalled = await Promise.all(Array.from({ length: STALLED }, () => stage.client()));
  for (const client of stalled) {
    client.socket.pause();
    for (let count = 0; count < 40; count++) client.send("Fetch", 12, fetchOf());
  }
  let peakBytes = 0;
  const honest = await stage.client();
  const read = async (): Promise<number> => {
    let batches = 0;
    for (; batches < BATCHES; batches++) {
      const answer = await honest.ask("Fetch", 12, fetchOf({ maxBytes: KIB }, batches));
      assert.ok(answer, "the honest reader was hung up on");
      const { length } = answer.responses[0]!.partitions[0]!.records!;
      assert.ok(length > BATCH_BYTES, `batch ${batches} has ${length} bytes`);
    }
    return batches;
  };
  const state = { isFinished: false };
  const all = read().finally(() => (state.isFinished = true));
  while (!state.isFinished || hangUps.length === 0) {
    peakBytes = Math.max(peakBytes, connections.heldBytes);
    await turn();
    await environment.clock.advance(10);
  }
  assert.equal(await all, BATCHES);
  // A little each: a batch is never read without having room, or the turn.
  const little = (STALLED + 1) * 16 * KIB;
  assert.ok(peakBytes > opened.bytesMax / 2, "nobody was stalled");
  assert.ok(
    peakBytes <= opened.bytesMax + 2 * BATCH_BYTES + little,
    `${peakBytes} bytes were held at most`,
  );
  assert.deepEqual(new Set(hangUps), new Set(["the client does not read its answers"]));
  for (const { socket } of [...stalled, honest]) socket.destroy();
  while (connections.count > 0) await turn();
  assert.equal(connections.heldBytes, 0);
});

test("a client that goes while its fetch waits, or is being read, leaves nothing held", async () => {
  const { stage } = await openFilledStage();
  await using _ = stage;
  const { connections } = stage;
  const clients = await Promise.all(Array.from({ length: 20 }, () => stage.client()));
  for (const [at, client] of clients.entries()) {
    const waits = fetchOf({ maxWaitMs: 30_000, minBytes: 2 ** 30 }, at % 2 === 0 ? BATCHES : 0);
    client.send("Fetch", 12, waits);
  }
  while (connections.heldBytes === 0) await turn();
  for (const { socket } of clients) socket.destroy();
  while (connections.count > 0) await turn();
  for (let turns = 0; turns < 100; turns++) await turn();
  assert.equal(connections.heldBytes, 0);
});
