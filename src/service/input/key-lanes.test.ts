import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../../model/ids.ts";
import { createArrival, type Arrival } from "./arrival.ts";
import { KeyLanes, type Unit } from "./key-lanes.ts";

let row = 0;
const arrival = (key: string, n: number): Arrival =>
  createArrival({
    raw: { key, headers: [], value: null },
    incoming: { id: `${key}${n}`, offset: n },
    key,
    message: {
      envelope: { id: `${key}${n}`, type: "t", kind: "event", version: 1, source: "s", time: 0 },
      data: n,
    },
  });
const numbers = (unit: Unit | undefined): unknown[] | undefined =>
  unit?.arrivals.map((each) => each.message?.data);
const cause = { kind: "bug", code: "Error", message: "x", attempts: 1 } as const;

test("a key gives one unit at a time, other keys theirs", () => {
  const lanes = new KeyLanes(100);
  for (const [key, n] of [
    ["a", 0],
    ["b", 1],
    ["a", 2],
  ] as const)
    lanes.add(arrival(key, n));
  const a = lanes.take()!;
  assert.deepEqual(numbers(a), [0, 2]);
  lanes.add(arrival("a", 3));
  assert.deepEqual(numbers(lanes.take()), [1]);
  assert.equal(lanes.take(), undefined);
  lanes.done(a, a.arrivals.slice(1));
  assert.deepEqual(numbers(lanes.take()), [2, 3]);
});

test("a resting key gives nothing until it is woken", () => {
  const lanes = new KeyLanes(100);
  lanes.add(arrival("a", 0));
  const unit = lanes.take()!;
  lanes.done(unit, unit.arrivals);
  lanes.rest("a");
  lanes.add(arrival("a", 1));
  assert.equal(lanes.take(), undefined);
  lanes.wake("a");
  assert.deepEqual(numbers(lanes.take()), [0, 1]);
});

test("a condemned head parks with its cause, what waits and what comes behind it", () => {
  const lanes = new KeyLanes(100);
  for (const n of [0, 1]) lanes.add(arrival("a", n));
  const unit = lanes.take()!;
  lanes.done(unit, unit.arrivals);
  lanes.condemn("a", cause);
  const park = lanes.take()!;
  assert.ok(park.kind === "park" && park.cause === cause);
  assert.deepEqual(numbers(park), [0, 1]);
  lanes.add(arrival("a", 2));
  assert.equal(lanes.take(), undefined);
  lanes.done(park);
  const behind = lanes.take()!;
  assert.ok(behind.kind === "park" && behind.cause === undefined);
  lanes.done(behind);
  assert.equal(lanes.parked, 3);
});

test("what the store said before a unit moved is not believed", () => {
  const lanes = new KeyLanes(100);
  lanes.add(arrival("a", 0));
  const { moment } = lanes;
  const unit = lanes.take()!;
  lanes.done(unit, unit.arrivals);
  lanes.condemn("a", cause);
  lanes.done(lanes.take()!);
  assert.equal(lanes.setParked(moment, new Map(), new Map()), false);
  assert.equal(lanes.parked, 1);
  assert.equal(lanes.setParked(lanes.moment, new Map(), new Map()), true);
  assert.equal(lanes.parked, 0);
});

test("rows are worked off while arrivals of their key become rows, whose count is asked for again", () => {
  const lanes = new KeyLanes(100);
  lanes.setParked(0, new Map([["a", 1]]), new Map());
  lanes.add(arrival("a", 1));
  const parking = lanes.take()!;
  assert.equal(parking.kind, "park");
  const row = { ...arrival("a", 0), row: 1 };
  assert.equal(lanes.setParked(lanes.moment, new Map([["a", 1]]), new Map([["a", [row]]])), false);
  assert.equal(lanes.outdated, false, "while the unit is out, asking tells nothing new");
  const work = lanes.take()!;
  assert.deepEqual([work.kind, work.arrivals], ["work", [row]]);
  lanes.done(parking);
  assert.equal(lanes.outdated, false);
  lanes.done(work);
  assert.equal(lanes.outdated, true);
  assert.equal(lanes.setParked(lanes.moment, new Map([["a", 1]]), new Map()), true);
  assert.deepEqual([lanes.outdated, lanes.parked], [false, 1]);
});

test("whatever fails, parks and is redriven, each key's messages are handled in order and once", () => {
  let redrives = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const random = createSeededRandom(seed);
    const lanes = new KeyLanes(40);
    const store: (Arrival & { row: number })[] = [];
    const handled = new Map<string, unknown[]>();
    const out: Unit[] = [];
    const resting = new Set<string>();
    let next = 0;
    const total = 60;
    const finish = (unit: Unit, mayFail: boolean): void => {
      if (unit.kind === "park") {
        for (const each of unit.arrivals) store.push({ ...each, row: ++row });
        lanes.done(unit);
      } else if (unit.kind === "repark" || unit.kind === "unreadable") lanes.done(unit);
      else {
        const fails = mayFail && random.next() < 0.4;
        const count = fails
          ? Math.floor(random.next() * unit.arrivals.length)
          : unit.arrivals.length;
        for (const each of unit.arrivals.slice(0, count)) {
          handled.set(unit.key, [...(handled.get(unit.key) ?? []), each.message!.data]);
          const at = store.findIndex((parked) => parked.row === each.row);
          if (at !== -1) store.splice(at, 1);
        }
        lanes.done(unit, unit.arrivals.slice(count));
        if (!fails) return;
        if (random.next() < 0.5) lanes.condemn(unit.key, cause);
        else {
          lanes.rest(unit.key);
          resting.add(unit.key);
        }
      }
    };
    const redrive = (): void => {
      const counts = new Map<string, number>();
      for (const { key } of store) counts.set(key, (counts.get(key) ?? 0) + 1);
      redrives++;
      lanes.setParked(
        lanes.moment,
        counts,
        Map.groupBy(store, ({ key }) => key),
      );
    };
    const step = (mayFail: boolean): void => {
      const dice = random.next();
      if (dice < 0.35 && next < total) lanes.add(arrival("abc"[next % 3]!, next++));
      else if (dice < 0.6) {
        const unit = lanes.take({ rowsOnly: random.next() < 0.2 });
        if (unit !== undefined) out.push(unit);
      } else if (dice < 0.85 && out.length > 0) {
        finish(out.splice(Math.floor(random.next() * out.length), 1)[0]!, mayFail);
      } else if (dice < 0.93) {
        for (const key of resting) lanes.wake(key);
        resting.clear();
      } else redrive();
    };
    for (let i = 0; i < 600; i++) step(true);
    for (let i = 0; i < 3000; i++) step(false);
    const order = ["a", "b", "c"].map((key) => [key, handled.get(key)?.join()]);
    const expected = ["a", "b", "c"].map((key, at) => [
      key,
      Array.from({ length: total / 3 }, (_, n) => at + 3 * n).join(),
    ]);
    assert.deepEqual(order, expected, `seed ${seed}`);
  }
  assert.ok(redrives > 1000);
});
