/** What services cost that have nothing to do: a demand on the number of timers, not on their time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { saga } from "../saga/saga.ts";
import { after } from "../saga/actions.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event, timer } from "../schema/message-type.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { badMessage } from "../service/failure.ts";
import { service } from "../service/service.ts";
import { decider } from "../sourcing/decider.ts";
import { view } from "../sourcing/view.ts";
import { openScenario } from "./scenario.ts";

const byId = { key: (data: { readonly id: string }) => data.id };
const id = z.object({ id: z.string() });
const Order = command("order", id, byId);
const Ordered = event("ordered", id, byId);
const Remind = command("remind", id, byId);
const PaymentDue = timer("payment.due", id);
const desk = queue("desk", { Order });
const mail = queue("mail", { Remind });
const orders = stream("orders", { Ordered }, { partitions: 3, keep: "90d" });

const order = decider("order", {
  commands: desk,
  events: { Ordered },
  publishes: orders,
  initial: {},
})
  .evolve({ Ordered: (state) => state })
  .decide({ Order: (c) => Ordered(c) });
const list = view("list", { from: order, initial: { open: true } }).evolve({ Ordered: (s) => s });
const payment = saga("payment", { from: orders, timers: { PaymentDue }, sends: mail, initial: {} })
  .evolve({})
  .react({ Ordered: (e) => after("30d", PaymentDue(e)), PaymentDue: (e) => Remind(e) });

/** Three services as they usually are; the third counts whom it reminds, and cannot read "bad". */
function shop(reminded: string[]) {
  const mailer = consumer("mailer", { from: [mail] }).handle({
    Remind: (c) => void reminded.push(c.id),
  });
  const auditor = consumer("auditor", { from: orders }).handle({
    Ordered: (e) => {
      if (e.id === "bad") throw badMessage("this one is parked");
    },
  });
  return [
    service("ordering", { order, list }),
    service("payments", { payment }),
    service("mailing", { mailer, auditor }),
  ];
}

test("three services at rest wake a few times a day, with timers set and messages parked", async () => {
  const reminded: string[] = [];
  await using scenario = await openScenario({ services: shop(reminded) });
  const { clock } = scenario.environment;
  for (const name of ["a", "b", "bad"]) {
    assert.ok((await scenario.ask(Order({ id: name }))).ok);
  }
  await scenario.send(Remind({ id: "early" }));
  await scenario.settled();
  // What work leaves behind (trims, mirrors, leases that are looked at once more) is over soon.
  await scenario.pass("10m");
  let before = clock.fired;
  await scenario.pass("1h");
  assert.ok(clock.fired - before <= 3, `${clock.fired - before} timers in an hour`);
  before = clock.fired;
  await scenario.pass("28d");
  const perDay = (clock.fired - before) / 28;
  assert.ok(perDay < 50, `${perDay} timers a day`);
  assert.deepEqual(reminded, ["early"]);
  await scenario.pass("3d");
  await scenario.settled();
  assert.deepEqual(
    reminded.toSorted((a, b) => a.localeCompare(b)),
    ["a", "b", "bad", "early"],
  );
});
