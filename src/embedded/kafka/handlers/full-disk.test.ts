/** Producers and transactions whose coordinator's log has no room: told to ask again, and well once it has. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryDisk } from "../../log/open-log.ts";
import { openTestKafka } from "../broker-stage.test.ts";
import { ERROR } from "../error-codes.ts";

const ID = "writer";
const TIMEOUT_MS = 20_000;

test("with a full disk the coordinator of transactions is not available, and comes back", async () => {
  const disk = createMemoryDisk();
  await using kafka = await openTestKafka(disk);
  await kafka.streams.ensureStream({ name: "orders", partitions: 1 });
  const init = async (transactionalId: string | null) => {
    const body = { transactionalId, transactionTimeoutMs: TIMEOUT_MS };
    return kafka.tell("InitProducerId", 4, body);
  };
  disk.capacityBytes = disk.usedBytes();
  assert.equal((await init(null)).errorCode, ERROR.COORDINATOR_NOT_AVAILABLE);
  assert.equal((await init(ID)).errorCode, ERROR.COORDINATOR_NOT_AVAILABLE);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  const { producerId, producerEpoch, errorCode } = await init(ID);
  assert.equal(errorCode, ERROR.NONE);

  const own = { transactionalId: ID, producerId, producerEpoch };
  const group = { ...own, groupId: "g", memberId: "" };
  const partitions = [{ partitionIndex: 0, committedOffset: 0, committedMetadata: "" }];
  const begin = async (): Promise<number[]> => {
    const added = await kafka.tell("AddPartitionsToTxn", 3, {
      v3AndBelowTransactionalId: ID,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: "orders", partitions: [0] }],
    });
    const offsets = await kafka.tell("TxnOffsetCommit", 2, {
      ...group,
      topics: [{ name: "orders", partitions }],
    });
    return [
      added.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode,
      (await kafka.tell("AddOffsetsToTxn", 3, group)).errorCode,
      offsets.topics[0]!.partitions[0]!.errorCode,
    ];
  };
  disk.capacityBytes = disk.usedBytes();
  const unavailable = ERROR.COORDINATOR_NOT_AVAILABLE;
  assert.deepEqual(await begin(), [unavailable, unavailable, unavailable]);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  assert.deepEqual(await begin(), [ERROR.NONE, ERROR.NONE, ERROR.NONE]);

  disk.capacityBytes = disk.usedBytes();
  const end = async () => (await kafka.tell("EndTxn", 3, { ...own, committed: true })).errorCode;
  assert.equal(await end(), unavailable);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  assert.equal(await end(), ERROR.NONE);
});

test("a transaction whose time is over waits for room on the disk, and ends then", async () => {
  const disk = createMemoryDisk();
  await using kafka = await openTestKafka(disk);
  await kafka.streams.ensureStream({ name: "orders", partitions: 1 });
  const body = { transactionalId: ID, transactionTimeoutMs: TIMEOUT_MS };
  const { producerId, producerEpoch } = await kafka.tell("InitProducerId", 4, body);
  await kafka.tell("AddPartitionsToTxn", 3, {
    v3AndBelowTransactionalId: ID,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: "orders", partitions: [0] }],
  });
  const status = () => kafka.broker.transactions.states.get(ID)?.status;
  disk.capacityBytes = disk.usedBytes();
  await kafka.environment.clock.advance(3 * TIMEOUT_MS);
  assert.equal(status(), "ongoing");
  const told = kafka.environment.entries.filter(({ level }) => level === "error");
  assert.ok(told.length > 0 && told.every(({ text }) => text.includes("it is tried again")));
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await kafka.environment.clock.advance(TIMEOUT_MS);
  assert.equal(status(), "complete-abort");
});
