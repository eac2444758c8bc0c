import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { AT } from "../../log/format/batch-layout.ts";
import { crc32c } from "../../log/format/crc32c.ts";
import { text, wireBytes } from "../../log/log-stage.test.ts";
import { openTestKafka, type TestKafka } from "../broker-stage.test.ts";
import type { PartitionProduceResponse } from "../codec/generated/produce.ts";
import { ERROR } from "../error-codes.ts";

async function createTopic(kafka: TestKafka, configs: Record<string, string> = {}): Promise<void> {
  const { topics } = await kafka.tell("CreateTopics", 7, {
    topics: [
      {
        name: "t",
        numPartitions: 1,
        replicationFactor: 1,
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  assert.equal(topics[0]!.errorCode, ERROR.NONE);
}

async function produce(
  kafka: TestKafka,
  records: Buffer | null,
): Promise<PartitionProduceResponse> {
  const { responses } = await kafka.tell("Produce", 9, {
    acks: -1,
    topicData: [{ name: "t", partitionData: [{ index: 0, records }] }],
  });
  return responses[0]!.partitionResponses[0]!;
}

/** As its producer would have compressed it. */
function gzipped(batch: Buffer): Buffer {
  const packed = Buffer.concat([
    batch.subarray(0, AT.records),
    gzipSync(batch.subarray(AT.records)),
  ]);
  packed.writeInt32BE(packed.length - 12, AT.length);
  packed.writeInt16BE(1, AT.attributes);
  packed.writeUInt32BE(crc32c(packed, AT.attributes, packed.length), AT.crc);
  return packed;
}

async function valuesOf(kafka: TestKafka): Promise<{ value: string; appendedMs: number }[]> {
  const found: { value: string; appendedMs: number }[] = [];
  for await (const batch of kafka.streams.read("t", { partition: 0, from: "earliest" })) {
    for (const { value, appendedMs } of batch) {
      found.push({ value: Buffer.from(value ?? []).toString(), appendedMs });
    }
  }
  return found;
}

test("exactly one batch is taken for a partition", async () => {
  await using kafka = await openTestKafka();
  await createTopic(kafka);
  const nowMs = kafka.environment.clock.now();
  const batch = wireBytes([text("a")], nowMs);
  for (const records of [null, Buffer.alloc(0), Buffer.concat([batch, batch])]) {
    assert.equal((await produce(kafka, records)).errorCode, ERROR.INVALID_RECORD);
  }
  const taken = await produce(kafka, wireBytes([text("a"), text("b")], nowMs));
  assert.deepEqual([taken.errorCode, taken.baseOffset, taken.logAppendTimeMs], [0, 0, -1]);
  assert.equal((await valuesOf(kafka)).length, 2);
});

test("a batch above the topic's own limit is refused, one below it is not", async () => {
  await using kafka = await openTestKafka();
  await createTopic(kafka, { "max.message.bytes": "200" });
  const nowMs = kafka.environment.clock.now();
  const large = await produce(kafka, wireBytes([text("x".repeat(200))], nowMs));
  assert.equal(large.errorCode, ERROR.MESSAGE_TOO_LARGE);
  assert.match(large.errorMessage ?? "", /200/);
  assert.equal((await produce(kafka, wireBytes([text("x")], nowMs))).errorCode, ERROR.NONE);
});

test("a compacted topic refuses a batch with a keyless record and names it, compressed or not", async () => {
  await using kafka = await openTestKafka();
  await createTopic(kafka, { "cleanup.policy": "compact" });
  const nowMs = kafka.environment.clock.now();
  const mixed = [text("a", "k"), text("b"), text("c", "k"), text("d")];
  for (const pack of [(batch: Buffer) => batch, gzipped]) {
    const answer = await produce(kafka, pack(wireBytes(mixed, nowMs)));
    assert.equal(answer.errorCode, ERROR.INVALID_RECORD);
    assert.deepEqual(
      answer.recordErrors.map(({ batchIndex }) => batchIndex),
      [1, 3],
    );
    const keyed = await produce(kafka, pack(wireBytes([text("a", "k")], nowMs)));
    assert.equal(keyed.errorCode, ERROR.NONE);
  }
  assert.equal((await valuesOf(kafka)).length, 2);
});

test("times too far from the broker's are refused, as far as the topic says", async () => {
  await using kafka = await openTestKafka();
  await createTopic(kafka, { "message.timestamp.before.max.ms": "1000" });
  const nowMs = kafka.environment.clock.now();
  const HOUR = 3_600_000;
  const codes: number[] = [];
  for (const timeMs of [nowMs, nowMs + HOUR, nowMs + HOUR + 1, nowMs - 1000, nowMs - 1001]) {
    codes.push((await produce(kafka, wireBytes([text(String(timeMs))], timeMs))).errorCode);
  }
  const { NONE, INVALID_TIMESTAMP } = ERROR;
  assert.deepEqual(codes, [NONE, NONE, INVALID_TIMESTAMP, NONE, INVALID_TIMESTAMP]);
});

test("where the broker's time holds, records get it and the checksum holds over it", async () => {
  await using kafka = await openTestKafka();
  await createTopic(kafka, { "message.timestamp.type": "LogAppendTime" });
  const nowMs = kafka.environment.clock.now();
  const longAgo = wireBytes([text("a"), text("b")], 1_000);
  const answer = await produce(kafka, longAgo);
  assert.deepEqual([answer.errorCode, answer.logAppendTimeMs], [ERROR.NONE, nowMs]);
  assert.deepEqual(await valuesOf(kafka), [
    { value: "a", appendedMs: nowMs },
    { value: "b", appendedMs: nowMs },
  ]);
  const { topics } = await kafka.tell("ListOffsets", 7, {
    topics: [{ name: "t", partitions: [{ partitionIndex: 0, timestamp: -3 }] }],
  });
  assert.equal(topics[0]!.partitions[0]!.timestamp, nowMs);
});

test("a producer cannot say that the broker gave its records their time", async () => {
  await using kafka = await openTestKafka();
  await createTopic(kafka);
  const batch = wireBytes([text("a")], kafka.environment.clock.now());
  batch.writeInt16BE(8, AT.attributes);
  batch.writeUInt32BE(crc32c(batch, AT.attributes, batch.length), AT.crc);
  assert.equal((await produce(kafka, batch)).errorCode, ERROR.INVALID_TIMESTAMP);
});

test("acknowledgements other than 0, 1 and all are refused", async () => {
  await using kafka = await openTestKafka();
  await createTopic(kafka);
  const records = wireBytes([text("a")], kafka.environment.clock.now());
  const topicData = [{ name: "t", partitionData: [{ index: 0, records }] }];
  const { responses } = await kafka.tell("Produce", 9, { acks: 2, topicData });
  const [answer] = responses[0]!.partitionResponses;
  assert.equal(answer!.errorCode, ERROR.INVALID_REQUIRED_ACKS);
  assert.equal(await kafka.ask("Produce", 9, { acks: 0, topicData }), undefined);
  assert.equal((await valuesOf(kafka)).length, 1);
});
