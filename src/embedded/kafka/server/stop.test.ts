import assert from "node:assert/strict";
import { test } from "node:test";
import { text, wireBytes } from "../../log/log-stage.test.ts";
import { ERROR } from "../error-codes.ts";
import { DOOR_LIMITS } from "./limits.ts";
import { openServerStage, turn } from "./server-stage.test.ts";

const LONG_MS = 30_000;

test("a stop ends fetches and joins that wait at once, and answers the writes that have begun", async () => {
  const synced = Promise.withResolvers<void>();
  const seen = { begun: 0, parked: 0 };
  await using stage = await openServerStage({
    wrap: (handlers) => ({
      ...handlers,
      Fetch(request, call) {
        seen.parked++;
        return handlers.Fetch!(request, call);
      },
      JoinGroup(request, call) {
        seen.parked++;
        return handlers.JoinGroup!(request, call);
      },
      // A slow disk.
      async Produce(request, call) {
        seen.begun++;
        await synced.promise;
        return handlers.Produce!(request, call);
      },
    }),
  });
  const { connections, environment, hangUps, kafka } = stage;
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  const [reader, member, writer] = await Promise.all([
    stage.client(),
    stage.client(),
    stage.client(),
  ]);
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }];
  const waits = { maxWaitMs: LONG_MS, minBytes: 1, maxBytes: 1_000 };
  const fetched = reader.ask("Fetch", 12, { ...waits, topics: [{ topic: "t", partitions }] });
  const joined = member.ask("JoinGroup", 3, {
    groupId: "g",
    sessionTimeoutMs: LONG_MS,
    rebalanceTimeoutMs: LONG_MS,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
  });
  const topicData = [
    { name: "t", partitionData: [{ index: 0, records: wireBytes([text("written")]) }] },
  ];
  const written = writer.ask("Produce", 8, { acks: -1, timeoutMs: LONG_MS, topicData });
  while (seen.parked < 2 || seen.begun < 1) await turn();

  const startedMs = environment.clock.monotonic();
  let isStopped = false;
  const stopped = connections.stop().finally(() => (isStopped = true));
  // Those that wait for others are let go although a write is under way.
  assert.deepEqual([await fetched, await joined], [undefined, undefined]);
  assert.equal(isStopped, false);
  synced.resolve();
  const answer = (await written)!.responses[0]!.partitionResponses[0]!;
  assert.deepEqual([answer.errorCode, answer.baseOffset], [ERROR.NONE, 0]);
  await Promise.all([stopped, writer.closed]);
  assert.ok(environment.clock.monotonic() - startedMs < DOOR_LIMITS.stopMs);
  assert.deepEqual([connections.count, connections.heldBytes, hangUps], [0, 0, []]);
  assert.equal((await kafka.streams.describeStream("t")).partitions[0]!.end, 1);
});

test("a client that reads nothing holds up a stop no longer than its limit", async () => {
  const large = Buffer.alloc(16 * 1024 * 1024);
  await using stage = await openServerStage({
    wrap: () => ({ SyncGroup: () => ({ errorCode: 0, assignment: large }) }),
  });
  const client = await stage.client();
  client.socket.pause();
  client.send("SyncGroup", 3, {});
  while (stage.connections.heldBytes < 4 * 1024 * 1024) await turn();
  let isStopped = false;
  const stopped = stage.connections.stop().finally(() => (isStopped = true));
  await stage.environment.clock.advance(DOOR_LIMITS.stopMs - 1);
  await turn();
  assert.equal(isStopped, false);
  await stage.environment.clock.advance(1);
  await stopped;
  client.socket.destroy();
});
