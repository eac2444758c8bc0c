/**
 * The power fails at every step of a log with transactions. What was acknowledged must be there, as
 * committed or aborted as its marker said; sequences go on where they were; a batch that is sent again
 * because nobody knows stands there once.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../../../testing/environment.ts";
import type { BatchLog } from "../batch-log.ts";
import type { Disk } from "../disk.ts";
import type { MemoryDisk } from "../disks/memory-disk.ts";
import { enumeratePowerCuts, PowerCutBroke } from "../disks/power-cut.ts";
import { oneOf, STATES_MIN } from "../disks/power-cut-stage.test.ts";
import { withoutSyncs } from "../disks/recording-disk.ts";
import type { TransactionEnd } from "../format/transaction-marker.ts";
import { DIRECTORY, texts } from "../log-stage.test.ts";
import { openLogEnvironment, openPartitionLog } from "../open-log.ts";
import { producedBatches } from "./producer-stage.test.ts";

interface Sent {
  readonly id: number;
  readonly sequence: number;
  readonly value: string;
  readonly transactional: boolean;
  /** Instead of a batch. */
  readonly ends?: TransactionEnd;
}

interface Note {
  readonly acknowledged: boolean;
  readonly sent: Sent;
  readonly offset: number;
}

async function open(disk: Disk): Promise<BatchLog> {
  const { clock, log } = createTestEnvironment();
  await disk.makeDirectory("/data");
  const shared = { disk, clock, log, directory: "/data", freeBytesMin: 0 };
  return openPartitionLog(await openLogEnvironment(shared), {
    directory: DIRECTORY,
    durability: { mode: "fsync" },
    retention: {},
    segmentBytesMax: 320,
  });
}

function append(log: BatchLog, sent: Sent): { firstOffset: number; durable: Promise<void> } {
  const { id, ends } = sent;
  if (ends === undefined) return log.appendBatches(producedBatches(sent, sent.value));
  return log.appendMarker({ producerId: id, producerEpoch: 0, kind: ends, coordinatorEpoch: 0 });
}

/** Each line goes together: what is on it, as `producer:value`, or the end of the producer's transaction. */
const SCRIPT: readonly (readonly string[])[] = [
  ["1:a", "2:plain"],
  ["1:b"],
  ["1 abort", "3:c"],
  ["2:plain too, and long enough to end a segment with what stands before it"],
  ["3:d", "1:e"],
  ["1 commit"],
  ["stop"],
  ["3 abort", "1:f", "2:more of it, so that the next segment comes in time as well"],
  ["2:x", "1:g"],
  ["1 abort", "3:h"],
  ["3 commit"],
];

function parse(script: typeof SCRIPT): readonly (readonly Sent[] | "stop")[] {
  const next = new Map<number, number>();
  return script.map((line) =>
    line[0] === "stop"
      ? "stop"
      : line.map((item): Sent => {
          const id = Number(item[0]);
          const value = item.slice(2);
          const sequence = next.get(id) ?? 0;
          const transactional = id !== 2;
          if (item[1] === " ") {
            const ends = value === "abort" ? "abort" : "commit";
            return { id, sequence: -1, value, transactional, ends };
          }
          next.set(id, sequence + 1);
          return { id, sequence, value, transactional };
        }),
  );
}

async function workload(disk: Disk, note: (note: Note) => void): Promise<void> {
  let log = await open(disk);
  for (const line of parse(SCRIPT)) {
    if (line === "stop") {
      await log.close();
      log = await open(disk);
      continue;
    }
    const appended = line.map((sent) => {
      const { firstOffset: offset, durable } = append(log, sent);
      note({ acknowledged: false, sent, offset });
      return { sent, offset, durable };
    });
    for (const { sent, offset, durable } of appended) {
      await durable;
      note({ acknowledged: true, sent, offset });
    }
  }
  await log.close();
}

async function check(disk: MemoryDisk, notes: readonly Note[]): Promise<void> {
  const log = await open(disk);
  assert.equal(log.stopped, undefined);
  const acknowledged = notes.filter((each) => each.acknowledged);
  const appended = notes.filter((each) => !each.acknowledged);
  const end = Math.max(0, ...acknowledged.map(({ offset }) => offset + 1));
  assert.ok(log.end >= end, `offset ${log.end} would be given out again`);

  // What is there is what was appended up to some point: so its fates are known.
  const there = appended.filter(({ offset }) => offset < log.end);
  assert.equal(there.length, log.end);
  const fateOf = ({ sent, offset }: Note): string => {
    if (!sent.transactional) return "commit";
    const marker = there.find(
      (each) => each.sent.id === sent.id && each.sent.ends && each.offset > offset,
    );
    return marker?.sent.ends ?? "open";
  };
  const data = there.filter(({ sent }) => sent.ends === undefined);
  const stableEnd = data.find((each) => fateOf(each) === "open")?.offset ?? log.end;
  const committed = data.filter((each) => each.offset < stableEnd && fateOf(each) === "commit");
  const lines = committed.map(({ sent, offset }) => `${offset}:${sent.value}`);
  assert.equal(log.stableEnd, stableEnd);
  assert.equal(log.visibleEnd, (committed.at(-1)?.offset ?? -1) + 1);
  assert.deepEqual(await texts(log), lines);

  // Whoever got no answer sends again: what is there is not written twice, the rest goes on.
  for (const { sent, offset } of appended) {
    if (sent.ends !== undefined && offset < log.end) continue;
    const known = log.knownProducers().find(({ id }) => id === sent.id)?.batches ?? [];
    if (offset < log.end && !known.some(({ firstOffset }) => firstOffset === offset)) continue;
    const again = append(log, sent);
    assert.equal(again.firstOffset, offset);
    await again.durable;
  }
  await log.close();
}

test("a power cut in the middle of transactions loses none, and shows nothing aborted", async () => {
  const { steps, states } = await enumeratePowerCuts<Note>({
    workload,
    check,
    stride: oneOf(11),
  });
  console.log(`power cut, transactions: ${states} states of ${steps} steps`);
  assert.ok(states > STATES_MIN, `only ${states} states`);
});

test("a log that does not sync loses transactions: the enumeration can see it", async () => {
  const lying = enumeratePowerCuts<Note>({
    workload: (disk, note) => workload(withoutSyncs(disk), note),
    check,
  });
  await assert.rejects(lying, PowerCutBroke);
});
