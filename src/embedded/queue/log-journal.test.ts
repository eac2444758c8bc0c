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
import { decodeQueueRecord } from "./queue-record.ts";

const RULES = { attempts: 5, keyOrder: false };
const message: RawMessage = { key: null, headers: [], value: new Uint8Array([7]) };

const APPEND_BYTES_MAX = 8 * 1024 * 1024;

/**
 * A log in memory, which takes as much at a time as one on disk. While `held` is set reads wait for it;
 * a write that fails is taken back.
 */
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
      const bytes = added.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      if (bytes > APPEND_BYTES_MAX) throw new MillraceError("TOO_LARGE", `${bytes} bytes`);
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

test("a checkpoint larger than an append is written beside the traffic, which counts after it", async () => {
  const { log, journal, checkpoints } = createStage();
  const { state } = await journal.recover(RULES);
  const sends = Array.from({ length: 6_000 }, () => ({ message, readyMs: 0 }));
  await journal.send(sends, 0).durable;
  for (let sequence = 0; sequence < sends.length; sequence++) {
    state.add({ sequence, sentMs: 0, key: null, readyMs: 0 }, 0);
    state.take(state.get(sequence)!, { token: "t", endsMs: 1 });
  }
  const sequences = [...state.entries()].map(({ sequence }) => sequence);
  await record(journal, state, { lease: sequences });
  const cause = "x".repeat(2_000);
  await record(journal, state, { dead: sequences.slice(1_000).map((n) => [n, 0, "E", cause]) });

  journal.tend(state);
  for (let at = 0; checkpoints.length === 0; at++) {
    assert.ok(at < 500, "the checkpoint comes to its end");
    await record(journal, state, { accept: [at] });
    await record(journal, state, { redrive: [1_000 + at] });
    await send(journal, state);
  }
  const { records } = await log.read(checkpoints[0]!, { count: 100_000, bytes: Infinity });
  const kinds = records.map((each) => decodeQueueRecord(each).kind);
  const between = kinds.slice(0, kinds.lastIndexOf("checkpoint"));
  assert.ok(between.includes("ops") && between.includes("message"), between.join());

  const next = createStage(log, [...checkpoints]).journal;
  const recovered = await next.recover(RULES);
  assert.equal(recovered.state.depth + next.heldBack, state.depth);
  assert.deepEqual(deadOf(recovered.state), deadOf(state));
  assert.ok(state.count("dead") > 4_000 && state.count("dead") < 5_000);
});

function deadOf(state: QueueState): readonly number[] {
  return [...state.deadLetters()].map(({ sequence }) => sequence);
}
