import assert from "node:assert/strict";
import { test } from "node:test";
import { createChance } from "./chance.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("the same names draw the same ids and randomness, others draw others", () => {
  const draw = (names: readonly string[]): unknown[] => {
    const chance = createChance(names, 1_735_689_600_000);
    return [chance.newId(), chance.random(), chance.newId(), chance.random()];
  };
  assert.deepEqual(draw(["shop", "order", "m1"]), draw(["shop", "order", "m1"]));
  const seen = [
    ["shop", "order", "m1"],
    ["shop", "order", "m2"],
    ["shopo", "rder", "m1"],
  ].map(draw);
  assert.equal(new Set(seen.flat()).size, 12);
});

test("ids are UUIDv7 of the moment, ascending, and no two of many messages are alike", () => {
  const ids = new Set<string>();
  for (let n = 0; n < 2000; n++) {
    const chance = createChance(["shop", "order", `message-${n}`], 1_735_689_600_000);
    let before = "";
    for (let drawn = 0; drawn < 5; drawn++) {
      const id = chance.newId();
      assert.match(id, UUID_V7);
      assert.ok(id.startsWith("01941f29-7c00-7"));
      assert.ok(id > before);
      before = id;
      ids.add(id);
    }
  }
  assert.equal(ids.size, 10_000);
});

test("more ids than a millisecond counts go on in the next one; a strange moment is brought in range", () => {
  const chance = createChance(["a"], 1);
  const ids = Array.from({ length: 5000 }, () => chance.newId());
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, 5000);
  for (const ms of [-5, Number.NaN, Infinity, 2 ** 60, 1.5]) {
    assert.match(createChance(["a"], ms).newId(), UUID_V7);
  }
});

test("randomness is spread evenly over its range", () => {
  const counts = Array.from({ length: 10 }, () => 0);
  for (let n = 0; n < 20_000; n++) {
    const drawn = createChance(["part", String(n)], 0).random();
    assert.ok(drawn >= 0 && drawn < 1);
    counts[Math.floor(drawn * 10)]!++;
  }
  for (const count of counts) assert.ok(Math.abs(count - 2000) < 250, counts.join());
});
