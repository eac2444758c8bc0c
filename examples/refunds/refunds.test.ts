/** What the pages on effects, view versions and replays say, observed. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { ReplayMode } from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";
import { createTestEnvironment, openScenario, type Scenario } from "millrace/testing";
import { bank } from "./bank.ts";
import { payouts, RefundGranted } from "./contract.ts";
import { before, counted, refunds, totals } from "./refunds.ts";

const o1 = { orderId: "o1", customerId: "ann", cents: 500 };
const o2 = { orderId: "o2", customerId: "ann", cents: 700 };

beforeEach(() => {
  bank.calls.length = 0;
  bank.paid.clear();
  bank.silent = false;
});

/** Two processes, one after the other, on the same data. */
function sameData() {
  return { broker: memoryBroker(), store: memoryStore(), environment: createTestEnvironment() };
}

async function paidOut(shop: Scenario): Promise<number> {
  const { partitions } = await shop.until(shop.app.admin.describeStream(payouts.name));
  return partitions.reduce((sum, { earliest, end }) => sum + end - earliest, 0);
}

async function replay(shop: Scenario, mode: ReplayMode) {
  const { admin } = shop.app;
  const request = { part: "refunds.payer", from: "start", mode } as const;
  const plan = await shop.until(admin.planReplay(request));
  const { id } = await shop.until(admin.runReplay(request, { by: "ann" }));
  for (;;) {
    await shop.settled();
    const job = await shop.until(admin.showJob(id));
    if (job.state !== "running") return { plan, job };
  }
}

// #region lost
test("a call whose answer was lost is made again under the same key, and paid once", async () => {
  const data = sameData();
  bank.silent = true; // the money leaves, the answer never arrives
  {
    await using first = await openScenario({ services: [refunds], ...data });
    await first.publish(RefundGranted(o1));
    await first.pass("1s");
    assert.equal(bank.paid.size, 1);
  } // the process ends
  bank.silent = false;
  await using second = await openScenario({ services: [refunds], ...data });
  await second.settled();
  assert.equal(bank.calls.length, 2);
  assert.equal(bank.calls[0], bank.calls[1]); // refunds/payer/MESSAGE/refund
  assert.equal(bank.paid.size, 1);
});
// #endregion

// #region replayed
test("a rebuild calls nobody and sends nothing; a redo calls again under the same keys", async () => {
  await using shop = await openScenario({ services: [refunds] });
  await shop.publish([RefundGranted(o1), RefundGranted(o2)]);
  await shop.settled();
  assert.equal(bank.calls.length, 2);

  const rebuilt = await replay(shop, "rebuild");
  assert.deepEqual(rebuilt.plan.effects, { refund: 2 }); // what is recorded
  assert.equal(rebuilt.job.counts["withheld"], 2); // what would have been sent
  assert.equal(bank.calls.length, 2);

  const redone = await replay(shop, "redo");
  assert.equal(redone.job.counts["handled"], 2);
  assert.equal(bank.calls.length, 4);
  assert.equal(bank.paid.size, 2); // the bank knows the keys
});
// #endregion

test("what a redo sends is the same message, at the broker and for its readers", async () => {
  await using shop = await openScenario({ services: [refunds] });
  await shop.publish(RefundGranted(o1));
  await shop.settled();
  await replay(shop, "redo");
  await shop.settled();
  assert.equal(await paidOut(shop), 1);
});

test("a service in shadow handles what was handled, calls nobody and sends nothing", async () => {
  const data = sameData();
  {
    await using live = await openScenario({ services: [refunds], ...data });
    await live.publish(RefundGranted(o1));
    await live.settled();
  }
  await using shadow = await openScenario({ services: [refunds], effects: "shadow", ...data });
  await shadow.settled();
  const shown = await shadow.until(shadow.app.admin.get("shadow.refund-totals", "ann"));
  assert.equal(shown?.dataJson, `{"cents":500,"count":1}`);
  assert.equal(bank.calls.length, 1);
  assert.equal(await paidOut(shadow), 1);
});

// #region swapped
test("a second version is built beside the first, takes over, and can be left again", async () => {
  const data = sameData();
  {
    await using old = await openScenario({ services: [before], ...data });
    await old.publish([RefundGranted(o1), RefundGranted(o2)]);
    await old.settled();
    assert.deepEqual(await old.get(totals, "ann"), { cents: 1200 });
  }
  {
    await using next = await openScenario({ services: [refunds], ...data });
    await next.settled(); // v2 has folded the stream from its beginning, and answers
    assert.deepEqual(await next.get(counted, "ann"), { cents: 1200, count: 2 });
  }
  await using back = await openScenario({ services: [before], ...data });
  assert.deepEqual(await back.get(totals, "ann"), { cents: 1200 }); // at once
});
// #endregion

test("a rebuild of a view is another generation of its version, and the older one can be dropped", async () => {
  await using shop = await openScenario({ services: [refunds] });
  const { admin } = shop.app;
  await shop.publish(RefundGranted(o1));
  await shop.settled();
  await shop.until(admin.rebuildView("refund-totals"));
  await shop.settled();
  const shown = async (): Promise<readonly string[]> =>
    (await shop.until(admin.listViews())).map(({ generation, state }) => `${generation} ${state}`);
  assert.deepEqual(await shown(), ["v2 old", "v2.r1 live"]);
  await assert.rejects(shop.until(admin.dropView("refund-totals", "v2.r1")), {
    code: "NOT_ALLOWED",
  });
  await shop.until(admin.dropView("refund-totals", "v2"));
  assert.deepEqual(await shown(), ["v2.r1 live"]);
});
