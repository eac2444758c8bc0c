/** Sagas at work: in memory, on virtual time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { queue, stream } from "../schema/channel.ts";
import { command, event, timer } from "../schema/message-type.ts";
import { reject } from "../service/ask/answer.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import { openTestService } from "../testing/test-service.ts";
import { after, end, step } from "./actions.ts";
import { saga } from "./saga.ts";

const orderId = z.object({ orderId: z.string() });
const byOrder = { key: (data: { readonly orderId: string }) => data.orderId };
const OrderPlaced = event("order.placed", orderId, byOrder);
const OrderPaid = event("order.paid", orderId, byOrder);
const CancelOrder = command("order.cancel", orderId, byOrder);
const PaymentDue = timer("payment.due", orderId);
const orders = stream("orders", { OrderPlaced, OrderPaid });
const cancels = queue("cancels", { CancelOrder });

test("a timer that nothing has cancelled leads to its command, once, when it is due", async () => {
  const cancelled: string[] = [];
  const checkout = saga("checkout", {
    from: orders,
    timers: { PaymentDue },
    sends: cancels,
    initial: { paid: false },
  })
    .evolve({ OrderPaid: () => ({ paid: true }) })
    .react({
      OrderPlaced: (e) => after("30m", PaymentDue(e)),
      PaymentDue: (e, s) => (s.paid ? [] : CancelOrder(e)),
    });
  const desk = consumer("desk", { from: cancels }).handle({
    CancelOrder: ({ orderId: id }) => void cancelled.push(id),
  });
  await using stage = await openTestService({ service: service("shop", { checkout, desk }) });
  await stage.publish([
    OrderPlaced({ orderId: "paid" }),
    OrderPlaced({ orderId: "unpaid" }),
    OrderPaid({ orderId: "paid" }),
  ]);
  await stage.settled();
  await stage.environment.clock.advance(30 * 60_000 - 1000);
  await stage.settled();
  assert.deepEqual(cancelled, []);
  await stage.environment.clock.advance(1001);
  await stage.settled();
  assert.deepEqual(cancelled, ["unpaid"]);
});

test("a refused step undoes the steps before it, the newest first", async () => {
  const Take = command("take", orderId, byOrder);
  const Give = command("give", orderId, byOrder);
  const Ship = command("ship", orderId, { ...byOrder, refuses: ["no-ship"] });
  const Reserve = command("reserve", orderId, byOrder);
  const Release = command("release", orderId, byOrder);
  const bank = queue("bank", { Take, Give, Ship, Reserve, Release });
  const seen: string[] = [];
  const checkout = saga("checkout", { from: orders, sends: bank, initial: {} })
    .evolve({})
    .react({ OrderPlaced: (e) => step(Take(e), { undo: Give(e) }) })
    .answers({
      Take: (answer, _, { instance }) =>
        answer.ok
          ? step(Reserve({ orderId: instance }), { undo: Release({ orderId: instance }) })
          : end(),
      Reserve: (_, __, { instance }) => step(Ship({ orderId: instance })),
    });
  const desk = consumer("desk", { from: bank }).handle({
    Take: () => void seen.push("take"),
    Give: () => void seen.push("give"),
    Reserve: () => void seen.push("reserve"),
    Release: () => void seen.push("release"),
    Ship: () => {
      seen.push("ship");
      return reject("no-ship");
    },
  });
  await using stage = await openTestService({ service: service("shop", { checkout, desk }) });
  await stage.publish(OrderPlaced({ orderId: "o1" }));
  await stage.settled();
  assert.deepEqual(seen, ["take", "reserve", "ship", "release", "give"]);
  const shown = await stage.running.showSaga("checkout", "o1");
  assert.equal(shown.status, "ended");
  assert.equal(shown.aborted, "ship was refused: no-ship");
  assert.deepEqual(
    shown.steps.map(({ type, state }) => [type, state]),
    [
      ["take", "undone"],
      ["reserve", "undone"],
      ["ship", "refused"],
    ],
  );
});
