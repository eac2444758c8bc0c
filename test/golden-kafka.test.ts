/** Golden directories, looked at as Kafka clients do: what released formats keep of their work. */

import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { AT } from "../src/embedded/log/format/batch-layout.ts";
import { createMemoryDisk, type MemoryDisk } from "../src/embedded/log/open-log.ts";
import { openTestKafka, type TestKafka } from "../src/embedded/kafka/broker-stage.test.ts";
import { ERROR } from "../src/embedded/kafka/error-codes.ts";
import { createTestEnvironment } from "../src/testing/environment.ts";
import type { BrokerState } from "./golden/broker-state.ts";
import { fetchAll, readPlaces, type KafkaState } from "./golden/kafka-state.ts";

const GOLDEN = "test/golden";
const DIRECTORY = "/golden";

interface Golden {
  readonly version: string;
  readonly broker: BrokerState;
  readonly kafka: KafkaState;
}

const goldens: readonly Golden[] = readdirSync(GOLDEN)
  .filter((name) => /^v\d+$/.test(name))
  .flatMap((version) => {
    const { broker }: { readonly broker: BrokerState } = JSON.parse(
      readFileSync(join(GOLDEN, version, "expected.json"), "utf8"),
    );
    return broker.kafka === undefined ? [] : [{ version, broker, kafka: broker.kafka }];
  });

test("a directory of format 2 is kept as a golden one", () => {
  assert.ok(goldens.some(({ broker }) => broker.format === 2));
});

/** In memory, so nothing that looking does reaches the golden one. */
async function diskOf(version: string): Promise<MemoryDisk> {
  const disk = createMemoryDisk();
  const root = join(GOLDEN, version, "broker");
  for (const entry of globSync("**", { cwd: root, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = join(DIRECTORY, path.slice(root.length + 1));
    await disk.makeDirectory(dirname(target));
    const file = await disk.open(target, { create: true });
    await file.write([readFileSync(path)], 0);
    await file.close();
  }
  return disk;
}

async function open({ version, broker }: Golden): Promise<TestKafka> {
  return openTestKafka(
    await diskOf(version),
    {},
    {
      environment: createTestEnvironment({ startMs: broker.nowMs }),
      directory: DIRECTORY,
      segmentBytesMax: 4096,
    },
  );
}

function compared(t: TestContext, what: string, found: readonly unknown[], told: unknown): void {
  assert.deepEqual(found, told);
  assert.ok(found.length > 0, `no ${what} to compare`);
  t.diagnostic(`${found.length} ${what} compared`);
}

for (const golden of goldens) {
  const { version, kafka: told } = golden;

  test(`${version}: committed records come back, aborted and open ones reach no reader of committed ones`, async (t) => {
    await using kafka = await open(golden);
    const { name, committed, aborted, ends } = told.ledger;
    const found = await readPlaces(kafka, name, ends.length);
    compared(t, "committed records", found.toSorted(), committed);
    const seen: unknown[] = [];
    for (const [partition, { end, stable }] of ends.entries()) {
      const fetched = await fetchAll(kafka, name, { partition, committed: true });
      assert.deepEqual([fetched.highWatermark, fetched.lastStableOffset], [end, stable]);
      seen.push(...(fetched.abortedTransactions ?? []).map((one) => ({ partition, ...one })));
    }
    compared(t, "aborted transactions", seen, aborted);
  });

  test(`${version}: producers are known: a batch sent again is stored once, and ids go on above`, async (t) => {
    await using kafka = await open(golden);
    const { name, ends } = told.ledger;
    const { topics } = await kafka.tell("DescribeProducers", 0, {
      topics: [{ name, partitionIndexes: ends.map((_, partition) => partition) }],
    });
    const known = topics[0]!.partitions.flatMap(({ partitionIndex: partition, activeProducers }) =>
      activeProducers.map((producer) => ({
        partition,
        producerId: producer.producerId,
        producerEpoch: producer.producerEpoch,
        lastSequence: producer.lastSequence,
        openFrom: producer.currentTxnStartOffset,
      })),
    );
    const order = (one: (typeof known)[number]): string => `${one.producerId} ${one.partition}`;
    const sorted = (list: readonly (typeof known)[number][]) =>
      list.toSorted((a, b) => order(a).localeCompare(order(b)));
    compared(t, "producers", sorted(known), sorted(told.producers));

    const answers: number[] = [];
    for (const { partition, base64, transactionalId } of told.repeats) {
      const records = Buffer.from(base64, "base64");
      const { responses } = await kafka.tell("Produce", 12, {
        acks: -1,
        transactionalId,
        topicData: [{ name, partitionData: [{ index: partition, records }] }],
      });
      const [answer] = responses[0]!.partitionResponses;
      assert.equal(answer!.errorCode, ERROR.NONE);
      answers.push(answer!.baseOffset);
    }
    compared(
      t,
      "repeats",
      answers,
      told.repeats.map(({ offset }) => offset),
    );
    const { end } = ends[1]!;
    const after = await fetchAll(kafka, name, { partition: 1, committed: false });
    assert.equal(after.highWatermark, end, "nothing was stored");
    const { producerId } = await kafka.tell("InitProducerId", 4, { transactionalId: null });
    assert.ok(producerId >= told.producerIdMin, `${producerId} was given out`);
    const generation = Number(kafka.broker.engine.state.get("generation"));
    assert.ok(generation > told.generationMin, `generation ${generation}`);
  });

  test(`${version}: transactions are in the state in which they were left, and the open one can end`, async (t) => {
    await using kafka = await open(golden);
    const { transactionStates } = await kafka.tell("DescribeTransactions", 0, {
      transactionalIds: told.transactions.map(({ id }) => id),
    });
    const found = transactionStates.map((one) => ({
      id: one.transactionalId,
      state: one.transactionState,
      producerId: one.producerId,
      producerEpoch: one.producerEpoch,
    }));
    compared(t, "transactions", found, told.transactions);
    const left = told.transactions.find(({ state }) => state === "Ongoing")!;
    const { errorCode } = await kafka.tell("EndTxn", 5, {
      transactionalId: left.id,
      producerId: left.producerId,
      producerEpoch: left.producerEpoch,
      committed: true,
    });
    assert.equal(errorCode, ERROR.NONE);
    const more = await readPlaces(kafka, told.ledger.name, told.ledger.ends.length);
    assert.ok(more.length > told.ledger.committed.length, "its records can be read now");
    await compareOffsets(
      kafka,
      told.offsets.map((one) => ({ ...one, unstable: false })),
    );
  });

  test(`${version}: offsets come back with what was said of them`, async (t) => {
    await using kafka = await open(golden);
    await compareOffsets(kafka, told.offsets);
    t.diagnostic(`${told.offsets.length} offsets compared`);
  });

  test(`${version}: of each key of a compacted topic the newest record is there, at its offset`, async (t) => {
    await using kafka = await open(golden);
    const { name, newest, gone } = told.compacted;
    compared(t, "newest records", (await readPlaces(kafka, name, 1)).toSorted(), newest);
    assert.ok(gone > newest.length);
  });

  test(`${version}: batches of every codec are served as they came, and are read`, async (t) => {
    await using kafka = await open(golden);
    const { name, batches } = told.codecs;
    for (const [partition, { codec, base64 }] of batches.entries()) {
      const { records } = await fetchAll(kafka, name, { partition, committed: false });
      const came = Buffer.from(base64, "base64");
      assert.deepEqual(records.subarray(AT.crc), came.subarray(AT.crc), codec);
    }
    const found = await readPlaces(kafka, name, batches.length);
    assert.ok(found.length > batches.length);
    // Each codec packed the same records.
    const texts = found.map((place) => place.slice(2));
    const each = texts.length / batches.length;
    const groups = batches.map((_, at) => texts.slice(at * each, (at + 1) * each));
    compared(
      t,
      "codecs",
      groups,
      batches.map(() => groups[0]),
    );
  });
}

test("the page on the directory knows every key of the state log, and shows some as they are", async () => {
  const page = readFileSync("docs/formats/directory.md", "utf8");
  const told = new Set([...page.matchAll(/^\| `([a-z-]+)[`/]/gm)].map(([, name]) => name));
  const golden = goldens.find(({ version }) => version === "v3")!;
  await using kafka = await open(golden);
  const entries = [...kafka.broker.engine.state.entries("")];
  const found = new Set(entries.map(([key]) => key.split("/")[0]));
  assert.deepEqual(
    [...found].filter((name) => !told.has(name)),
    [],
  );
  assert.ok(found.size >= 7 && told.size >= found.size);
  const [, block = ""] = /state log of `test\/golden\/v3`:\n\n```\n([^`]+)```/.exec(page) ?? [];
  const lines = entries.map(([key, value]) => `${key} ${value}`);
  const shown = block.trimEnd().split("\n");
  assert.deepEqual(
    shown.filter((line) => !lines.includes(line)),
    [],
  );
  assert.ok(shown.length > 2);
});

async function compareOffsets(kafka: TestKafka, offsets: KafkaState["offsets"]): Promise<void> {
  assert.ok(offsets.length > 0);
  for (const one of offsets) {
    const { groups } = await kafka.tell("OffsetFetch", 9, {
      requireStable: true,
      groups: [
        { groupId: one.group, topics: [{ name: one.topic, partitionIndexes: [one.partition] }] },
      ],
    });
    const [found] = groups[0]!.topics[0]!.partitions;
    const { errorCode, committedOffset, committedLeaderEpoch, metadata } = found!;
    if (one.unstable) {
      assert.equal(errorCode, ERROR.UNSTABLE_OFFSET_COMMIT, one.group);
      continue;
    }
    assert.deepEqual(
      [errorCode, committedOffset, committedLeaderEpoch, metadata],
      [ERROR.NONE, one.offset, one.leaderEpoch, one.metadata],
      one.group,
    );
  }
}
