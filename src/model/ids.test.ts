import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { createIdSource, createSeededRandom } from "./ids.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const millisOf = (id: string): number => Number.parseInt(id.replace("-", "").slice(0, 12), 16);

test("ids are UUIDv7, carry their time, and ascend also within one millisecond", async () => {
  const clock = createVirtualClock({ startMs: 1_767_225_600_000 });
  const ids = createIdSource(clock, createSeededRandom(1));
  const made: string[] = [];
  for (let step = 0; step < 5; step++) {
    for (let index = 0; index < 5_000; index++) made.push(ids.newId());
    await clock.advance(10);
  }
  for (const id of made) assert.match(id, UUID_V7);
  assert.equal(millisOf(made[0]!), 1_767_225_600_000);
  assert.equal(millisOf(made[5_000]!), 1_767_225_600_010);
  // The 4,097th id of a millisecond borrows from the next one.
  assert.equal(millisOf(made[4_095]!), 1_767_225_600_000);
  assert.equal(millisOf(made[4_096]!), 1_767_225_600_001);
  assert.deepEqual(made.toSorted(), made);
  assert.equal(new Set(made).size, 25_000);
});

test("ids go on ascending when the clock goes back", () => {
  let nowMs = 1_000;
  const clock = { ...createVirtualClock(), now: () => nowMs };
  const ids = createIdSource(clock, createSeededRandom(1));
  const before = ids.newId();
  nowMs = 500;
  const after = ids.newId();
  assert.ok(after > before);
  assert.equal(millisOf(after), 1_000);
});

test("a seeded source repeats its numbers, and another seed gives others", () => {
  const draw = (seed: number): number[] => {
    const random = createSeededRandom(seed);
    return Array.from({ length: 1_000 }, () => random.next());
  };
  assert.deepEqual(draw(5), draw(5));
  assert.notDeepEqual(draw(5), draw(6));
  const numbers = draw(5);
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05, `the mean is ${mean}`);
  assert.deepEqual(createSeededRandom(5).bytes(16), createSeededRandom(5).bytes(16));
});
