/** The tests that the front page shows. */

// #region test
import assert from "node:assert/strict";
import { test } from "node:test";
import { given, openScenario } from "millrace/testing";
import { OrderCancelled, OrderPaid, OrderPlaced, PayOrder, PlaceOrder } from "./contract.ts";
import { order, orderList, shop } from "./shop.ts";

const o1 = { orderId: "o1" };

test("an open order is paid, a cancelled one is not", () => {
  const placed = OrderPlaced({ ...o1, total: 5 });
  given(order, [placed])
    .when(PayOrder(o1))
    .then([OrderPaid(o1)]);
  given(order, [placed, OrderCancelled(o1)])
    .when(PayOrder(o1))
    .thenRefused("not-open");
});

test("an order that is not paid in half an hour is cancelled", async () => {
  await using scenario = await openScenario({ services: [shop] }); // in memory, on virtual time
  await scenario.ask(PlaceOrder({ ...o1, total: 5 }));
  await scenario.pass("30m");
  await scenario.settled();
  assert.equal((await scenario.get(orderList, "o1"))?.status, "cancelled");
});
// #endregion
