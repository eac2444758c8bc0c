import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment, type TestEnvironment } from "../../../testing/environment.ts";
import type { Disk } from "../disk.ts";
import { openDataDirectory, type DataDirectory } from "../directory/data-directory.ts";
import type { MemoryDisk } from "../disks/memory-disk.ts";
import { enumeratePowerCuts, PowerCutBroke, type PowerCutCounts } from "../disks/power-cut.ts";
import { withoutSyncs } from "../disks/recording-disk.ts";
import { text, texts } from "../log-stage.test.ts";
import { openPartitionLog, type PartitionLog } from "../open-log.ts";
import type { JournalSettings } from "./commit-journal.ts";
import { JOURNAL } from "./journal-file.ts";

interface Note {
  readonly kind: "appended" | "acknowledged";
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** Halves of a few entries, made at the first meeting. */
const SETTINGS: JournalSettings = { halfBytes: 2048, groupBytesMax: 1024, makeAfter: 1 };
const PARTITIONS = 3;
const lock = () => ({ release: () => {} });

interface Opened extends AsyncDisposable {
  readonly logs: readonly PartitionLog[];
}

async function openAll(disk: Disk, environment: TestEnvironment): Promise<Opened> {
  const data: DataDirectory = await openDataDirectory(environment, {
    directory: "/data",
    disk,
    lock,
    freeBytesMin: 0,
    journal: SETTINGS,
  });
  const logs = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) =>
      openPartitionLog(data.logs, {
        directory: `/data/${partition}`,
        durability: { mode: "fsync" },
        retention: {},
        segmentBytesMax: 600,
      }),
    ),
  );
  return {
    logs,
    async [Symbol.asyncDispose]() {
      await Promise.all(logs.map((log) => log.close()));
      await data.close();
    },
  };
}

interface Moves {
  /** One append to each of the partitions at once; acknowledged when it resolves. */
  readonly round: (...partitions: readonly number[]) => Promise<void>;
  readonly settle: () => Promise<void>;
}

function cutEverywhere(
  script: (moves: Moves) => Promise<void>,
  { wrap = (disk) => disk, stride = 1, restarts = 1 }: { wrap?: (disk: Disk) => Disk; stride?: number; restarts?: number } = {},
): Promise<PowerCutCounts> {
  return enumeratePowerCuts<Note>({
    stride,
    async workload(disk, note) {
      for (let life = 0; life < restarts; life++) {
        const environment = createTestEnvironment();
        await using opened = await openAll(wrap(disk), environment);
        let count = 0;
        await script({
          async round(...partitions) {
            const all = partitions.map(async (partition) => {
              const value = `${life}-${count++} of ${partition}`;
              const { firstOffset: offset, durable } = opened.logs[partition]!.append([text(value)]);
              note({ kind: "appended", partition, offset, value });
              await durable;
              note({ kind: "acknowledged", partition, offset, value });
            });
            await Promise.all(all);
          },
          settle: () => environment.clock.settle(),
        });
      }
    },
    check: recoverAndCheck,
  });
}

async function recoverAndCheck(disk: MemoryDisk, notes: readonly Note[]): Promise<void> {
  const environment = createTestEnvironment();
  {
    await using opened = await openAll(disk, environment);
    assert.equal(disk.files.has(`/data/${JOURNAL}`), false, "the journal is replayed and gone");
    for (const [partition, log] of opened.logs.entries()) {
      assert.equal(log.stopped, undefined);
      const own = notes.filter((note) => note.partition === partition);
      const appended = new Map<number, string>();
      const acknowledged = new Map<number, string>();
      for (const { kind, offset, value } of own) {
        (kind === "appended" ? appended : acknowledged).set(offset, `${offset}:${value}`);
      }
      const found = await texts(log);
      assert.equal(found.length, log.end, "offsets join without a gap");
      for (const [offset, line] of acknowledged) assert.equal(found[offset], line, "acknowledged");
      for (const [offset, line] of found.entries()) assert.equal(line, appended.get(offset));
    }
    const ends = opened.logs.map((log) => log.end);
    await Promise.all(opened.logs.map((log) => log.append([text("after")]).durable));
    for (const [partition, log] of opened.logs.entries()) {
      assert.deepEqual(await texts(log, ends[partition]), [`${ends[partition]}:after`]);
    }
  }
  const errors = environment.entries.filter(({ level }) => level === "error");
  assert.deepEqual(errors, []);
}

function report(name: string, { states, steps }: PowerCutCounts): void {
  console.log(`power cut, ${name}: ${states} states of ${steps} steps, nothing acknowledged lost`);
  assert.ok(states > 500, `only ${states} states`);
}

/** Enough rounds for each half to be used again. */
const rounds = async ({ round, settle }: Moves): Promise<void> => {
  await round(0, 1, 2);
  await settle();
  for (let at = 0; at < 5; at++) await round(0, 1, 2);
  await round(1);
  for (let at = 0; at < 4; at++) await round(0, 2);
  await settle();
};

test("a power cut while groups of several partitions share the journal loses nothing acknowledged", async () => {
  report("journal", await cutEverywhere(rounds, { stride: 211 }));
});

test("acknowledging before the journal's sync loses: the enumeration can see it", async () => {
  await assert.rejects(cutEverywhere(rounds, { wrap: withoutSyncs }), PowerCutBroke);
});
