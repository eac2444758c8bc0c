import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchRefused } from "../batch-refused.ts";
import { ProducerStates } from "./producer-states.ts";
import type { ProducedBatch, ProducerEntry } from "./producer-entry.ts";

const KEEP_MS = 86_400_000;

interface Step {
  readonly epoch?: number;
  readonly sequence?: number;
  readonly count?: number;
  readonly transactional?: boolean;
  readonly atMs?: number;
  /** A marker instead of a batch. */
  readonly ends?: "abort" | "commit";
  readonly coordinatorEpoch?: number;
}

const batch = (sequence: number, more: Step = {}): Step => ({ sequence, ...more });

/**
 * Gives each step the next offset unless it is refused or was there before. Tells of each: `+offset`
 * for what is appended, `=offset` for a repetition, or the reason of the refusal.
 */
function play(steps: readonly Step[]): { told: string[]; entry: ProducerEntry | undefined } {
  const states = new ProducerStates({ keepMs: KEEP_MS });
  const told: string[] = [];
  let offset = 0;
  let nowMs = 0;
  for (const { epoch = 0, sequence = 0, count = 1, ends, atMs = 0, ...step } of steps) {
    nowMs = atMs;
    try {
      if (ends !== undefined) {
        const { coordinatorEpoch = 0 } = step;
        const marker = { producerId: 1, producerEpoch: epoch, kind: ends, coordinatorEpoch };
        states.checkMarker(marker, nowMs);
        states.ended(marker, { firstOffset: offset, nowMs, lastMs: nowMs });
        told.push(`+${offset++}`);
        continue;
      }
      const made: ProducedBatch = {
        producerId: 1,
        producerEpoch: epoch,
        baseSequence: sequence,
        count,
        transactional: step.transactional ?? false,
        newestMs: nowMs,
      };
      const original = states.check(made, nowMs);
      if (original !== undefined) {
        told.push(`=${original.firstOffset}`);
        continue;
      }
      states.appended(made, { firstOffset: offset, nowMs });
      told.push(`+${offset}`);
      offset += count;
    } catch (error) {
      assert.ok(error instanceof BatchRefused, String(error));
      told.push(error.reason);
    }
  }
  return { told, entry: states.get(1, nowMs) };
}

const LAST = 2 ** 31 - 1;
const INSIDE: Step = { transactional: true };

const cases: readonly (readonly [title: string, steps: readonly Step[], told: string[]])[] = [
  ["sequences that go on", [batch(0, { count: 3 }), batch(3), batch(4)], ["+0", "+3", "+4"]],
  ["a gap", [batch(0), batch(2), batch(1)], ["+0", "out-of-order", "+1"]],
  [
    "each of the last five again, and none older",
    [0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 0].map((sequence) => batch(sequence)),
    ["+0", "+1", "+2", "+3", "+4", "+5", "=1", "=2", "=3", "=4", "=5", "out-of-order"],
  ],
  [
    "a batch that begins like another and is longer",
    [batch(0, { count: 2 }), batch(0, { count: 3 }), batch(0, { count: 2 })],
    ["+0", "out-of-order", "=0"],
  ],
  [
    "the last sequence is followed by 0",
    [batch(LAST), batch(0), batch(LAST), batch(1)],
    ["+0", "+1", "=0", "+2"],
  ],
  [
    "a batch over the last sequence",
    [batch(LAST - 1, { count: 3 }), batch(1), batch(LAST - 1, { count: 3 })],
    ["+0", "+3", "=0"],
  ],
  ["an unknown producer begins anywhere", [batch(4711), batch(4712)], ["+0", "+1"]],
  [
    "a new epoch begins at 0, and ends the old one",
    [batch(0), batch(1, { epoch: 1 }), batch(0, { epoch: 1 }), batch(1), batch(0)],
    ["+0", "out-of-order", "+1", "fenced", "fenced"],
  ],
  [
    "sequences of a new epoch are not those of the old one",
    [batch(0), batch(1), batch(0, { epoch: 1 }), batch(1, { epoch: 1 })],
    ["+0", "+1", "+2", "+3"],
  ],
  [
    "a plain batch in an open transaction",
    [batch(0, INSIDE), batch(1), { ends: "commit" }, batch(1)],
    ["+0", "transaction-state", "+1", "+2"],
  ],
  [
    "a repetition in an open transaction is one all the same",
    [batch(0, INSIDE), batch(1, INSIDE), batch(0, INSIDE)],
    ["+0", "+1", "=0"],
  ],
  [
    "sequences go on over a marker of the same epoch",
    [batch(0, INSIDE), { ends: "abort" }, batch(1, INSIDE), batch(0, INSIDE)],
    ["+0", "+1", "+2", "=0"],
  ],
  [
    "a marker of the next epoch ends the old one, and sequences begin anew",
    [
      batch(0, INSIDE),
      { ends: "commit", epoch: 1 },
      batch(1, INSIDE),
      batch(1, { ...INSIDE, epoch: 1 }),
      batch(0, { ...INSIDE, epoch: 1 }),
    ],
    ["+0", "+1", "fenced", "out-of-order", "+2"],
  ],
  [
    "a marker of an older epoch",
    [batch(0, { epoch: 2 }), { ends: "abort", epoch: 1 }],
    ["+0", "fenced"],
  ],
  [
    "a marker of a coordinator that was replaced",
    [
      batch(0, INSIDE),
      { ends: "commit", coordinatorEpoch: 5 },
      { ends: "abort", coordinatorEpoch: 4 },
      { ends: "abort", coordinatorEpoch: 5 },
    ],
    ["+0", "+1", "fenced", "+2"],
  ],
  [
    "a marker for a producer of whom nothing is known",
    [{ ends: "abort", epoch: 3 }, batch(0)],
    ["+0", "fenced"],
  ],
  [
    "a producer is forgotten after a day",
    [batch(0), batch(7, { atMs: KEEP_MS - 1 }), batch(7, { atMs: KEEP_MS })],
    ["+0", "out-of-order", "+1"],
  ],
  [
    "but not while its transaction is open",
    [batch(0, INSIDE), batch(7, { ...INSIDE, atMs: 3 * KEEP_MS })],
    ["+0", "out-of-order"],
  ],
];

for (const [title, steps, told] of cases) {
  test(`producers: ${title}`, () => assert.deepEqual(play(steps).told, told));
}

test("an entry tells what is asked of a producer", () => {
  const { entry } = play([
    batch(0, { count: 2, atMs: 5 }),
    batch(2, { ...INSIDE, atMs: 6 }),
    batch(3, { ...INSIDE, atMs: 8 }),
  ]);
  assert.deepEqual(entry, {
    id: 1,
    epoch: 0,
    coordinatorEpoch: -1,
    batches: [
      { firstSequence: 0, lastSequence: 1, firstOffset: 0, lastOffset: 1 },
      { firstSequence: 2, lastSequence: 2, firstOffset: 2, lastOffset: 2 },
      { firstSequence: 3, lastSequence: 3, firstOffset: 3, lastOffset: 3 },
    ],
    openFrom: 2,
    lastMs: 8,
    heardMs: 8,
  });
  assert.equal(play([batch(0, INSIDE), { ends: "abort" }]).entry?.openFrom, undefined);
});

test("changes that are taken back leave what was there before them", () => {
  const states = new ProducerStates({ keepMs: KEEP_MS });
  const made = (id: number, baseSequence: number): ProducedBatch => ({
    producerId: id,
    producerEpoch: 0,
    baseSequence,
    count: 1,
    transactional: false,
    newestMs: 0,
  });
  const at = (firstOffset: number): { firstOffset: number; nowMs: number } => ({
    firstOffset,
    nowMs: 0,
  });
  states.appended(made(1, 0), at(0));
  states.settle(1);
  states.appended(made(1, 1), at(1));
  const whenOne = states.list(0);
  states.appended(made(1, 2), at(2));
  states.appended(made(2, 0), at(3));
  assert.deepEqual(states.before(2, 0), whenOne, "seen as of an offset");
  states.takeBack(2);
  assert.deepEqual(states.list(0), whenOne);
  assert.equal(states.check(made(1, 2), 0), undefined, "it may come again");
  states.settle(2);
  states.takeBack(0);
  assert.deepEqual(states.list(0), whenOne, "what is durable stays");
});

test("silent producers do not pile up", () => {
  const states = new ProducerStates({ keepMs: KEEP_MS });
  for (let id = 0; id < 10_000; id++) {
    const made = { producerId: id, producerEpoch: 0, baseSequence: 0, count: 1, newestMs: 0 };
    const nowMs = id * (KEEP_MS / 100);
    states.appended({ ...made, transactional: false }, { firstOffset: id, nowMs });
    states.settle(id + 1);
    assert.ok(states.size <= 1_000);
  }
});
