import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../model/errors.ts";
import { createSeededRandom } from "../model/ids.ts";
import { STORE_LIMITS } from "./limits.ts";
import {
  advanceLane,
  finishOffsets,
  isFinished,
  isTaken,
  NO_LANE_PROGRESS,
  NO_PROGRESS,
} from "./progress.ts";
import type { LaneProgress, Progress } from "./progress.ts";

const RUNS = 300;

/** Runs `work` with a different seed each time, and names the seed that fails. */
function forSeeds(work: (random: (below: number) => number) => void): void {
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = createSeededRandom(seed);
    try {
      work((below) => Math.floor(random.next() * below));
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}

test("progress answers for every offset as a plain set of finished offsets does", () => {
  forSeeds((random) => {
    const finished = new Set<number>();
    let progress: Progress = NO_PROGRESS;
    for (let step = 0; step < 20; step++) {
      const offsets = Array.from({ length: random(6) }, () => random(60));
      const from = random(60);
      const gaps = random(4) === 0 ? [{ from, to: from + random(5) }] : [];
      progress = finishOffsets(progress, offsets, gaps);
      for (const offset of offsets) finished.add(offset);
      for (const gap of gaps) {
        for (let offset = gap.from; offset < gap.to; offset++) finished.add(offset);
      }
      for (let offset = 0; offset < 70; offset++) {
        assert.equal(isFinished(progress, offset), finished.has(offset), `offset ${offset}`);
      }
      assert.ok(!finished.has(progress.position), "the position itself is open");
    }
  });
});

test("ranges above the position are ascending, disjoint, not adjacent and not empty", () => {
  forSeeds((random) => {
    let progress: Progress = { position: random(10), above: [] };
    for (let step = 0; step < 20; step++) {
      const from = random(200);
      progress = finishOffsets(progress, [random(200)], [{ from, to: from + random(8) }]);
      let last = progress.position;
      for (const { from: begin, to } of progress.above) {
        assert.ok(last < begin && begin < to, JSON.stringify(progress));
        last = to;
      }
    }
  });
});

test("a lane takes for done exactly what was finished, in whatever order batches come", () => {
  forSeeds((random) => {
    const total = 40;
    const finished = new Set<number>();
    let lane: LaneProgress = NO_LANE_PROGRESS;
    // Sequences come in order; some of those read wait for a retry, as in a partition.
    const waiting: number[] = [];
    let read = 0;
    while (finished.size < total) {
      const fresh = Array.from({ length: Math.min(random(6), total - read) }, () => read++);
      waiting.push(...fresh);
      const done = waiting.filter(() => random(3) > 0);
      for (const sequence of done) waiting.splice(waiting.indexOf(sequence), 1);
      lane = advanceLane(lane, done, waiting);
      for (const sequence of done) finished.add(sequence);
      for (let sequence = 0; sequence < read; sequence++) {
        assert.equal(isTaken(lane, sequence), finished.has(sequence), `sequence ${sequence}`);
      }
      assert.equal(isTaken(lane, total), false);
    }
    assert.deepEqual(lane, { high: total - 1, holes: [] });
  });
});

test("sequences of a lane that went to other inputs are no holes", () => {
  const lane = advanceLane(NO_LANE_PROGRESS, [3, 9], [5]);
  assert.deepEqual(lane, { high: 9, holes: [5] });
});

test("a repetition that is still being looked at opens no hole in what was finished", () => {
  const lane = advanceLane({ high: 9, holes: [5] }, [12], [7, 5, 11]);
  assert.deepEqual(lane, { high: 12, holes: [5, 11] });
  assert.equal(isTaken(lane, 7), true);
});

test("nothing finished leaves progress as it was", () => {
  const progress = { position: 4, above: [{ from: 6, to: 7 }] };
  assert.equal(finishOffsets(progress, []), progress);
  assert.deepEqual(advanceLane({ high: 4, holes: [2] }, [], [9]), { high: 4, holes: [2] });
});

test("more open than the bound is refused with the limit", () => {
  const every = Array.from({ length: STORE_LIMITS.rangesMax }, (_, index) => 1 + index * 2);
  const full = finishOffsets(NO_PROGRESS, every);
  assert.equal(full.above.length, STORE_LIMITS.rangesMax);
  const over = every.length * 2 + 1;
  assert.throws(
    () => finishOffsets(full, [over]),
    (error) => isMillraceError(error, "TOO_LARGE") && error.message.includes("10000"),
  );
  assert.equal(finishOffsets(full, [0]).position, 2, "closing one is still possible");
  assert.throws(
    () => advanceLane(NO_LANE_PROGRESS, [1_000_000], [...every, 2]),
    (error) => isMillraceError(error, "TOO_LARGE"),
  );
});

test("a hundred thousand offsets in one commit are one pass", () => {
  const offsets = Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 100_000);
  assert.deepEqual(finishOffsets(NO_PROGRESS, offsets), { position: 100_000, above: [] });
  const lane = advanceLane(NO_LANE_PROGRESS, offsets, offsets.slice(0, 50_000));
  assert.deepEqual(lane, { high: 99_999, holes: [] });
});
