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
  assert.ok(budget.over);
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
