import assert from "node:assert/strict";
import { test } from "node:test";
import { message } from "../../broker-stage.test.ts";
import { holdingReads } from "../../log/log-stage.test.ts";
import { createMemoryDisk, type Disk } from "../../log/open-log.ts";
import { producedBatches } from "../../log/producers/producer-stage.test.ts";
import { openTestKafka, type TestKafka } from "../broker-stage.test.ts";
import type { Draft } from "../codec/draft.ts";
import type { FetchPartition, FetchRequest, FetchResponse } from "../codec/generated/fetch.ts";
import { ERROR } from "../error-codes.ts";
import { READ_COMMITTED } from "../kafka-broker.ts";

const MIB = 1024 * 1024;

function requestFor(
  partitions: readonly Draft<FetchPartition>[],
  over: Draft<FetchRequest> = {},
): Draft<FetchRequest> {
  return {
    maxBytes: MIB,
    minBytes: 1,
    topics: [
      {
        topic: "t",
        partitions: partitions.map((partition) => ({ partitionMaxBytes: MIB, ...partition })),
      },
    ],
    ...over,
  };
}

function sizesOf({ responses }: FetchResponse): number[] {
  return responses[0]!.partitions.map(({ records }) => records?.length ?? 0);
}

function codesOf({ responses }: FetchResponse): number[] {
  return responses[0]!.partitions.map(({ errorCode }) => errorCode);
}

/** Each call is a batch of its own. */
async function fill(kafka: TestKafka, sizes: readonly number[], partition = 0): Promise<void> {
  for (const size of sizes) {
    await kafka.streams.append("t", [message("x".repeat(size))], { partition });
  }
}

test("the first batch comes whole above every limit, the rest within the limits in the order asked", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 3 });
  for (const partition of [0, 1, 2]) await fill(kafka, [1000, 1000], partition);
  const all = [2, 0, 1].map((partition) => ({ partition }));
  const one = await kafka.tell("Fetch", 12, requestFor(all, { maxBytes: 10 }));
  assert.deepEqual(
    sizesOf(one).map((size) => size > 0),
    [true, false, false],
  );
  const capped = all.map((each) => ({ ...each, partitionMaxBytes: 1500 }));
  const two = sizesOf(await kafka.tell("Fetch", 12, requestFor(capped, { maxBytes: 2500 })));
  assert.deepEqual(
    two.map((size) => size > 1000 && size < 1500),
    [true, true, false],
  );
  const every = sizesOf(await kafka.tell("Fetch", 12, requestFor(all)));
  assert.ok(every.every((size) => size > 2000));
});

test("a fetch inside a batch returns the whole batch", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  await kafka.streams.append(
    "t",
    ["a", "b", "c"].map((value) => message(value)),
  );
  const [fromFirst, fromLast] = await Promise.all(
    [0, 2].map((fetchOffset) =>
      kafka.tell("Fetch", 12, requestFor([{ partition: 0, fetchOffset }])),
    ),
  );
  assert.deepEqual(sizesOf(fromFirst!), sizesOf(fromLast!));
  assert.ok(sizesOf(fromLast!)[0]! > 0);
});

test("epochs that were never led, offsets that are not there and sessions are refused", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  await fill(kafka, [1]);
  const asked: readonly (readonly [Draft<FetchPartition>, number])[] = [
    [{ partition: 0, currentLeaderEpoch: 1 }, ERROR.UNKNOWN_LEADER_EPOCH],
    [{ partition: 0, fetchOffset: 2 }, ERROR.OFFSET_OUT_OF_RANGE],
    [{ partition: 0, lastFetchedEpoch: 1 }, ERROR.OFFSET_OUT_OF_RANGE],
    [{ partition: 7 }, ERROR.UNKNOWN_TOPIC_OR_PARTITION],
    [{ partition: 0, currentLeaderEpoch: 0, lastFetchedEpoch: 0, fetchOffset: 1 }, ERROR.NONE],
  ];
  for (const [partition, code] of asked) {
    const answer = await kafka.tell("Fetch", 12, requestFor([partition]));
    assert.deepEqual(codesOf(answer), [code], JSON.stringify(partition));
  }
  const beyond = requestFor([{ partition: 0, lastFetchedEpoch: 0, fetchOffset: 9 }]);
  const { responses } = await kafka.tell("Fetch", 12, beyond);
  assert.deepEqual(responses[0]!.partitions[0]!.divergingEpoch, { epoch: 0, endOffset: 1 });
  const session = await kafka.tell("Fetch", 12, requestFor([], { sessionId: 5, sessionEpoch: 1 }));
  assert.equal(session.errorCode, ERROR.FETCH_SESSION_ID_NOT_FOUND);
});

test("a fetch waits for as many bytes as it asks for, and no longer than it says", async () => {
  await using kafka = await openTestKafka();
  const { clock } = kafka.environment;
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  const waiting = { minBytes: 1500, maxWaitMs: 1000 };
  let answered = false;
  const asked = kafka.tell("Fetch", 12, requestFor([{ partition: 0 }], waiting));
  void asked.then(() => (answered = true));
  await clock.settle();
  await fill(kafka, [1000]);
  await clock.settle();
  assert.equal(answered, false);
  await fill(kafka, [1000]);
  assert.ok(sizesOf(await asked)[0]! > 2000);

  const behind = requestFor([{ partition: 0, fetchOffset: 2 }], waiting);
  const late = kafka.tell("Fetch", 12, behind);
  await clock.settle();
  await clock.advance(1001);
  assert.deepEqual(sizesOf(await late), [0]);
});

test("a topic that is deleted while a fetch waits ends the wait, also by its id", async () => {
  await using kafka = await openTestKafka();
  const { clock } = kafka.environment;
  for (const version of [12, 13]) {
    const { id } = (await kafka.broker.topics.create({ name: "t", partitions: 1 }))!;
    const topics = [{ topic: "t", topicId: id, partitions: [{ partition: 0 }] }];
    const asked = kafka.tell("Fetch", version, {
      minBytes: 1,
      maxBytes: 1,
      maxWaitMs: 9e6,
      topics,
    });
    await clock.settle();
    await kafka.broker.topics.delete("t");
    const code = version === 13 ? ERROR.UNKNOWN_TOPIC_ID : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
    assert.deepEqual(codesOf(await asked), [code]);
  }
});

test("a partition that a request names again is looked at once, and waits for nothing", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  await fill(kafka, [100]);
  const asked = Array.from({ length: 20_000 }, () => ({ partition: 0 }));
  const answer = await kafka.tell(
    "Fetch",
    12,
    requestFor(asked, { maxWaitMs: 9e6, minBytes: MIB }),
  );
  const [first, ...others] = codesOf(answer);
  assert.equal(first, ERROR.NONE);
  assert.deepEqual(new Set(others), new Set([ERROR.INVALID_REQUEST]));
  assert.equal(sizesOf(answer).filter((size) => size > 0).length, 1);
});

test("a fetch names what was aborted in a segment that is removed while it is read", async () => {
  const disk = createMemoryDisk();
  let held: ReturnType<typeof holdingReads> | undefined;
  const open: Disk["open"] = async (path, options) => {
    if (path.endsWith("/00000000000000000000.log") && path.includes("/streams/")) {
      held ??= holdingReads(disk, path);
    }
    return (held?.disk ?? disk).open(path, options);
  };
  await using kafka = await openTestKafka({ ...disk, open }, {}, { segmentBytesMax: 200 });
  const topic = (await kafka.broker.topics.create({ name: "t", partitions: 1 }))!;
  const log = topic.partitions[0]!;
  const batches = producedBatches({ id: 7, sequence: 0, transactional: true }, "x".repeat(150));
  await log.appendBatches(batches).durable;
  const ends = { producerId: 7, producerEpoch: 0, kind: "abort", coordinatorEpoch: 0 } as const;
  await log.appendMarker(ends).durable;
  await fill(kafka, [100, 100]);
  const { begun, letGo } = held!.hold();
  const asked = kafka.tell(
    "Fetch",
    12,
    requestFor([{ partition: 0 }], { isolationLevel: READ_COMMITTED }),
  );
  await begun;
  await log.trimTo(3);
  assert.ok(log.earliest >= 3);
  letGo();
  const [answer] = (await asked).responses[0]!.partitions;
  assert.equal(answer!.errorCode, ERROR.NONE);
  assert.ok(answer!.records!.length > 150);
  assert.deepEqual(
    answer!.abortedTransactions?.map(({ producerId, firstOffset }) => [producerId, firstOffset]),
    [[7, 0]],
  );
});
