/** Records that are damaged, and then given up: an error until a person accepts the loss, a gap afterwards. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { message, readAll, textOf } from "../../broker-stage.test.ts";
import { createMemoryDisk, type MemoryDisk } from "../../log/open-log.ts";
import { repairOn } from "../../repair.ts";
import { openTestKafka, type TestKafka } from "../broker-stage.test.ts";
import { ERROR } from "../error-codes.ts";

const OPTIONS = { directory: "/data" };
const LOST = { log: "t", partition: 0, offset: 1, nextOffset: 2 };

/** Four batches of one record, of which a bit of the second is flipped while no process has it open. */
async function diskWithDamage(): Promise<MemoryDisk> {
  const disk = createMemoryDisk();
  {
    await using kafka = await openTestKafka(disk, {}, OPTIONS);
    await kafka.broker.topics.create({ name: "t", partitions: 1 });
    for (const text of ["first", "second", "third", "fourth"]) {
      await kafka.streams.append("t", [message(text)]);
    }
  }
  const [path] = [...disk.files.keys()].filter((name) => /streams\/t\/.*\.log$/.test(name));
  const { bytes } = disk.files.get(path!)!;
  bytes[Buffer.from(bytes).indexOf("second")]! ^= 1;
  return disk;
}

async function accept(disk: MemoryDisk): Promise<void> {
  const place = { ...OPTIONS, disk, lock: () => ({ release: () => {} }) };
  const request = { accept: [LOST], dryRun: false };
  const repairs = await repairOn(createTestEnvironment(), place, request);
  assert.deepEqual(
    repairs.map(({ what }) => what),
    ["the loss of t/0@1-1 is accepted"],
  );
}

/** The error, and the base offsets of the batches. */
async function fetch(
  kafka: TestKafka,
  fetchOffset: number,
  isolationLevel: number,
): Promise<readonly number[]> {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }];
  const { responses } = await kafka.tell("Fetch", 12, {
    maxBytes: 1_000_000,
    minBytes: 1,
    isolationLevel,
    topics: [{ topic: "t", partitions }],
  });
  const { errorCode, records } = responses[0]!.partitions[0]!;
  const bytes = Buffer.concat(records === null ? [] : [records].flat());
  const offsets: number[] = [];
  for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
    offsets.push(Number(bytes.readBigInt64BE(at)));
  }
  return [errorCode, ...offsets];
}

async function listOffset(kafka: TestKafka, timestamp: number): Promise<readonly number[]> {
  const partitions = [{ partitionIndex: 0, timestamp }];
  const { topics } = await kafka.tell("ListOffsets", 5, { topics: [{ name: "t", partitions }] });
  const { errorCode, offset } = topics[0]!.partitions[0]!;
  return [errorCode, offset];
}

const EARLIEST = -2;
const LATEST = -1;
const { NONE, KAFKA_STORAGE_ERROR } = ERROR;

for (const isolation of [0, 1]) {
  test(`a fetch at lost offsets is an error until the loss is accepted, then goes on behind them (isolation ${isolation})`, async () => {
    const disk = await diskWithDamage();
    {
      await using kafka = await openTestKafka(disk, {}, OPTIONS);
      assert.deepEqual(await fetch(kafka, 0, isolation), [NONE, 0]);
      for (let again = 0; again < 3; again++) {
        assert.deepEqual(await fetch(kafka, 1, isolation), [KAFKA_STORAGE_ERROR]);
      }
      assert.deepEqual(await fetch(kafka, 2, isolation), [NONE, 2, 3]);
    }
    await accept(disk);
    await using kafka = await openTestKafka(disk, {}, OPTIONS);
    assert.deepEqual(await fetch(kafka, 0, isolation), [NONE, 0]);
    assert.deepEqual(await fetch(kafka, 1, isolation), [NONE, 2, 3]);
    assert.deepEqual(await fetch(kafka, 2, isolation), [NONE, 2, 3]);
    await kafka.streams.append("t", [message("fifth")]);
    assert.deepEqual(await fetch(kafka, 4, isolation), [NONE, 4]);
  });
}

test("offsets by time, by epoch and by deletion stand around an accepted loss as around a gap", async () => {
  const disk = await diskWithDamage();
  await accept(disk);
  await using kafka = await openTestKafka(disk, {}, OPTIONS);
  assert.deepEqual(await listOffset(kafka, EARLIEST), [NONE, 0]);
  assert.deepEqual(await listOffset(kafka, LATEST), [NONE, 4]);
  assert.deepEqual(await listOffset(kafka, 0), [NONE, 0]);
  const { topics: ends } = await kafka.tell("OffsetForLeaderEpoch", 3, {
    topics: [{ topic: "t", partitions: [{ partition: 0, currentLeaderEpoch: 0, leaderEpoch: 0 }] }],
  });
  assert.equal(ends[0]!.partitions[0]!.endOffset, 4);

  const deleteBefore = async (offset: number): Promise<readonly number[]> => {
    const partitions = [{ partitionIndex: 0, offset }];
    const { topics } = await kafka.tell("DeleteRecords", 1, {
      topics: [{ name: "t", partitions }],
    });
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!;
    return [errorCode, lowWatermark];
  };
  assert.deepEqual(await deleteBefore(1), [NONE, 1]);
  assert.deepEqual(await listOffset(kafka, EARLIEST), [NONE, 1]);
  assert.deepEqual(await listOffset(kafka, 0), [NONE, 2], "the first that is there");
  assert.deepEqual(await fetch(kafka, 1, 0), [NONE, 2, 3]);
  assert.deepEqual(await deleteBefore(3), [NONE, 3]);
  assert.deepEqual(await fetch(kafka, 3, 0), [NONE, 3]);
});

test("readers and groups of this process stop at a loss, and go on behind it once it is accepted", async () => {
  const disk = await diskWithDamage();
  {
    await using kafka = await openTestKafka(disk, {}, OPTIONS);
    await assert.rejects(readAll(kafka.streams, "t"), { code: "LOG_DAMAGED" });
  }
  await accept(disk);
  await using kafka = await openTestKafka(disk, {}, OPTIONS);
  assert.deepEqual((await readAll(kafka.streams, "t")).map(textOf), ["first", "third", "fourth"]);
  const seen: string[] = [];
  const all = Promise.withResolvers<void>();
  const member = await kafka.streams.joinGroup({
    group: "g",
    streams: ["t"],
    member: "m",
    async run(partition) {
      for await (const batch of partition.read("earliest")) {
        for (const record of batch) seen.push(textOf(record));
        await partition.commit(batch.at(-1)!.offset + 1);
        if (seen.length >= 3) all.resolve();
      }
    },
  });
  await all.promise;
  await member.close();
  assert.deepEqual(seen, ["first", "third", "fourth"]);
  const { positions } = await kafka.streams.describeGroup("g");
  assert.deepEqual([positions[0]!.committed, positions[0]!.lag], [4, 0]);
});
