/** What is promised of processes over several services, with a centre and without, and of testing them. */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  after,
  cancel,
  command,
  consumer,
  event,
  queue,
  reply,
  saga,
  service,
  step,
  stream,
  timer,
  view,
  type Service,
} from "millrace";
import { memoryBroker } from "millrace/memory";
import {
  createTestEnvironment,
  given,
  openScenario,
  openTestService,
  type TestPorts,
} from "millrace/testing";
import { z } from "zod";
import { visit } from "../examples/shop/customers.ts";
import { shopServices } from "../examples/shop/shop.ts";
import { createAdmin } from "../src/admin/create-admin.ts";
import { treeLines } from "../src/cli/commands/looking/flow.ts";
import { MillraceError } from "../src/model/errors.ts";
import { checkContract } from "../src/schema/contract-check.ts";
import { lockOf } from "../src/service/contract/service-contracts.ts";
import type { Store } from "../src/store/store.ts";

const order = z.object({ orderId: z.string() });
const key = (data: { readonly orderId: string }): string => data.orderId;
const OrderPlaced = event("order.placed", order, { key });
const PaymentTaken = event("payment.taken", order, { key });
const PaymentDeclined = event("payment.declined", order, { key });
const ParcelShipped = event("parcel.shipped", order, { key });
const orders = stream("orders", { OrderPlaced }, { partitions: 2 });
const payments = stream("payments", { PaymentTaken, PaymentDeclined }, { partitions: 2 });
const parcels = stream("parcels", { ParcelShipped }, { partitions: 2 });
const PlaceOrder = command("order.place", order, { key });
const TakePayment = command("payment.take", order, {
  key,
  replies: z.object({ taken: z.boolean() }),
});
const ShipParcel = command("parcel.ship", order, { key });
const orderDesk = queue("order-desk", { PlaceOrder });
const paymentDesk = queue("payment-desk", { TakePayment });
const parcelDesk = queue("parcel-desk", { ShipParcel });

const declined = ({ orderId }: { readonly orderId: string }): boolean => orderId.endsWith("3");
const till = consumer("till", { from: orderDesk, publishes: orders }).handle({
  PlaceOrder: (wish, { emit }) => emit(OrderPlaced(wish)),
});
const progress = view("progress", {
  from: [orders, payments, parcels],
  initial: { placed: false, paid: "", shipped: false },
}).evolve({
  OrderPlaced: (s) => ({ ...s, placed: true }),
  PaymentTaken: (s) => ({ ...s, paid: "taken" }),
  PaymentDeclined: (s) => ({ ...s, paid: "declined" }),
  ParcelShipped: (s) => ({ ...s, shipped: true }),
});
const sales = service("sales", { till, progress });

/** Each service follows the others' events; there is no command but the customer's. */
const choreographed: readonly Service[] = [
  sales,
  service("payment", {
    cashier: consumer("cashier", { from: orders, publishes: payments }).handle({
      OrderPlaced: (e, { emit }) => emit(declined(e) ? PaymentDeclined(e) : PaymentTaken(e)),
    }),
  }),
  service("shipping", {
    packer: consumer("packer", { from: payments, publishes: parcels }).handle({
      PaymentTaken: (e, { emit }) => emit(ParcelShipped(e)),
    }),
  }),
];

/** One process holds the state and tells the services what to do. */
const orchestrated: readonly Service[] = [
  sales,
  service("process", {
    checkout: saga("checkout", { from: orders, sends: [paymentDesk, parcelDesk], initial: {} })
      .evolve({})
      .react({ OrderPlaced: (e) => step(TakePayment(e)) })
      .answers({
        TakePayment: (answer, _, { instance: orderId }) =>
          answer.ok && answer.reply.taken ? step(ShipParcel({ orderId })) : [],
      }),
  }),
  service("payment", {
    cashier: consumer("cashier", { from: paymentDesk, publishes: payments }).handle({
      TakePayment: (c, { emit }) => {
        emit(declined(c) ? PaymentDeclined(c) : PaymentTaken(c));
        return reply({ taken: !declined(c) });
      },
    }),
  }),
  service("shipping", {
    packer: consumer("packer", { from: parcelDesk, publishes: parcels }).handle({
      ShipParcel: (c, { emit }) => emit(ParcelShipped(c)),
    }),
  }),
];

const ORDERS = Array.from({ length: 20 }, (_, n) => `o${n}`);

/** Serves all orders; returns where each ended, and the flow of one as the CLI draws it. */
async function serve(services: readonly Service[], drawn: string) {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  await using app = await openScenario({ services, environment, broker });
  for (const orderId of ORDERS) {
    await app.ask(PlaceOrder({ orderId }), { id: `order-${orderId}` });
  }
  await app.settled();
  const { documents } = await app.find(progress, { limit: 100 });
  const { streams, queues } = await broker.open(environment);
  const { registry, services: running } = app.app;
  const admin = createAdmin({ streams, queues, services: () => running, registry, environment });
  const { messages } = await app.until(admin.flow(`order-${drawn}`));
  // Without ids, moments and places.
  const flow = treeLines(messages, false).map((line) => line.replace(/  \d{4}-.*$/, ""));
  return { ends: new Map(documents.map(({ id, data }) => [id, data])), flow };
}

// proves: choreography
test("with events alone the process ends as with a centre, and the flow that emerges is drawn", async () => {
  const { ends, flow } = await serve(choreographed, "o1");
  assert.deepEqual(ends, (await serve(orchestrated, "o1")).ends);
  assert.equal(ends.size, ORDERS.length);
  const counts = Map.groupBy(ends.values(), ({ paid, shipped }) => `${paid} ${shipped}`);
  assert.deepEqual([...counts.keys()].toSorted(), ["declined false", "taken true"]);
  assert.match(flow[0]!, /order-o1$/);
  assert.deepEqual(flow.slice(1), [
    "└─ order.placed  o1  sales",
    "   └─ payment.taken  o1  payment",
    "      └─ parcel.shipped  o1  shipping",
  ]);
  assert.deepEqual((await serve(choreographed, "o3")).flow.slice(1), [
    "└─ order.placed  o3  sales",
    "   └─ payment.declined  o3  payment",
  ]);
});

// proves: choreography
test("the flow of the sample shop without a centre is one tree over all its services", async () => {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  await using shop = await openScenario({
    services: shopServices("choreographed"),
    environment,
    broker,
  });
  await shop.until(visit(shop.app, 0));
  await shop.settled();
  const { streams, queues } = await broker.open(environment);
  const { registry, services } = shop.app;
  const admin = createAdmin({ streams, queues, services: () => services, registry, environment });
  const { messages } = await shop.until(admin.flow("customer-0-check-out"));
  assert.equal(messages.filter(({ depth }) => depth === 0).length, 1, "it falls apart");
  const events = messages.flatMap(({ envelope }) => (envelope?.kind === "event" ? [envelope] : []));
  assert.deepEqual(
    new Set(events.map(({ type }) => type)),
    new Set([
      "cart.checked-out",
      "order.placed",
      "stock.reserved",
      "order.started",
      "payment.taken",
      "order.confirmed",
      "parcel.shipped",
      "order.completed",
    ]),
  );
  assert.equal(new Set(events.map(({ source }) => source)).size, 4);
});

const PaymentDue = timer("payment.due", order);
const CancelOrder = command("order.cancel", order, { key });
const cancels = queue("cancels", { CancelOrder });
const reminder = saga("reminder", {
  from: [orders, payments],
  timers: { PaymentDue },
  sends: cancels,
  initial: {},
})
  .evolve({})
  .react({
    OrderPlaced: (e) => after("20m", PaymentDue(e)),
    PaymentTaken: () => cancel(PaymentDue),
    PaymentDue: (e) => CancelOrder(e),
  });

// proves: testing
test("units are tested from given to then, without anything that runs", () => {
  const placed = OrderPlaced({ orderId: "o1" });
  const paid = PaymentTaken({ orderId: "o1" });
  const due = PaymentDue({ orderId: "o1" });
  given(progress, [placed, paid]).then("o1", { placed: true, paid: "taken", shipped: false });
  given(reminder)
    .when(placed)
    .then([after("20m", due)]);
  given(reminder, [placed])
    .when(due)
    .then([CancelOrder({ orderId: "o1" })]);
  assert.throws(() => given(reminder, [placed]).when(due).then([]), {
    name: "AssertionError",
    code: "ERR_ASSERTION",
  });
});

/** Every fifth commit is lost. */
function faulty({ broker, store }: TestPorts, faults: { n: number }): TestPorts {
  let calls = 0;
  const unsafe: Store = new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...parameters: unknown[]): Promise<unknown> => {
        if (name === "apply" && ++calls % 5 === 0) {
          faults.n++;
          throw new MillraceError("STORE_FAILED", "the store does not answer", { retryable: true });
        }
        return Reflect.apply(member, target, parameters);
      };
    },
  });
  return { broker, store: unsafe };
}

// proves: testing
test("a component is tested with faults put in, and the whole without waiting for its timers", async () => {
  const faults = { n: 0 };
  {
    await using component = await openTestService({
      service: sales,
      channels: [payments, parcels],
      wrap: (ports) => faulty(ports, faults),
    });
    for (const orderId of ORDERS) {
      await component.publish([PlaceOrder({ orderId }), PaymentTaken({ orderId })]);
      await component.settled();
    }
    const { documents } = await component.running.find("progress", { limit: 100 });
    assert.equal(documents.length, ORDERS.length);
    for (const { data } of documents) {
      assert.deepEqual(data, { placed: true, paid: "taken", shipped: false });
    }
    assert.ok(faults.n > 3, `${faults.n} faults`);
  }

  const cancelled: string[] = [];
  const office = consumer("office", { from: cancels }).handle({
    CancelOrder: ({ orderId }) => void cancelled.push(orderId),
  });
  const began = process.uptime();
  await using whole = await openScenario({
    services: [sales, service("reminders", { reminder, office })],
  });
  await whole.ask(PlaceOrder({ orderId: "paid" }));
  await whole.ask(PlaceOrder({ orderId: "unpaid" }));
  await whole.publish(PaymentTaken({ orderId: "paid" }));
  await whole.pass("19m");
  assert.deepEqual(cancelled, []);
  await whole.pass("2m");
  await whole.settled();
  assert.deepEqual(cancelled, ["unpaid"]);
  assert.ok(process.uptime() - began < 20, "twenty minutes took their time");
});

// proves: testing
test("a contract is tested against what was agreed on", () => {
  const Changed = event("order.placed", z.object({ orderId: z.string(), customer: z.string() }), {
    key,
  });
  const declaring = (events: typeof orders): readonly Service[] => [
    service("sales", {
      till: consumer("till", { from: orderDesk, publishes: events }).handle({
        PlaceOrder: () => undefined,
      }),
    }),
    service("mail", {
      reader: consumer("reader", { from: events }).handle({ OrderPlaced: () => undefined }),
    }),
  ];
  const changed: any = stream("orders", { OrderPlaced: Changed }, { partitions: 2 });
  const agreed = lockOf(declaring(orders));
  assert.equal(checkContract(agreed, lockOf(declaring(orders))).verdict, "compatible");
  const { verdict, changes } = checkContract(agreed, lockOf(declaring(changed)));
  assert.equal(verdict, "breaks");
  const change = changes.find(({ subject }) => subject === "event order.placed");
  assert.ok(change?.consumers.includes("mail"), JSON.stringify(change));
});

// proves: testing
test("no test sleeps: none sets a timer of the real clock", () => {
  const tests = globSync("{src,test,examples}/**/*.test.ts");
  assert.ok(tests.length > 100, `${tests.length} files`);
  const sleeping = /\bset(Timeout|Interval)\s*\(|\bset(Timeout|Interval)\b[^;]*from "node:timers/;
  assert.deepEqual(
    tests.filter((path) => sleeping.test(readFileSync(path, "utf8"))),
    [],
  );
});
