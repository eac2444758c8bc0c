import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBudget } from "./byte-budget.ts";

const open = (budget: ByteBudget, name: string, woken: string[]) =>
  budget.open(() => woken.push(name));

test("over the budget those with little go on, and those with much wait for one that has the turn", () => {
  const budget = new ByteBudget({ bytesMax: 100, smallBytes: 10 });
  const woken: string[] = [];
  const [a, b, c] = ["a", "b", "c"].map((name) => open(budget, name, woken));
  a!.hold(60);
  b!.hold(50);
  c!.hold(9);
  assert.equal(budget.usedBytes, 119);
  assert.deepEqual([a!.mayTake(), b!.mayTake(), c!.mayTake()], [true, false, true]);
  c!.hold(10);
  assert.equal(c!.mayTake(), false);
  // The turn is handed on although the sum is still over the budget.
  a!.hold(61);
  b!.hold(120);
  a!.hold(0);
  assert.deepEqual(woken, ["b"]);
  assert.deepEqual([b!.mayTake(), c!.mayTake()], [true, false]);
  b!.close();
  assert.deepEqual(woken, ["b", "c"]);
  assert.equal(budget.usedBytes, 10);
});

test("within the budget everybody is woken, in the order in which they were stopped", () => {
  const budget = new ByteBudget({ bytesMax: 100, smallBytes: 10 });
  const woken: string[] = [];
  const [a, b, c] = ["a", "b", "c"].map((name) => open(budget, name, woken));
  for (const [account, bytes] of [
    [a, 80],
    [b, 20],
    [c, 20],
  ] as const) {
    account!.hold(bytes);
  }
  assert.deepEqual([a!.mayTake(), c!.mayTake(), b!.mayTake()], [true, false, false]);
  a!.hold(20);
  assert.deepEqual(woken, ["c", "b"]);
});

test("an answer is granted a quarter of what is left, and always a little", () => {
  const budget = new ByteBudget({ bytesMax: 100, smallBytes: 10 });
  const account = open(budget, "a", []);
  assert.equal(account.grant(1_000), 25);
  assert.equal(account.grant(5), 5);
  account.hold(500);
  assert.equal(account.grant(1_000), 10);
});

test("who needs much at once waits in the order of asking, and answers are granted a little meanwhile", () => {
  const budget = new ByteBudget({ bytesMax: 100, smallBytes: 10 });
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((name) => open(budget, name, []));
  const given: string[] = [];
  const take = (account: typeof a, name: string, bytes: number): void =>
    account!.room(bytes, () => {
      given.push(name);
      account!.hold(bytes);
    });
  a!.hold(50);
  take(b, "b", 60);
  // Nobody had the turn: one at a time goes beyond the budget.
  assert.deepEqual(given, ["b"]);
  take(c, "c", 60);
  take(d, "d", 20);
  assert.deepEqual([given, budget.short, a!.grant(100)], [["b"], true, 10]);
  // A little is always there.
  take(e, "e", 9);
  e!.close();
  assert.deepEqual([given.splice(1), budget.short], [["e"], true]);
  b!.hold(30);
  a!.hold(0);
  assert.deepEqual([given, budget.usedBytes], [["b", "c"], 90]);
  b!.hold(0);
  assert.deepEqual([given, budget.usedBytes, budget.short], [["b", "c", "d"], 80, false]);
});

test("an account that is closed holds nothing, whatever ends later, and waits for nothing", () => {
  const budget = new ByteBudget({ bytesMax: 100, smallBytes: 10 });
  const [a, b] = ["a", "b"].map((name) => open(budget, name, []));
  const given: string[] = [];
  a!.hold(120);
  b!.hold(50);
  assert.equal(a!.mayTake(), true);
  b!.room(20, () => given.push("b"));
  assert.equal(budget.short, true);
  b!.close();
  b!.hold(500);
  b!.room(20, () => given.push("b"));
  assert.deepEqual([budget.usedBytes, budget.short, b!.mayTake()], [120, false, false]);
  a!.close();
  assert.deepEqual([budget.usedBytes, given], [0, []]);
});
