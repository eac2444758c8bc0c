import assert from "node:assert/strict";
import { test } from "node:test";
import { applyOps, type QueueOps } from "../../broker/in-process/queue/queue-journal.ts";
import type { QueueState } from "../../broker/queue-state.ts";
import { MillraceError } from "../../model/errors.ts";
import type { RawMessage } from "../../model/message.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import type { LogRecord, PartitionLog } from "../log/open-log.ts";
import { JOURNAL_LIMITS } from "./journal-limits.ts";
import { LogJournal } from "./log-journal.ts";

const RULES = { attempts: 5, keyOrder: false };
const message: RawMessage = { key: null, headers: [], value: new Uint8Array([7]) };

/** A log in memory. While `held` is set reads wait for it; a write that fails is taken back. */
function createFakeLog(): PartitionLog & { held?: Promise<void>; failing: boolean } {
  const records: LogRecord[] = [];
  return {
    failing: false,
    earliest: 0,
    bytes: 0,
    stopped: undefined,
    lostRanges: [],
    get end() {
      return records.length;
    },
    get visibleEnd() {
      return records.length;
    },
    append(added) {
      const firstOffset = records.length;
      if (this.failing) {
        return { firstOffset, durable: Promise.reject(new MillraceError("DISK_FULL", "no space")) };
      }
      added.forEach((each, index) =>
        records.push({ ...each, offset: firstOffset + index, appendedMs: 0 }),
      );
      return { firstOffset, durable: Promise.resolve() };
    },
    async read(offset, { count }) {
      await this.held;
      const read = records.slice(offset, offset + count);
      return { records: read, next: offset + read.length };
    },
    waitFor: () => Promise.resolve(),
    offsetAt: () => Promise.resolve(0),
    configure: () => undefined,
    retentionDueMs: Infinity,
    enforceRetention: () => Promise.resolve(0),
    trimBefore: () => Promise.resolve(0),
    close: () => Promise.resolve(),
  };
}

interface Stage {
  readonly log: ReturnType<typeof createFakeLog>;
  readonly journal: LogJournal;
  /** Offsets of those that were made. */
  readonly checkpoints: readonly number[];
}

function createStage(log = createFakeLog(), checkpoints: number[] = []): Stage {
  const { clock, log: report } = createTestEnvironment();
  const journal = new LogJournal({
    spec: { name: "q" },
    log,
    generation: 1,
    clock,
    report,
    limits: { ...JOURNAL_LIMITS, checkpointRecords: 4 },
    checkpoint: {
      get: () => checkpoints.at(-1),
      set: async (offset) => void checkpoints.push(offset),
    },
  });
  return { log, journal, checkpoints };
}

async function send(journal: LogJournal, state: QueueState): Promise<void> {
  const { firstSequence, durable } = journal.send([{ message, readyMs: 0 }], 0);
  state.add({ sequence: firstSequence, sentMs: 0, key: null, readyMs: 0 }, 0);
  await durable;
}

async function record(journal: LogJournal, state: QueueState, ops: QueueOps): Promise<void> {
  const durable = journal.record(ops);
  applyOps(state, ops, 0);
  await durable;
}

test("messages in memory that were never touched are held back after a start", async () => {
  const { log, journal, checkpoints } = createStage();
  const { state } = await journal.recover(RULES);
  for (let count = 0; count < 20; count++) await send(journal, state);
  for (const sequence of [0, 1, 4]) state.take(state.get(sequence)!, { token: "t", endsMs: 1 });
  await record(journal, state, { lease: [0, 1, 4] });
  await record(journal, state, { accept: [0, 4] });
  await journal.close();
  assert.equal(checkpoints.length, 1);

  const next = createStage(log, [...checkpoints]).journal;
  const recovered = await next.recover(RULES);
  assert.deepEqual([recovered.state.depth, next.heldBack], [1, 17]);
  assert.deepEqual(
    recovered.unsettled.map(({ sequence }) => sequence),
    [1],
  );
  const loaded: number[] = [];
  while (next.heldBack > 0) {
    await next.loadHeldBack((entries) => loaded.push(...entries.map((entry) => entry.sequence)));
  }
  const expected = Array.from({ length: 20 }, (_, index) => index);
  assert.deepEqual(
    loaded,
    expected.filter((sequence) => ![0, 1, 4].includes(sequence)),
  );
});

test("no checkpoint is made of a state that a failed write left wrong", async () => {
  const { log, journal, checkpoints } = createStage();
  const { state } = await journal.recover(RULES);
  for (let count = 0; count < 20; count++) await send(journal, state);
  // One old message is left to copy forward, and reading it takes until the gate opens.
  await record(journal, state, { accept: Array.from({ length: 19 }, (_, index) => index + 1) });
  const gate = Promise.withResolvers<void>();
  log.held = gate.promise;
  journal.tend(state);
  log.failing = true;
  await assert.rejects(send(journal, state), { code: "DISK_FULL" });
  log.failing = false;

  const recovering = journal.recover(RULES);
  gate.resolve();
  const recovered: QueueState = (await recovering).state;
  assert.deepEqual(checkpoints, [], "the checkpoint under way was given up");
  assert.equal(state.depth, 2);
  assert.equal(recovered.depth + journal.heldBack, 1, "the log tells of one message");

  journal.tend(recovered);
  await journal.close();
  assert.equal(checkpoints.length, 1, "of the recovered state one is made");
});
