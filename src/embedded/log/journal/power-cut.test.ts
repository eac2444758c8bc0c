import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk } from "../disk.ts";
import type { MemoryDisk } from "../disks/memory-disk.ts";
import { enumeratePowerCuts, PowerCutBroke, type PowerCutCounts } from "../disks/power-cut.ts";
import { oneOf, STATES_MIN } from "../disks/power-cut-stage.test.ts";
import { text, texts } from "../log-stage.test.ts";
import { tableBytes } from "./journal-entry.ts";
import { JOURNAL_PATH, openPartitions, withFiles } from "./journal-stage.test.ts";

interface Note {
  readonly kind: "appended" | "acknowledged";
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

interface Moves {
  /** One append to each of the partitions at once; all are acknowledged when it resolves. */
  readonly round: (...partitions: readonly number[]) => Promise<void>;
  readonly settle: () => Promise<void>;
  readonly trim: (partition: number) => Promise<void>;
}

interface Cuts {
  readonly stride: number;
  readonly wrap?: (disk: Disk) => Disk;
  /** Ends without an orderly stop, which would sync the segments. */
  readonly untilStop?: boolean;
  /** Halves of one entry unless said: each round changes them. */
  readonly halfBytes?: number;
  readonly check?: (disk: MemoryDisk, notes: readonly Note[]) => Promise<void>;
}

const SEGMENT = { segmentBytesMax: 270 };

function cutEverywhere(
  script: (moves: Moves) => Promise<void>,
  {
    stride,
    wrap = (disk) => disk,
    untilStop = false,
    halfBytes = 1024,
    check = recoverAndCheck,
  }: Cuts,
): Promise<PowerCutCounts> {
  return enumeratePowerCuts<Note>({
    stride,
    async workload(disk, note) {
      const opened = await openPartitions(wrap(disk), { ...SEGMENT, settings: { halfBytes } });
      const { logs, environment } = opened;
      let count = 0;
      await script({
        async round(...partitions) {
          const all = partitions.map(async (partition) => {
            const value = `${count++} of ${partition}`;
            const { firstOffset: offset, durable } = logs[partition]!.append([text(value)]);
            note({ kind: "appended", partition, offset, value });
            await durable;
            note({ kind: "acknowledged", partition, offset, value });
          });
          await Promise.all(all);
        },
        settle: () => environment.clock.settle(),
        async trim(partition) {
          await logs[partition]!.trimBefore(logs[partition]!.end);
        },
      });
      if (!untilStop) await opened[Symbol.asyncDispose]();
    },
    check,
  });
}

async function recoverAndCheck(disk: MemoryDisk, notes: readonly Note[]): Promise<void> {
  const opened = await openPartitions(disk, SEGMENT);
  const { logs, environment } = opened;
  assert.equal(disk.files.has(JOURNAL_PATH), false, "the journal is replayed and gone");
  for (const [partition, log] of logs.entries()) {
    assert.equal(log.stopped, undefined);
    const own = notes.filter((note) => note.partition === partition);
    const lineOf = ({ offset, value }: Note): string => `${offset}:${value}`;
    const appended = new Set(own.map(lineOf));
    const found = new Set(await texts(log));
    for (const note of own) {
      if (note.kind !== "acknowledged" || note.offset < log.earliest) continue;
      assert.ok(found.has(lineOf(note)), `${lineOf(note)} was acknowledged in ${partition}`);
    }
    for (const line of found) assert.ok(appended.has(line), `${line} was never appended`);
    assert.equal(found.size, log.end - log.earliest, "offsets join without a gap");
  }
  const ends = logs.map((log) => log.end);
  await opened.round("after", 0, 1, 2);
  for (const [partition, log] of logs.entries()) {
    assert.deepEqual(await texts(log, ends[partition]), [`${ends[partition]}:after`]);
  }
  await opened[Symbol.asyncDispose]();
  assert.deepEqual(
    environment.entries.filter(({ level }) => level === "error"),
    [],
  );
}

async function report(name: string, run: Promise<PowerCutCounts>): Promise<void> {
  const { states, steps } = await run;
  console.log(`power cut, ${name}: ${states} states of ${steps} steps, nothing acknowledged lost`);
  assert.ok(states > STATES_MIN, `only ${states} states`);
}

/** The journal is made, and used from the second round on. */
const begin = async ({ round, settle }: Moves): Promise<void> => {
  await round(0, 1);
  await settle();
};

/** Enough rounds for each half to be written over, with a partition that goes both ways in between. */
const rounds = async (moves: Moves): Promise<void> => {
  await begin(moves);
  for (let at = 0; at < 2; at++) await moves.round(0, 1);
  await moves.round(1);
  for (let at = 0; at < 3; at++) await moves.round(0, 2);
};

/** From the second round on a half is used again. */
const shared = async (moves: Moves): Promise<void> => {
  await begin(moves);
  for (let at = 0; at < 3; at++) await moves.round(0, 1);
};

test("a power cut while groups of several partitions share the journal loses nothing acknowledged", async () => {
  await report("journal", cutEverywhere(rounds, { stride: oneOf(101, 23), halfBytes: 1536 }));
});

test("a power cut while segments under the journal end and go loses nothing acknowledged", async () => {
  const script = async (moves: Moves): Promise<void> => {
    await begin(moves);
    for (let at = 0; at < 3; at++) await moves.round(0, 1);
    await moves.trim(0);
    await moves.round(0, 1);
  };
  await report("journal, rolls and trims", cutEverywhere(script, { stride: oneOf(127, 41) }));
});

test("a power cut after a partition went back to the direct way loses nothing acknowledged", async () => {
  const script = async (moves: Moves): Promise<void> => {
    await begin(moves);
    await moves.round(0, 1);
    for (let at = 0; at < 9; at++) await moves.round(0);
  };
  await report("journal, alone again", cutEverywhere(script, { stride: oneOf(47, 5) }));
});

test("a second power cut, during the replay or just after it, loses nothing acknowledged", async () => {
  const torn: { readonly disk: MemoryDisk; readonly notes: readonly Note[] }[] = [];
  let seen = 0;
  const script = async (moves: Moves): Promise<void> => {
    await begin(moves);
    await moves.round(0, 1);
    await moves.round(0, 1);
  };
  await cutEverywhere(script, {
    stride: 3,
    check: async (disk, notes) => {
      if (disk.files.has(JOURNAL_PATH) && seen++ % 331 === 0)
        torn.push({ disk, notes: [...notes] });
    },
  });
  let states = 0;
  for (const { disk, notes } of torn) {
    const counts = await enumeratePowerCuts<Note>({
      start: disk,
      stride: oneOf(29, 7),
      async workload(recorded, note) {
        const { logs } = await openPartitions(recorded, SEGMENT);
        const { firstOffset: offset, durable } = logs[0]!.append([text("new")]);
        note({ kind: "appended", partition: 0, offset, value: "new" });
        await durable;
        note({ kind: "acknowledged", partition: 0, offset, value: "new" });
      },
      check: (again, more) => recoverAndCheck(again, [...notes, ...more]),
    });
    states += counts.states;
  }
  console.log(`power cut, during the replay: ${states} states after ${torn.length} first cuts`);
  assert.ok(states > STATES_MIN, `only ${states} states`);
});

test("control: acknowledging before the journal's sync loses", async () => {
  const wrap = (disk: Disk): Disk =>
    withFiles(disk, JOURNAL_PATH, (file) => ({
      sync: async () => undefined,
      writeSynced: (buffers, position) => file.write(buffers, position),
    }));
  const script = async (moves: Moves): Promise<void> => {
    await begin(moves);
    await moves.round(0, 1);
  };
  await assert.rejects(cutEverywhere(script, { wrap, stride: 7, untilStop: true }), PowerCutBroke);
});

test("control: using a half again before its segments are synced loses", async () => {
  // Segments are synced until the journal is there; direct syncs come no more then.
  const wrap = (disk: Disk): Disk => {
    let made = false;
    const lazy = withFiles(disk, ".log", (file) => ({
      sync: async () => (made ? undefined : file.sync()),
    }));
    const rename = async (from: string, to: string): Promise<void> => {
      await disk.rename(from, to);
      made ||= to === JOURNAL_PATH;
    };
    return { ...lazy, rename };
  };
  await assert.rejects(cutEverywhere(shared, { wrap, stride: 13, untilStop: true }), PowerCutBroke);
});

test("control: a half that is written over before the journal says so looks damaged", async () => {
  const wrap = (disk: Disk): Disk =>
    withFiles(disk, JOURNAL_PATH, (file) => ({
      writeSynced: async (buffers, position) => {
        const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
        if (bytes > tableBytes(0, 0)) await file.writeSynced(buffers, position);
      },
    }));
  await assert.rejects(cutEverywhere(shared, { wrap, stride: 13, untilStop: true }), PowerCutBroke);
});
