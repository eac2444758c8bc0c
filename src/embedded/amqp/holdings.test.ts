import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBudget } from "../doors/byte-budget.ts";
import { Holdings } from "./holdings.ts";
import { LIMITS } from "./settings.ts";

const KIB = 1024;
const limits = { ...LIMITS, unfinishedBytesMax: 40 * KIB, unsentBytesMax: 30 * KIB };

function createHoldings(budget: ByteBudget, unsent = { bytes: 0 }) {
  const woken = { count: 0 };
  const holdings = new Holdings({
    limits,
    budget,
    wake: () => woken.count++,
    unread: () => 0,
    unsent: () => unsent.bytes,
  });
  return { holdings, unsent, woken };
}

test("messages that are not whole are bounded by connection, and by door", () => {
  const budget = new ByteBudget({ bytesMax: 50 * KIB, smallBytes: KIB });
  const [one, other] = [createHoldings(budget), createHoldings(budget)];
  assert.equal(one.holdings.gathers(39 * KIB), true);
  assert.equal(one.holdings.gathers(KIB), false);
  assert.equal(other.holdings.gathers(20 * KIB), true);
  one.holdings.update();
  other.holdings.update();
  assert.equal(budget.over, true);
  // One at a time goes on.
  assert.deepEqual([one.holdings.mayRead, other.holdings.mayRead], [true, false]);
  one.holdings.gathered(1, 39 * KIB);
  one.holdings.update();
  assert.equal(other.woken.count, 1);
  other.holdings.close();
  assert.equal(budget.usedBytes, 0);
});

test("who does not take its answers is not read, deliveries alone stop only deliveries", () => {
  const budget = new ByteBudget({ bytesMax: 1_000 * KIB, smallBytes: KIB });
  const { holdings, unsent } = createHoldings(budget);
  unsent.bytes = 30 * KIB;
  assert.deepEqual([holdings.sendRoom, holdings.mayRead], [0, true]);
  unsent.bytes = 61 * KIB;
  assert.equal(holdings.mayRead, false);
});

test("standing still is told by messages that become whole and by what is taken", () => {
  const budget = new ByteBudget({ bytesMax: 1_000 * KIB, smallBytes: KIB });
  const { holdings, unsent } = createHoldings(budget);
  const look = (nowMs: number, written = 0, reads = true) =>
    holdings.standstill(nowMs, { written, reads });
  assert.equal(look(1_000).ms, 0);
  holdings.gathers(KIB);
  // Frames that come are no progress of the message that does not.
  holdings.framed(100);
  assert.equal(look(6_000).ms, 5_000);
  assert.equal(look(7_000, 0, false).ms, 0);
  holdings.gathered(1, KIB);
  unsent.bytes = 500;
  assert.deepEqual(look(8_000, 500), { ms: 1_000, untakenMs: 1_000 });
  assert.deepEqual(look(9_000, 700), { ms: 0, untakenMs: 0 });
});
