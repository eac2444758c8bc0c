import assert from "node:assert/strict";
import { test } from "node:test";
import { message } from "../../broker-stage.test.ts";
import { openTestKafka } from "../broker-stage.test.ts";
import { ERROR } from "../error-codes.ts";
import { NO_TOPIC_ID } from "../topics/topic-id.ts";
import type { Call } from "./handler.ts";

const UNTOLD = -(2 ** 31);

test("a topic that is asked for is made where that is allowed, and only then", async () => {
  await using kafka = await openTestKafka();
  const ask = async (name: string, allowed: boolean, call: Partial<Call> = {}) => {
    const body = { topics: [{ name }], allowAutoTopicCreation: allowed };
    const { topics } = await kafka.tell("Metadata", 9, body, call);
    return topics[0]!.errorCode;
  };
  assert.equal(await ask("new", false), ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  const may: Call["may"] = (action) => action === "read";
  assert.equal(await ask("new", true, { may }), ERROR.TOPIC_AUTHORIZATION_FAILED);
  assert.equal(kafka.broker.topics.find("new"), undefined);
  assert.equal(await ask("new", true), ERROR.NONE);
  assert.equal(kafka.broker.topics.find("new")!.partitions.length, 1);
  for (const allowed of [true, false]) {
    assert.equal(await ask("a/b", allowed), ERROR.INVALID_TOPIC_EXCEPTION);
  }
});

test("the door's settings say whether topics are made by a look at them, and of how many partitions", async () => {
  const body = { topics: [{ name: "new" }], allowAutoTopicCreation: true };
  await using off = await openTestKafka(undefined, { autoCreate: false, partitions: 3 });
  const refused = await off.tell("Metadata", 9, body);
  assert.equal(refused.topics[0]!.errorCode, ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  assert.equal(off.broker.topics.find("new"), undefined);
  const made = await off.tell("CreateTopics", 5, {
    topics: [{ name: "asked", numPartitions: -1, replicationFactor: -1 }],
  });
  assert.deepEqual([made.topics[0]!.errorCode, made.topics[0]!.numPartitions], [ERROR.NONE, 3]);
  await using on = await openTestKafka(undefined, { partitions: 3 });
  const { topics } = await on.tell("Metadata", 9, body);
  assert.deepEqual([topics[0]!.errorCode, topics[0]!.partitions.length], [ERROR.NONE, 3]);
});

test("all topics are told to who asks for all, which version 0 says by none", async () => {
  await using kafka = await openTestKafka();
  for (const name of ["b", "a"]) await kafka.broker.topics.create({ name, partitions: 1 });
  const told = async (version: number, topics: [] | null): Promise<(string | null)[]> =>
    (await kafka.tell("Metadata", version, { topics })).topics.map(({ name }) => name);
  assert.deepEqual(await told(0, []), ["a", "b"]);
  assert.deepEqual(await told(1, []), []);
  assert.deepEqual(await told(1, null), ["a", "b"]);
  assert.deepEqual(await told(13, null), ["a", "b"]);
});

test("a topic is found by its id, until another one has its name", async () => {
  await using kafka = await openTestKafka();
  const { id } = (await kafka.broker.topics.create({ name: "t", partitions: 2 }))!;
  const ask = async (topicId: string) =>
    (await kafka.tell("Metadata", 12, { topics: [{ name: null, topicId }] })).topics[0]!;
  assert.deepEqual([(await ask(id)).name, (await ask(id)).partitions.length], ["t", 2]);
  await kafka.broker.topics.delete("t");
  await kafka.broker.topics.create({ name: "t", partitions: 2 });
  assert.equal((await ask(id)).errorCode, ERROR.UNKNOWN_TOPIC_ID);
  assert.equal((await ask(NO_TOPIC_ID)).errorCode, ERROR.UNKNOWN_TOPIC_ID);
});

test("what a client may do is told where it asks", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  const may: Call["may"] = (action) => action === "read" || action === "write";
  const asked = {
    topics: [{ name: "t" }],
    includeTopicAuthorizedOperations: true,
    includeClusterAuthorizedOperations: true,
  };
  const told = await kafka.tell("Metadata", 9, asked, { may });
  // Read, write, describe and describe configs; of the cluster describe, its configs, idempotent write.
  assert.equal(told.topics[0]!.topicAuthorizedOperations, 0b101_0001_1000);
  assert.equal(told.clusterAuthorizedOperations, 0b1_0101_0000_0000);
  const plain = await kafka.tell("Metadata", 9, { topics: [{ name: "t" }] });
  assert.equal(plain.topics[0]!.topicAuthorizedOperations, UNTOLD);
});

test("ListOffsets knows every special time, and tells nothing beyond the end", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  const startMs = kafka.environment.clock.now();
  for (let n = 0; n < 3; n++) {
    await kafka.streams.append("t", [message(String(n))]);
    await kafka.environment.clock.advance(1000);
  }
  const look = async (timestamp: number, currentLeaderEpoch = -1) => {
    const partitions = [{ partitionIndex: 0, timestamp, currentLeaderEpoch }];
    const { topics } = await kafka.tell("ListOffsets", 11, { topics: [{ name: "t", partitions }] });
    const { offset, errorCode, timestamp: timeMs } = topics[0]!.partitions[0]!;
    return [errorCode, offset, timeMs];
  };
  assert.deepEqual(await look(-1), [ERROR.NONE, 3, -1]);
  assert.deepEqual(await look(-2), [ERROR.NONE, 0, -1]);
  assert.deepEqual(await look(-3), [ERROR.NONE, 2, startMs + 2000]);
  assert.deepEqual(await look(-4), [ERROR.NONE, 0, -1]);
  assert.deepEqual(await look(-5), [ERROR.NONE, -1, -1]);
  assert.deepEqual(await look(-6), [ERROR.NONE, -1, -1]);
  assert.equal((await look(-7))[0], ERROR.UNSUPPORTED_VERSION);
  assert.deepEqual(await look(startMs + 1), [ERROR.NONE, 1, startMs + 1000]);
  assert.deepEqual(await look(startMs + 2001), [ERROR.NONE, -1, -1]);
  assert.equal((await look(-1, 1))[0], ERROR.UNKNOWN_LEADER_EPOCH);
});

test("a client says what it is, and its name must be one", async () => {
  await using kafka = await openTestKafka();
  const ask = (clientSoftwareName: string) =>
    kafka.tell("ApiVersions", 4, { clientSoftwareName, clientSoftwareVersion: "1.0" });
  assert.equal((await ask("bad name!")).errorCode, ERROR.INVALID_REQUEST);
  assert.equal((await ask("good-name")).errorCode, ERROR.NONE);
  const [entry] = kafka.environment.entries.filter(({ text }) => text.includes("came in"));
  assert.equal(entry!.facts["software"], "good-name");
});

test("the one epoch of leadership ends at the end, and no other one was", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  await kafka.streams.append("t", [message("a")]);
  const look = async (leaderEpoch: number, currentLeaderEpoch = -1, partition = 0) => {
    const partitions = [{ partition, leaderEpoch, currentLeaderEpoch }];
    const { topics } = await kafka.tell("OffsetForLeaderEpoch", 4, {
      topics: [{ topic: "t", partitions }],
    });
    const found = topics[0]!.partitions[0]!;
    return [found.errorCode, found.leaderEpoch, found.endOffset];
  };
  assert.deepEqual(await look(0), [ERROR.NONE, 0, 1]);
  assert.deepEqual(await look(1), [ERROR.NONE, -1, -1]);
  assert.equal((await look(0, 1))[0], ERROR.UNKNOWN_LEADER_EPOCH);
  assert.equal((await look(0, 0, 1))[0], ERROR.UNKNOWN_TOPIC_OR_PARTITION);
});
