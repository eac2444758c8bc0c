import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../../testing/environment.ts";
import type { Disk } from "./disk.ts";
import type { MemoryDisk } from "./disks/memory-disk.ts";
import { enumeratePowerCuts, PowerCutBroke, type PowerCutCounts } from "./disks/power-cut.ts";
import { oneOf, STATES_MIN } from "./disks/power-cut-stage.test.ts";
import { withoutSyncs } from "./disks/recording-disk.ts";
import { openLogEnvironment, openPartitionLog, type PartitionLog } from "./open-log.ts";
import type { PartitionLogOptions } from "./partition-log.ts";
import { DIRECTORY, mortal, text, texts } from "./log-stage.test.ts";

type Note =
  | { readonly kind: "appended" | "acknowledged"; readonly offset: number; readonly value: string }
  /** From now on records before the offset may be gone. */
  | { readonly kind: "removing"; readonly before: number };

interface Moves {
  /** Appends in one call per value, all in one group, and waits until they are acknowledged. */
  readonly append: (...values: readonly string[]) => Promise<void>;
  readonly log: PartitionLog;
  readonly reopen: (options?: Partial<PartitionLogOptions>) => Promise<void>;
  /**
   * Ends the process as SIGKILL does: what was written stays in the page cache. Opens again and
   * promises what a reader then sees.
   */
  readonly kill: () => Promise<void>;
  readonly removing: (before: number) => void;
  /** Moves time; notes what was appended and not yet promised as promised. */
  readonly elapse: (ms: number) => Promise<void>;
}

const SMALL_SEGMENT: PartitionLogOptions = {
  directory: DIRECTORY,
  durability: { mode: "fsync" },
  retention: {},
  segmentBytesMax: 300,
};

/** Runs the script on a recorded disk, cuts the power everywhere, and recovers every time. */
function cutEverywhere(
  options: Partial<PartitionLogOptions>,
  script: (moves: Moves) => Promise<void>,
  {
    wrap = (disk) => disk,
    stride = oneOf(7),
    check,
  }: {
    readonly wrap?: (disk: Disk) => Disk;
    readonly stride?: number;
    readonly check?: (disk: MemoryDisk, notes: readonly Note[]) => Promise<void>;
  } = {},
): Promise<PowerCutCounts> {
  const settings = { ...SMALL_SEGMENT, ...options };
  return enumeratePowerCuts<Note>({
    stride,
    check: check ?? ((disk, notes) => recoverAndCheck(disk, notes, settings)),
    async workload(disk, note) {
      const { clock, log: facts } = createTestEnvironment();
      await disk.makeDirectory("/data");
      let life = mortal(wrap(disk));
      const open = async (changed: Partial<PartitionLogOptions> = {}): Promise<PartitionLog> => {
        const shared = { disk: life.disk, clock, log: facts, directory: "/data", freeBytesMin: 0 };
        return openPartitionLog(await openLogEnvironment(shared), { ...settings, ...changed });
      };
      let log = await open();
      let promised = settings.durability.mode === "fsync";
      let unpromised: { offset: number; value: string }[] = [];
      const promise = (): void => {
        for (const record of unpromised) note({ kind: "acknowledged", ...record });
        unpromised = [];
      };
      await script({
        get log() {
          return log;
        },
        async append(...values) {
          const durable = values.map((value) => {
            const { firstOffset: offset, durable: done } = log.append([text(value)]);
            note({ kind: "appended", offset, value });
            unpromised.push({ offset, value });
            return done;
          });
          await Promise.all(durable);
          if (promised) promise();
        },
        async reopen(changed = {}) {
          await log.close();
          promise();
          promised = (changed.durability ?? settings.durability).mode === "fsync";
          log = await open(changed);
        },
        async kill() {
          life.end();
          life = mortal(wrap(disk));
          log = await open();
          for (const line of await texts(log)) {
            const [offset, value] = line.split(":");
            note({ kind: "acknowledged", offset: Number(offset), value: value! });
          }
        },
        removing: (before) => note({ kind: "removing", before }),
        async elapse(ms) {
          await clock.advance(ms);
          promise();
        },
      });
      await log.close();
      promise();
    },
  });
}

async function openOn(disk: Disk, settings: PartitionLogOptions): Promise<PartitionLog> {
  const { clock, log } = createTestEnvironment();
  await disk.makeDirectory("/data");
  const environment = { disk, clock, log, directory: "/data", freeBytesMin: 0 };
  return openPartitionLog(await openLogEnvironment(environment), settings);
}

async function recoverAndCheck(
  disk: MemoryDisk,
  notes: readonly Note[],
  settings: PartitionLogOptions,
): Promise<void> {
  const environment = createTestEnvironment();
  await disk.makeDirectory("/data");
  const logs = await openLogEnvironment({
    disk,
    clock: environment.clock,
    log: environment.log,
    directory: "/data",
    freeBytesMin: 0,
  });
  const log = await openPartitionLog(logs, settings);
  assert.equal(log.stopped, undefined);
  assert.deepEqual(
    environment.entries.filter((entry) => entry.level === "error"),
    [],
  );

  const found = new Map((await texts(log)).map((line) => [Number(line.split(":")[0]), line]));
  const appended = new Map<number, string>();
  let removable = 0;
  let acknowledgedEnd = 0;
  for (const note of notes) {
    if (note.kind === "removing") removable = Math.max(removable, note.before);
    else if (note.kind === "appended") appended.set(note.offset, `${note.offset}:${note.value}`);
    else {
      acknowledgedEnd = Math.max(acknowledgedEnd, note.offset + 1);
      const line = `${note.offset}:${note.value}`;
      if (note.offset >= log.earliest) assert.equal(found.get(note.offset), line, "acknowledged");
    }
  }
  for (const [offset, line] of found) assert.equal(line, appended.get(offset), "never appended");
  assert.ok(log.earliest <= removable, `${log.earliest} is kept first, ${removable} was allowed`);
  assert.ok(log.end >= acknowledgedEnd, `offset ${log.end} would be given out again`);
  assert.equal(found.size, log.end - log.earliest, "offsets join without a gap");

  const end = log.end;
  const { firstOffset, durable } = log.append([text("after")]);
  await durable;
  assert.equal(firstOffset, end);
  assert.equal((await texts(log, end)).join(), `${end}:after`);
  await log.close();
}

async function report(name: string, run: Promise<PowerCutCounts>): Promise<void> {
  const { steps, states } = await run;
  console.log(`power cut, ${name}: ${states} states of ${steps} steps, nothing acknowledged lost`);
  assert.ok(states > STATES_MIN, `only ${states} states`);
}

const groupsAndRolls = async ({ append }: Moves): Promise<void> => {
  await append("one");
  await append("two", "three");
  await append("a longer record that fills the segment to more than half ".repeat(3));
  await append("first of the next segment", "second");
  await append("and one that ends it, for it is quite long ".repeat(6));
  await append("last");
};

// proves: durable-broker
test("a power cut while groups are appended and segments roll loses nothing acknowledged", async () => {
  await report("groups and rolls", cutEverywhere({}, groupsAndRolls));
});

test("a power cut while the process stops and starts in order loses nothing acknowledged", async () => {
  await report(
    "stop and start",
    cutEverywhere({}, async ({ append, reopen }) => {
      await append("one");
      await reopen();
      await append("two", "three");
      await reopen();
      await reopen();
      await append("four");
    }),
  );
});

test("a power cut while old segments are removed leaves no gap and gives no offset out again", async () => {
  await report(
    "trim and retention",
    cutEverywhere({}, async ({ append, log, removing, elapse }) => {
      const long = "x".repeat(260);
      await append(long);
      await append(long);
      await append(long);
      await append("four");
      removing(2);
      await log.trimBefore(2);
      await elapse(10_000);
      removing(4);
      log.configure({ durability: { mode: "fsync" }, retention: { ageMs: 1000 } });
      await log.enforceRetention(Number.MAX_SAFE_INTEGER);
      assert.deepEqual([log.earliest, log.end], [4, 4]);
      await append("five");
    }),
  );
});

test("a power cut in interval mode loses nothing that an interval has synced", async () => {
  const durability = { mode: "interval", intervalMs: 100 } as const;
  await report(
    "interval",
    cutEverywhere({ durability }, async ({ append, elapse }) => {
      await append("one");
      await append("two");
      await elapse(150);
      await append("three", "four");
      await append("five, which is long enough to end the segment ".repeat(6));
      await append("six");
      await elapse(150);
      await append("seven");
    }),
  );
});

test("a power cut after a kill loses nothing that was read in between", async () => {
  const durability = { mode: "interval", intervalMs: 100 } as const;
  await report(
    "after a kill",
    cutEverywhere({ durability }, async ({ append, kill }) => {
      await append("one");
      await append("two");
      await kill();
      await append("three");
      await kill();
    }),
  );
});

test("a second power cut, during recovery or just after it, loses nothing acknowledged", async () => {
  const torn: { readonly disk: MemoryDisk; readonly notes: readonly Note[] }[] = [];
  let seen = 0;
  await cutEverywhere({}, groupsAndRolls, {
    stride: 1,
    check: async (disk, notes) => {
      if (seen++ % 331 === 0) torn.push({ disk, notes: [...notes] });
    },
  });
  let states = 0;
  for (const { disk, notes } of torn) {
    const counts = await enumeratePowerCuts<Note>({
      start: disk,
      stride: oneOf(7),
      async workload(recorded, note) {
        const log = await openOn(recorded, SMALL_SEGMENT);
        const { firstOffset: offset, durable } = log.append([text("new")]);
        note({ kind: "appended", offset, value: "new" });
        await durable;
        note({ kind: "acknowledged", offset, value: "new" });
      },
      check: (again, more) => recoverAndCheck(again, [...notes, ...more], SMALL_SEGMENT),
    });
    states += counts.states;
  }
  console.log(`power cut, twice: ${states} states after ${torn.length} first cuts`);
  assert.ok(states > STATES_MIN, `only ${states} states`);
});

test("acknowledging before the sync loses: the enumeration can see it", async () => {
  await assert.rejects(
    cutEverywhere({}, groupsAndRolls, { wrap: withoutSyncs, stride: 1 }),
    PowerCutBroke,
  );
});
