/** How the kill suite deals its lives, and what it makes of what they came to. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyOf, roundOf } from "./crash/cast.ts";
import type { ComponentRecord, Driver, Violation } from "./crash/driver.ts";
import { InFlightHistogram } from "./crash/histogram.ts";
import { planDeath } from "./crash/life.ts";
import type { LivesOutcome } from "./crash/lives.ts";
import { RunTally } from "./crash/run-tally.ts";
import { ShopRecord, turnOf } from "./crash/shop/shop-record.ts";
import { Rivalry } from "./crash/wire/clients/rivalry.ts";
import { createSeededRandom } from "../src/model/ids.ts";

const driver = (name: string): Driver => ({
  name,
  start: () => Promise.resolve(),
  createRecord: () => assert.fail("not asked for"),
});

test("a round gives every cast its turns, spread as evenly as they go", () => {
  const often = { turns: 3, drivers: [driver("often")] };
  const seldom = { turns: 1, drivers: [driver("seldom")] };
  const once = { turns: 1, drivers: [driver("once")] };
  const names = roundOf([often, seldom, once]).map(({ drivers }) => drivers[0]!.name);
  assert.deepEqual(names, ["often", "seldom", "often", "once", "often"]);
  assert.deepEqual(onlyOf([often, seldom, once], ["once", "often"]), [often, once]);
});

test("the processes of the shop take turns, however its lives lie among those of others", () => {
  const record = new ShopRecord();
  const seen = Array.from({ length: 4 }, () => {
    const { process } = turnOf(record.resume());
    record.died();
    return process;
  });
  assert.deepEqual(seen, ["orchestrated", "choreographed", "orchestrated", "choreographed"]);
});

test("a life that serves clients is short, but for the one in which transactions time out", () => {
  const random = createSeededRandom(1);
  const planned = Array.from({ length: 200 }, (_, turn) =>
    planDeath(turn, { overWire: true, random }),
  );
  const long = planned.flatMap(({ afterMs }, turn) => (afterMs > 200 ? [turn] : []));
  assert.deepEqual(long, [40]);
  assert.ok(planned.some(({ from }) => from === "opening"));
  assert.ok(planned.some(({ stoppedMs }) => stoppedMs > 0));
});

test("of two producers of one id the older is known only where one began before the other asked", () => {
  const rivalry = new Rivalry();
  rivalry.asks("a", 1);
  rivalry.begins("a");
  assert.deepEqual([rivalry.isOlder("a"), rivalry.isNewest("a")], [false, true]);
  rivalry.asks("b", 1);
  assert.deepEqual([rivalry.isOlder("a"), rivalry.isNewest("a")], [false, false], "it may have");
  rivalry.begins("b");
  assert.deepEqual([rivalry.isOlder("a"), rivalry.isNewest("b")], [true, true]);
  rivalry.asks("a", 1);
  rivalry.asks("b", 1);
  rivalry.begins("b");
  rivalry.begins("a");
  const both = ["a", "b"].flatMap((name) => [rivalry.isOlder(name), rivalry.isNewest(name)]);
  assert.deepEqual(both, [false, false, false, false], "they began at one time");
});

test("a beginning whose connection was lost may fence its own producer while that server lives", () => {
  const rivalry = new Rivalry();
  rivalry.asks("a", 1);
  rivalry.loses("a");
  rivalry.asks("a", 1);
  rivalry.begins("a");
  assert.deepEqual([rivalry.isOlder("a"), rivalry.isNewest("a")], [false, false]);
  rivalry.asks("a", 2);
  rivalry.begins("a");
  assert.equal(rivalry.isNewest("a"), true);
});

test("what directories came to is added up, and a count that stays zero proves nothing", () => {
  const outcome = (seed: number, found: number, violations: readonly Violation[]): LivesOutcome => {
    const histogram = new InFlightHistogram();
    histogram.add({ work: 1 });
    const record: ComponentRecord = {
      take: () => undefined,
      died: () => ({}),
      resume: () => null,
      verify: () => Promise.resolve(),
      violations,
      totals: { found, missed: 0 },
    };
    return { seed, histogram, records: new Map([["part", record]]) };
  };
  const tally = new RunTally();
  tally.add(outcome(1, 2, []));
  tally.add(outcome(2, 3, [{ kind: "lost", text: "a" }]));
  const { lines, problems } = tally.conclude();
  assert.ok(lines.includes("  part: found: 5"));
  assert.ok(lines.some((line) => line.includes("2 of 2 kills had work in flight")));
  assert.deepEqual(problems, ["part: missed: none, so nothing is proved", "lost: 1"]);
  assert.deepEqual([...tally.seeds], [2]);
  assert.deepEqual([tally.found("lost"), tally.found("twice")], [1, 0]);
});
