/** The design's sketches at work: cases, plain Node, and an existing Hono server. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { serve } from "@hono/node-server";
import type { Hono } from "hono";
import { after, openApp } from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";
import { given, openScenario } from "millrace/testing";
import { bank } from "./bank.ts";
import {
  CancelOrder,
  OrderDrafted,
  OrderPaid,
  OrderPlaced,
  PaymentDue,
  PaymentSettled,
  PayOrder,
  PlaceOrder,
} from "./contract.ts";
import { shop } from "./edge.ts";
import { createShop } from "./hono.ts";
import { byCustomer, checkout, order } from "./pure.ts";

const TOKEN = "a-secret-of-some-length";
const actor = "ann";
const o1 = { orderId: "o1" };
const placed = OrderPlaced({ ...o1, total: 5 });

beforeEach(() => bank.refunds.clear());

test("the decider's cases read as the design shows them", () => {
  given(order, [OrderPlaced({ orderId: "o1", total: 5 })])
    .at("2026-01-01T09:00Z")
    .as(actor)
    .when(PayOrder({ orderId: "o1" }))
    .then([OrderPaid({ orderId: "o1" })]);
  given(order, [placed])
    .when(PlaceOrder({ ...o1, total: 5 }))
    .thenRefused("already-placed");
  given(order)
    .as(actor)
    .when(PlaceOrder({ ...o1, total: 2_000 }))
    .then([OrderDrafted({ ...o1, total: 2_000, customerId: actor })]);
});

test("the cases of the view and the saga read as the design shows them", () => {
  given(byCustomer, [placed, PaymentSettled({ ...o1, paid: 5 }), OrderPaid(o1)])
    .at("2026-01-01T09:00Z")
    .then("o1", { status: "paid", placedAt: Date.parse("2026-01-01T09:00Z"), paid: 5 });
  given(checkout, [placed])
    .then([after("30m", PaymentDue(placed.data))])
    .when(PaymentDue(o1))
    .then([CancelOrder({ ...o1, why: "unpaid" })]);
  given(checkout, [placed, OrderPaid(o1)])
    .when(PaymentDue(o1))
    .then([]);
});

test("an order that nobody pays is cancelled and refunded after half an hour", async () => {
  await using scenario = await openScenario({ services: [shop] });
  await scenario.ask(PlaceOrder({ ...o1, total: 5 }), { actor });
  await scenario.pass("29m");
  assert.equal(bank.refunds.size, 0);
  await scenario.pass("2m");
  await scenario.settled();
  assert.deepEqual([...bank.refunds.values()], ["o1"]);
});

test("the sketch runs in plain Node", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-sketch-"));
  try {
    const main = resolve(import.meta.dirname, "plain.ts");
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", main], {
      cwd: folder,
    });
    assert.match(stdout, /^again \{ ok: false, refusal: \{ code: 'already-placed' \} \}$/m);
    assert.match(stdout, /^o1 open\nopen o3 o1\n$/m);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("the sketch runs inside an existing Hono server, with the door below a path", async () => {
  await using app = await openApp({
    services: [shop],
    broker: memoryBroker(),
    store: memoryStore(),
    log: { level: "error" },
  });
  await using server = await listen(createShop(app, TOKEN));
  const fetchFrom = (path: string, options: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}${path}`, options);
  const place = (): Promise<Response> =>
    fetchFrom("/orders/o1", {
      method: "PUT",
      body: JSON.stringify({ total: 5 }),
      headers: { "x-customer": "ann" },
    });
  assert.match(await (await fetchFrom("/")).text(), /was here before/);
  const answer = await place();
  assert.equal(answer.status, 201);
  const { token }: any = await answer.json();
  const refused = await place();
  assert.deepEqual([refused.status, await refused.json()], [422, { code: "already-placed" }]);
  const found: any = await (await fetchFrom(`/orders/o1?notBefore=${token}`)).json();
  assert.deepEqual([found.customerId, found.status], ["ann", "open"]);

  const list = "/millrace/views/orders-by-customer";
  assert.equal((await fetchFrom(list)).status, 401);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const { documents }: any = await (await fetchFrom(list, { headers })).json();
  assert.equal(documents[0].id, "o1");
});

/** The user's own server; any free port of this machine. */
async function listen({ fetch }: Hono): Promise<AsyncDisposable & { readonly url: string }> {
  const server = serve({ fetch, port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  const { port }: any = server.address();
  const close = (): Promise<unknown> => promisify(server.close.bind(server))();
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => void (await close()),
  };
}
