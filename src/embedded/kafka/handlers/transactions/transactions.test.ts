/** The requests of transactional producers, and what each of them is refused with. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { producedBatches } from "../../../log/producers/producer-stage.test.ts";
import { openTestKafka, type TestKafka } from "../../broker-stage.test.ts";
import { SERVED } from "../../codec/api-keys.ts";
import { ERROR } from "../../error-codes.ts";
import type { Call } from "../handler.ts";

const ID = "payments";
const NEWEST = { init: 5, add: 3, offsets: 4, end: 5, produce: 12, commit: 5 };

interface Place {
  readonly producerId: number;
  readonly producerEpoch: number;
}

async function openTopic(): Promise<TestKafka> {
  const kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 2 });
  return kafka;
}

async function init(
  kafka: TestKafka,
  {
    id = ID,
    known = { producerId: -1, producerEpoch: -1 },
    timeoutMs = 60_000,
    version = NEWEST.init,
  }: { id?: string | null; known?: Place; timeoutMs?: number; version?: number } = {},
): Promise<Place & { readonly errorCode: number }> {
  const request = { transactionalId: id, transactionTimeoutMs: timeoutMs, ...known };
  return kafka.tell("InitProducerId", version, request);
}

async function add(
  kafka: TestKafka,
  place: Place,
  {
    id = ID,
    topic = "t",
    version = NEWEST.add,
  }: { id?: string; topic?: string; version?: number } = {},
): Promise<readonly number[]> {
  const { resultsByTopicV3AndBelow } = await kafka.tell("AddPartitionsToTxn", version, {
    v3AndBelowTransactionalId: id,
    v3AndBelowProducerId: place.producerId,
    v3AndBelowProducerEpoch: place.producerEpoch,
    v3AndBelowTopics: [...new Set(["t", topic])].map((name) => ({ name, partitions: [0] })),
  });
  return resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
    resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
  );
}

async function addOffsets(
  kafka: TestKafka,
  place: Place,
  { id = ID, version = NEWEST.offsets } = {},
): Promise<number> {
  const request = { transactionalId: id, groupId: "g", ...place };
  return (await kafka.tell("AddOffsetsToTxn", version, request)).errorCode;
}

function end(
  kafka: TestKafka,
  place: Place,
  { id = ID, committed = true, version = NEWEST.end } = {},
): Promise<Place & { readonly errorCode: number }> {
  return kafka.tell("EndTxn", version, { transactionalId: id, committed, ...place });
}

async function produce(
  kafka: TestKafka,
  place: Place,
  {
    version = NEWEST.produce,
    sequence = 0,
    call = {},
  }: { version?: number; sequence?: number; call?: Partial<Call> } = {},
): Promise<number> {
  const made = { id: place.producerId, epoch: place.producerEpoch, sequence, transactional: true };
  const [batch] = producedBatches(made, "v");
  const topicData = [{ name: "t", partitionData: [{ index: 0, records: batch!.bytes }] }];
  const request = { transactionalId: ID, acks: -1, topicData };
  const { responses } = await kafka.tell("Produce", version, request, call);
  return responses[0]!.partitionResponses[0]!.errorCode;
}

async function commitOffset(kafka: TestKafka, place: Place): Promise<number> {
  const partition = { partitionIndex: 0, committedOffset: 5 };
  const { topics } = await kafka.tell("TxnOffsetCommit", NEWEST.commit, {
    transactionalId: ID,
    groupId: "g",
    ...place,
    topics: [{ name: "t", partitions: [partition] }],
  });
  return topics[0]!.partitions[0]!.errorCode;
}

/** A producer of which a newer one has taken the place. */
async function fenced(kafka: TestKafka): Promise<Place> {
  const old = await init(kafka);
  await init(kafka);
  return old;
}

test("a timeout of nothing, or beyond fifteen minutes, is refused, and so is an empty id", async () => {
  await using kafka = await openTopic();
  for (const timeoutMs of [-1, 0, 15 * 60_000 + 1]) {
    assert.equal((await init(kafka, { timeoutMs })).errorCode, ERROR.INVALID_TRANSACTION_TIMEOUT);
  }
  assert.equal((await init(kafka, { timeoutMs: 15 * 60_000 })).errorCode, ERROR.NONE);
  assert.equal((await init(kafka, { id: "" })).errorCode, ERROR.INVALID_REQUEST);
});

test("without a transactional id everyone gets an id that nobody has, whatever they name", async () => {
  await using kafka = await openTopic();
  const first = await init(kafka, { id: null });
  const named = await init(kafka, { id: null, known: first });
  assert.deepEqual([first.errorCode, named.errorCode, named.producerEpoch], [0, 0, 0]);
  assert.notEqual(named.producerId, first.producerId);
});

test("an id that nobody has begun with is unknown to all that goes on with it", async () => {
  await using kafka = await openTopic();
  const nobody = { producerId: 9, producerEpoch: 0 };
  const unknown = ERROR.INVALID_PRODUCER_ID_MAPPING;
  assert.deepEqual(await add(kafka, nobody), [unknown]);
  assert.equal(await addOffsets(kafka, nobody), unknown);
  assert.equal((await end(kafka, nobody)).errorCode, unknown);
  assert.equal(await produce(kafka, nobody), unknown);
  assert.equal(await commitOffset(kafka, nobody), unknown);
  const own = await init(kafka);
  const other = { producerId: own.producerId + 1, producerEpoch: own.producerEpoch };
  assert.deepEqual(await add(kafka, other), [unknown], "it belongs to another producer");
});

test("a producer whose place another has taken is told so in words that its version knows", async () => {
  await using kafka = await openTopic();
  const old = await fenced(kafka);
  const known = { producerId: old.producerId, producerEpoch: old.producerEpoch };
  // The place before the last one: a repeated request would name the last.
  await init(kafka);
  const expected = (version: number, since: number): number =>
    version < since ? ERROR.INVALID_PRODUCER_EPOCH : ERROR.PRODUCER_FENCED;
  for (let version = 3; version <= SERVED.InitProducerId.max; version++) {
    assert.equal((await init(kafka, { known, version })).errorCode, expected(version, 4));
  }
  for (let version = 0; version <= NEWEST.add; version++) {
    assert.deepEqual(await add(kafka, old, { version }), [expected(version, 2)]);
  }
  for (let version = 0; version <= SERVED.AddOffsetsToTxn.max; version++) {
    assert.equal(await addOffsets(kafka, old, { version }), expected(version, 2));
  }
  for (let version = 0; version <= SERVED.EndTxn.max; version++) {
    assert.equal((await end(kafka, old, { version })).errorCode, expected(version, 2));
  }
  for (const version of [9, 11, 12]) {
    assert.equal(await produce(kafka, old, { version }), ERROR.INVALID_PRODUCER_EPOCH);
  }
  assert.equal(await commitOffset(kafka, old), ERROR.INVALID_PRODUCER_EPOCH);
});

test("a batch outside the transaction is refused; a newer producer may abort, an older one gives up", async () => {
  await using kafka = await openTopic();
  const producer = await init(kafka);
  assert.equal(await produce(kafka, producer, { version: 10 }), ERROR.INVALID_TXN_STATE);
  assert.equal(await produce(kafka, producer, { version: 11 }), ERROR.TRANSACTION_ABORTABLE);
  assert.equal(await produce(kafka, producer, { version: 12 }), ERROR.NONE, "it joins by itself");
});

test("partitions are added all or none, and each that fails says why", async () => {
  await using kafka = await openTopic();
  const producer = await init(kafka);
  assert.deepEqual(await add(kafka, producer, { topic: "missing" }), [
    ERROR.OPERATION_NOT_ATTEMPTED,
    ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
  assert.equal(await produce(kafka, producer, { version: 9 }), ERROR.INVALID_TXN_STATE);
  assert.deepEqual(await add(kafka, producer), [ERROR.NONE]);
  assert.equal(await produce(kafka, producer, { version: 9 }), ERROR.NONE);
});

test("an end that contradicts what is decided is refused, the same end again is not", async () => {
  await using kafka = await openTopic();
  const producer = await init(kafka);
  const wrong = ERROR.INVALID_TXN_STATE;
  for (const version of [3, NEWEST.end]) {
    assert.equal((await end(kafka, producer, { version })).errorCode, wrong, "nothing was begun");
  }
  await add(kafka, producer);
  assert.equal((await end(kafka, producer, { version: 3 })).errorCode, ERROR.NONE);
  assert.equal((await end(kafka, producer, { version: 3 })).errorCode, ERROR.NONE);
  assert.equal((await end(kafka, producer, { version: 3, committed: false })).errorCode, wrong);
  await add(kafka, producer);
  const raised = await end(kafka, producer);
  assert.deepEqual(
    [raised.errorCode, raised.producerId, raised.producerEpoch],
    [ERROR.NONE, producer.producerId, producer.producerEpoch + 1],
  );
  assert.deepEqual(await end(kafka, producer), raised, "its answer was lost");
  assert.equal((await end(kafka, producer, { committed: false })).errorCode, wrong);
});

test("a producer that comes while its predecessor's transaction is open is asked to come again", async () => {
  await using kafka = await openTopic();
  const old = await init(kafka);
  assert.equal(await produce(kafka, old), ERROR.NONE);
  assert.equal((await init(kafka)).errorCode, ERROR.CONCURRENT_TRANSACTIONS);
  const next = await init(kafka);
  assert.deepEqual([next.errorCode, next.producerEpoch], [ERROR.NONE, old.producerEpoch + 2]);
  assert.equal(await produce(kafka, old, { sequence: 1 }), ERROR.INVALID_PRODUCER_EPOCH);
  const [log] = kafka.broker.topics.find("t")!.partitions;
  assert.deepEqual([log!.stableEnd, log!.end], [2, 2], "the old one's record was aborted");
});

test("a transaction that has outlived its timeout cannot be committed", async () => {
  await using kafka = await openTopic();
  const producer = await init(kafka, { timeoutMs: 30_000 });
  assert.equal(await produce(kafka, producer), ERROR.NONE);
  await kafka.environment.clock.advance(60_000);
  assert.equal((await end(kafka, producer)).errorCode, ERROR.PRODUCER_FENCED);
});

test("offsets go with their transaction", async () => {
  await using kafka = await openTopic();
  const committedAt = async (): Promise<number> => {
    const groups = [{ groupId: "g", topics: [{ name: "t", partitionIndexes: [0] }] }];
    const answer = await kafka.tell("OffsetFetch", 8, { groups });
    return answer.groups[0]!.topics[0]!.partitions[0]!.committedOffset;
  };
  let producer: Place = await init(kafka);
  assert.equal(await commitOffset(kafka, producer), ERROR.NONE);
  assert.equal(await committedAt(), -1, "not yet");
  producer = await end(kafka, producer, { committed: false });
  assert.equal(await committedAt(), -1, "aborted");
  assert.equal(await commitOffset(kafka, producer), ERROR.NONE);
  await end(kafka, producer);
  assert.equal(await committedAt(), 5);
});

test("whoever looks at an id that nobody has begun with hears that there is none", async () => {
  await using kafka = await openTopic();
  const producer = await init(kafka);
  const request = { transactionalIds: [ID, "nobody"] };
  const { transactionStates } = await kafka.tell("DescribeTransactions", 0, request);
  assert.deepEqual(
    transactionStates.map(({ errorCode, transactionState, producerId }) => [
      errorCode,
      transactionState,
      producerId,
    ]),
    [
      [ERROR.NONE, "Empty", producer.producerId],
      [ERROR.TRANSACTIONAL_ID_NOT_FOUND, "", 0],
    ],
  );
});

test("an offset of a topic that may not be read, or with too much beside it, stays out; others go", async () => {
  await using kafka = await openTopic();
  await kafka.broker.topics.create({ name: "secret", partitions: 1 });
  const producer = await init(kafka);
  const at = (partitionIndex: number, committedMetadata = "") => ({
    partitionIndex,
    committedOffset: 0,
    committedMetadata,
  });
  const call: Partial<Call> = { may: (_action, _kind, name) => name !== "secret" };
  const request = {
    transactionalId: ID,
    groupId: "g",
    ...producer,
    topics: [
      // As many characters as may be, of more bytes.
      { name: "t", partitions: [at(0, "é".repeat(4_096)), at(1, "x".repeat(4_097))] },
      { name: "secret", partitions: [at(0)] },
    ],
  };
  const { topics } = await kafka.tell("TxnOffsetCommit", NEWEST.commit, request, call);
  assert.deepEqual(
    topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
    [[ERROR.NONE, ERROR.OFFSET_METADATA_TOO_LARGE], [ERROR.TOPIC_AUTHORIZATION_FAILED]],
  );
});

test("whoever may not write with the id does nothing with it, nor appends a batch of it", async () => {
  await using kafka = await openTopic();
  const producer = await init(kafka);
  const call: Partial<Call> = { may: (_action, kind) => kind !== "transaction" };
  const denied = ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  assert.equal(await produce(kafka, producer, { call }), denied);
  const asked = { transactionalId: ID, ...producer };
  const begun = { transactionalId: ID, transactionTimeoutMs: 1_000 };
  const answers = [
    await kafka.tell("InitProducerId", NEWEST.init, begun, call),
    await kafka.tell("AddOffsetsToTxn", NEWEST.offsets, { ...asked, groupId: "g" }, call),
    await kafka.tell("EndTxn", NEWEST.end, { ...asked, committed: true }, call),
  ];
  assert.deepEqual(
    answers.map(({ errorCode }) => errorCode),
    [denied, denied, denied],
  );
  const [log] = kafka.broker.topics.find("t")!.partitions;
  assert.equal(log!.end, 0);
});
