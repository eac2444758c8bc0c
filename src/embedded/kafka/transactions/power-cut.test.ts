/** A power cut at every step of transactions: all of one takes effect or nothing, in every partition. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestEngine, type TestEngine } from "../../engine-stage.test.ts";
import type { BatchLog } from "../../log/batch-log.ts";
import { enumeratePowerCuts, PowerCutBroke } from "../../log/disks/power-cut.ts";
import { oneOf, STATES_MIN } from "../../log/disks/power-cut-stage.test.ts";
import { withoutSyncs } from "../../log/disks/recording-disk.ts";
import { createMemoryDisk, type Disk, type MemoryDisk } from "../../log/open-log.ts";
import { producedBatches } from "../../log/producers/producer-stage.test.ts";
import { ERROR } from "../error-codes.ts";
import { openTransactions } from "./open-transactions.ts";
import type { Producer } from "./transaction-machine.ts";

const ID = "payments";
const TOPIC = "t";
const PARTITIONS = 2;
const TIMEOUT_MS = 60_000;
const FAR_MS = 200_000;
/** There are ten thousand states, of which each takes some milliseconds; a prime meets all kinds. */
const STRIDE = oneOf(101, 13);

/** Small, and made at the first meeting of groups: markers in two partitions share it with the state log. */
const JOURNAL = { halfBytes: 4096, groupBytesMax: 2048, makeAfter: 1 };

/** What the client asked for (`…ing`), and what was answered. */
type Note = "committing" | "committed" | "aborting" | "aborted";

async function logsOf({ streams, engine }: TestEngine): Promise<readonly BatchLog[]> {
  const { incarnation } = await streams.ensureStream({ name: TOPIC, partitions: PARTITIONS });
  return engine.streamStorage.logsOf(incarnation);
}

/** A directory with an empty topic and a producer that has come. */
async function prepared(): Promise<{ readonly disk: MemoryDisk; readonly producer: Producer }> {
  const disk = createMemoryDisk();
  await using stage = await openTestEngine(disk, { journal: JOURNAL });
  await logsOf(stage);
  const { coordinator, close } = await openTransactions(stage.engine);
  const producer = await coordinator.init(ID, { timeoutMs: TIMEOUT_MS, known: undefined });
  await close();
  return { disk, producer };
}

/** One transaction with an offset in it is committed, the next one aborted. */
async function work(
  disk: Disk,
  first: Producer,
  { raises, note }: { readonly raises: boolean; readonly note: (note: Note) => void },
): Promise<void> {
  await using stage = await openTestEngine(disk, { journal: JOURNAL });
  const { coordinator, close } = await openTransactions(stage.engine);
  const logs = await logsOf(stage);
  let producer = first;
  const send = async (partition: number, sequence: number, value: string): Promise<void> => {
    const place = { topic: TOPIC, partition };
    if (!raises) await coordinator.add(ID, producer, { partitions: [place] });
    const { error, durable } = coordinator.admit(ID, producer, place, { adds: raises });
    assert.equal(error, ERROR.NONE);
    const made = { id: producer.producerId, epoch: producer.epoch, transactional: true, sequence };
    const appended = logs[partition]!.appendBatches(producedBatches(made, value));
    await Promise.all([durable, appended.durable]);
  };
  const end = async (committed: boolean): Promise<void> => {
    const { error, ...next } = await coordinator.end(ID, producer, { committed, raises });
    assert.equal(error, ERROR.NONE);
    producer = next;
  };
  await send(0, 0, "a");
  await send(1, 0, "a");
  const positions = [{ stream: TOPIC, partition: 0, offset: 5 }];
  assert.equal(await coordinator.commitOffsets(ID, producer, { group: "g", positions }), 0);
  note("committing");
  await end(true);
  note("committed");
  await send(0, raises ? 0 : 1, "b");
  await send(1, raises ? 0 : 1, "b");
  note("aborting");
  await end(false);
  note("aborted");
  await close();
}

async function check(disk: Disk, notes: readonly Note[]): Promise<void> {
  await using stage = await openTestEngine(disk, { journal: JOURNAL });
  const { coordinator, offsets, close } = await openTransactions(stage.engine);
  try {
    const logs = await logsOf(stage);
    const atOnce = await Promise.all(logs.map((_, partition) => valuesIn(stage, partition)));
    // By now a decided end is complete; what is open waits for its producer.
    await stage.environment.clock.advance(FAR_MS);
    const found = await Promise.all(logs.map((_, partition) => valuesIn(stage, partition)));
    assert.deepEqual(found, atOnce, "the timeout shows nobody a record");
    const committed = found[0]!.includes("a");
    for (const [partition, values] of found.entries()) {
      assert.deepEqual(values, committed ? ["a"] : [], `partition ${partition}`);
      assert.equal(logs[partition]!.stableEnd, logs[partition]!.end, "nobody is held back");
    }
    const position = stage.engine.streamStorage.storedPosition("g", TOPIC, 0);
    assert.equal(position?.offset, committed ? 5 : undefined, "offsets go with the records");
    assert.equal(offsets.isPending("g", TOPIC, 0), false);
    if (notes.includes("committed")) assert.ok(committed, "what was answered is there");
    if (!notes.includes("committing")) assert.ok(!committed, "nobody has asked for it");
    assert.match(coordinator.states.get(ID)!.status, /^(empty|complete-)/);
  } finally {
    await close();
  }
}

async function valuesIn({ streams }: TestEngine, partition: number): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of streams.read(TOPIC, { partition, from: "earliest" })) {
    found.push(...batch.map(({ value }) => Buffer.from(value ?? []).toString()));
  }
  return found;
}

for (const [protocol, raises] of [
  ["first", false],
  ["second", true],
] as const) {
  test(`after a power cut at any step of a transaction of the ${protocol} protocol, all of it holds or nothing`, async (t) => {
    const { disk: start, producer } = await prepared();
    const { steps, states } = await enumeratePowerCuts<Note>({
      start,
      workload: (disk, note) => work(disk, producer, { raises, note }),
      check,
      stride: STRIDE,
    });
    assert.ok(steps > 30 && states > STATES_MIN, `${states} states at ${steps} steps`);
    t.diagnostic(`${states} states at ${steps} steps`);
  });
}

test("a disk that only says it has synced is found out", async () => {
  const { disk: start, producer } = await prepared();
  const run = enumeratePowerCuts<Note>({
    start,
    workload: (disk, note) => work(withoutSyncs(disk), producer, { raises: true, note }),
    check,
  });
  await assert.rejects(run, PowerCutBroke);
});
