/** Requests with lists as long as a frame has room for: the work grows with their length, not its square. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestEngine } from "../../engine-stage.test.ts";
import { openTestKafka } from "../broker-stage.test.ts";
import { ERROR } from "../error-codes.ts";
import { Topics } from "../topics/topics.ts";
import { add, coversEach } from "../transactions/transaction-machine.ts";
import { TransactionOffsets } from "../transactions/transaction-offsets.ts";
import type { TransactionState } from "../transactions/transaction-state.ts";
import { createCreatePartitions } from "./admin/create-partitions.ts";
import { TOPICS_MAX } from "./admin/create-topics.ts";
import { createDeleteTopics } from "./admin/delete-topics.ts";
import type { Call } from "./handler.ts";

const COUNT = 2_000;
const READS_MAX = 20 * COUNT;

/** The same, and how often something was read of any of them. */
function watched<Value extends object>(values: readonly Value[]) {
  const seen = { reads: 0 };
  const list = values.map(
    (value) =>
      new Proxy(value, {
        get(target, key, self): unknown {
          seen.reads++;
          return Reflect.get(target, key, self);
        },
      }),
  );
  return { list, seen };
}

function many<Value>(make: (index: number) => Value): Value[] {
  return Array.from({ length: COUNT }, (_, index) => make(index));
}

const call: Call = {
  version: 3,
  clientId: "test",
  clientHost: "127.0.0.1",
  may: () => true,
  claim: (bytes) => bytes,
  claimWhole: () => Promise.resolve(true),
  take: (bytes) => Buffer.alloc(bytes),
  gone: new AbortController().signal,
};

test("CreatePartitions reads each of its topics a few times", async () => {
  await using kafka = await openTestKafka();
  const { list, seen } = watched(many((at) => ({ name: `t${at}`, count: 9, assignments: null })));
  const ask = createCreatePartitions(kafka.broker);
  const answer = await ask({ topics: list, timeoutMs: 0, validateOnly: false }, call);
  assert.equal(answer?.results?.length, COUNT);
  assert.ok(seen.reads >= COUNT && seen.reads <= READS_MAX, `${seen.reads} reads`);
});

test("DeleteTopics looks at all topics once for all the ids that nobody has", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  const { topics } = kafka.broker;
  let looks = 0;
  const counted: typeof topics = Object.create(topics, {
    lookupById: {
      value() {
        looks++;
        return topics.lookupById();
      },
    },
  });
  const ids = many((at) => ({ name: null, topicId: `id${at}` }));
  const ask = createDeleteTopics({ ...kafka.broker, topics: counted });
  const answer = await ask({ topics: ids, topicNames: [], timeoutMs: 0 }, { ...call, version: 6 });
  assert.ok(answer?.responses?.every(({ errorCode }) => errorCode === ERROR.UNKNOWN_TOPIC_ID));
  assert.deepEqual([answer?.responses?.length, looks], [COUNT, 1]);
});

test("a transaction takes a partition once, and reads each that is added a few times", () => {
  const { list, seen } = watched(many((partition) => ({ topic: "t", partition })));
  const begun = add(STATE, STATE, { partitions: [...list, ...list], nowMs: 1 }).next;
  assert.equal(begun?.partitions.length, COUNT);
  assert.equal(add(begun, STATE, { partitions: list, nowMs: 2 }).next, undefined);
  const codes = coversEach(begun, STATE, list);
  assert.deepEqual([codes.length, ...new Set(codes)], [COUNT, ERROR.NONE]);
  assert.ok(seen.reads >= COUNT && seen.reads <= READS_MAX, `${seen.reads} reads`);
});

test("offsets of a transaction replace those that it has sent before, each read a few times", async () => {
  await using stage = await openTestEngine();
  await stage.engine.streams.create({ name: "t", partitions: 1 });
  const topics = new Topics(stage.engine);
  const { id: topicId } = topics.find("t")!;
  const offsets = new TransactionOffsets(stage.engine.state, topics);
  for (const round of [1, 2, 3]) {
    const { list, seen } = watched(
      many((partition) => ({ stream: "t", topicId, partition, offset: round * partition })),
    );
    await offsets.add("tx", "g", list);
    assert.ok(seen.reads >= COUNT && seen.reads <= READS_MAX, `${seen.reads} reads`);
  }
  const positions = offsets.positionsOf("tx");
  assert.equal(positions.length, COUNT);
  assert.ok(positions.every(({ position }) => position.offset === 3 * position.partition));
  assert.deepEqual(
    [offsets.isPending("g", "t", 7), offsets.isPending("g", "t", -1)],
    [true, false],
  );
});

test("CreateTopics refuses more topics than an answer should tell", async () => {
  await using kafka = await openTestKafka();
  const ask = (count: number) =>
    kafka.tell("CreateTopics", 7, {
      topics: Array.from({ length: count }, (_, at) => ({
        name: `t${at}`,
        numPartitions: 1,
        replicationFactor: 1,
      })),
      validateOnly: true,
    });
  const refused = await ask(TOPICS_MAX + 1);
  assert.equal(refused.topics.length, TOPICS_MAX + 1);
  assert.ok(refused.topics.every(({ errorCode }) => errorCode === ERROR.POLICY_VIOLATION));
  assert.equal((await ask(3)).topics[2]!.errorCode, ERROR.NONE);
});

const STATE: TransactionState = {
  status: "empty",
  producerId: 1,
  epoch: 0,
  last: undefined,
  next: undefined,
  timeoutMs: 1_000,
  partitions: [],
  groups: [],
  startedMs: -1,
  updatedMs: 0,
};
