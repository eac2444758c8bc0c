/** Requests that name the same thing again and again: each is answered as if it were named once. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { text, wireBytes } from "../../log/log-stage.test.ts";
import { openTestKafka, type TestKafka } from "../broker-stage.test.ts";
import type { Draft } from "../codec/draft.ts";
import type { ApiName, Requests } from "../codec/generated/apis.ts";
import { ERROR } from "../error-codes.ts";

const TOPIC = "orders";
const TIMES = 1_000;

function again<Value>(value: Value): readonly Value[] {
  return Array.from({ length: TIMES }, () => value);
}

async function openWithTopic(): Promise<TestKafka> {
  const kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: TOPIC, partitions: 2 });
  const partitionData = [0, 1].map((index) => ({ index, records: wireBytes([text("v")], 5) }));
  const topicData = [{ name: TOPIC, partitionData }];
  await kafka.tell("Produce", 9, { acks: -1, timeoutMs: 1_000, topicData });
  return kafka;
}

/** What is asked again and again, and how often the answer tells it. */
const NAMED: { readonly [Name in ApiName]?: readonly [Draft<Requests[Name]>, version: number] } = {
  Metadata: [{ topics: again({ name: TOPIC }) }, 9],
  FindCoordinator: [{ coordinatorKeys: again("g") }, 6],
  DescribeGroups: [{ groups: again("g") }, 6],
  DescribeConfigs: [
    { resources: again({ resourceType: 2, resourceName: TOPIC, configurationKeys: null }) },
    4,
  ],
  DescribeTransactions: [{ transactionalIds: again("t") }, 0],
  DescribeTopicPartitions: [{ topics: again({ name: TOPIC }), responsePartitionLimit: 9 }, 0],
  OffsetFetch: [{ groups: again({ groupId: "g", topics: null }) }, 9],
};

test("what a request names again and again is told once", async () => {
  await using kafka = await openWithTopic();
  for (const [api, [body, version]] of Object.entries(NAMED)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table has them by name
    const told = await kafka.tell(api as ApiName, version, body);
    const lists = Object.values(told).filter((value) => Array.isArray(value) && value.length > 0);
    const counts = lists.map((list: unknown) => (Array.isArray(list) ? list.length : 0));
    assert.ok(counts.length > 0, api);
    assert.deepEqual(new Set(counts), new Set([1]), api);
  }
});

test("topics by their names and by their ids are told apart", async () => {
  await using kafka = await openWithTopic();
  const { id } = kafka.broker.topics.find(TOPIC)!;
  const byId = { name: null, topicId: id };
  const { topics } = await kafka.tell("Metadata", 12, {
    topics: [...again(byId), { name: TOPIC }, { name: "other" }, ...again({ name: TOPIC })],
    allowAutoTopicCreation: false,
  });
  assert.deepEqual(
    topics.map(({ name, partitions }) => [name, partitions.length]),
    [
      [TOPIC, 2],
      [TOPIC, 2],
      ["other", 0],
    ],
  );
});

test("the position of a partition is told once, however its topic is named", async () => {
  await using kafka = await openWithTopic();
  const partition = { partitionIndex: 0, committedOffset: 1, committedMetadata: "m".repeat(4096) };
  await kafka.tell("OffsetCommit", 8, {
    groupId: "g",
    generationIdOrMemberEpoch: -1,
    topics: [{ name: TOPIC, partitions: [partition] }],
  });
  const topics = again({ name: TOPIC, partitionIndexes: [0, 0, 1] });
  const { groups } = await kafka.tell("OffsetFetch", 9, {
    groups: again({ groupId: "g", topics }).slice(0, 9),
  });
  const told = groups.flatMap((group) => group.topics.flatMap(({ partitions }) => partitions));
  assert.deepEqual(
    told.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]),
    [
      [0, 1],
      [1, -1],
    ],
  );
});

test("a partition that ListOffsets names again is refused, and looked at once", async () => {
  await using kafka = await openWithTopic();
  let looks = 0;
  const claimWhole = (): Promise<boolean> => Promise.resolve(++looks > 0);
  const partitions = again({ partitionIndex: 0, timestamp: 1 });
  const body = { topics: [{ name: TOPIC, partitions }, ...again({ name: TOPIC, partitions: [] })] };
  const { topics } = await kafka.tell("ListOffsets", 7, body, { claimWhole });
  const [first, ...others] = topics[0]!.partitions;
  assert.deepEqual([first!.errorCode, first!.offset, first!.timestamp], [ERROR.NONE, 0, 5]);
  assert.equal(others.length, TIMES - 1);
  assert.ok(others.every(({ errorCode }) => errorCode === ERROR.INVALID_REQUEST));
  assert.equal(looks, 1);
});

test("ListOffsets looks into one partition at a time, and holds memory as long", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: TOPIC, partitions: 50 });
  const held: number[] = [];
  let now = 0;
  const claim = (bytes: number): number => (now = bytes);
  const claimWhole = (bytes: number): Promise<boolean> => {
    held.push(now);
    now = bytes;
    return Promise.resolve(true);
  };
  const partitions = Array.from({ length: 50 }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: 1,
  }));
  const body = { topics: [{ name: TOPIC, partitions }] };
  await kafka.tell("ListOffsets", 7, body, { claim, claimWhole });
  assert.deepEqual([held, now], [Array.from({ length: 50 }, () => 0), 0]);
});

test("a partition that DeleteRecords or DescribeProducers names again is refused there", async () => {
  await using kafka = await openWithTopic();
  const trimmed = await kafka.tell("DeleteRecords", 2, {
    topics: [{ name: TOPIC, partitions: again({ partitionIndex: 0, offset: 1 }) }],
  });
  const deleted = trimmed.topics[0]!.partitions;
  assert.deepEqual([deleted[0]!.errorCode, deleted[0]!.lowWatermark], [ERROR.NONE, 1]);
  const looked = await kafka.tell("DescribeProducers", 0, {
    topics: [{ name: TOPIC, partitionIndexes: again(0) }],
  });
  const described = looked.topics[0]!.partitions;
  assert.equal(described[0]!.errorCode, ERROR.NONE);
  for (const [, ...others] of [deleted, described]) {
    assert.equal(others.length, TIMES - 1);
    assert.ok(others.every(({ errorCode }) => errorCode === ERROR.INVALID_REQUEST));
  }
});
