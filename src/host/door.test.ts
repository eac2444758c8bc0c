/** A whole service behind its door: asked, read and watched as a program elsewhere would. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import * as z from "zod";
import { createHandler, createNodeListener } from "../http/handler.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { reject } from "../service/ask/answer.ts";
import { service } from "../service/service.ts";
import { decider } from "../sourcing/decider.ts";
import { view } from "../sourcing/view.ts";
import { openApp, type App } from "./app.ts";

const TOKEN = "a-secret-of-some-length";
const data = z.object({ orderId: z.string(), total: z.number() });
const key = ({ orderId }: { readonly orderId: string }): string => orderId;
const OrderPlaced = event("order.placed", data, { key });
const PlaceOrder = command("order.place", data, { key, refuses: ["already-placed"] });
const orders = stream("orders", { OrderPlaced }, { partitions: 3 });
const desk = queue("order-desk", { PlaceOrder });
const order = decider("order", {
  commands: desk,
  events: { OrderPlaced },
  publishes: orders,
  initial: { placed: false },
})
  .evolve({ OrderPlaced: () => ({ placed: true }) })
  .decide({
    PlaceOrder: (c, state) => (state.placed ? reject("already-placed") : OrderPlaced(c)),
  });
const totals = view("totals", { from: orders, initial: { total: 0 } }).evolve({
  OrderPlaced: (state, e) => ({ total: state.total + e.total }),
});

function open(more: Partial<Parameters<typeof openApp>[0]> = {}): Promise<App> {
  return openApp({
    services: [service("shop", { order }), service("reports", { totals })],
    broker: memoryBroker(),
    store: memoryStore(),
    log: { level: "error" },
    ...more,
  });
}

interface Asked {
  readonly status: number;
  readonly body: any;
  readonly token: string | null;
}

async function ask(base: string, path: string, body?: object): Promise<Asked> {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const init =
    body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`${base}${path}`, init);
  const token = response.headers.get("millrace-token");
  return { status: response.status, body: await response.json(), token };
}

async function askAndRead(base: string): Promise<void> {
  for (let at = 0; at < 20; at++) {
    const placed = { orderId: `o${at}`, total: at };
    const done = await ask(base, `/commands/order.place?id=c-${at}&deadline=5s`, placed);
    assert.deepEqual([done.status, done.body.ok], [200, true], JSON.stringify(done.body));
    assert.equal(done.token, done.body.token);
    const read = await ask(base, `/views/totals/o${at}?notBefore=${done.token}&deadline=5s`);
    assert.deepEqual([read.status, read.body.data], [200, { total: at }]);
    const again = await ask(base, `/commands/order.place?id=c-${at}`, placed);
    assert.deepEqual([again.status, again.body.ok], [200, true]);
    const refused = await ask(base, "/commands/order.place", placed);
    assert.deepEqual([refused.status, refused.body.refusal?.code], [422, "already-placed"]);
  }
  const bad = await ask(base, "/commands/order.place", { orderId: "o1", total: "five" });
  assert.deepEqual([bad.status, bad.body.code], [422, "BAD_PAYLOAD"]);
  assert.match(bad.body.message, /total/);
  const unknown = await ask(base, "/commands/order.plase", {});
  assert.deepEqual([unknown.status, unknown.body.code], [404, "UNKNOWN_TYPE"]);
  assert.equal((await ask(base, "/readyz")).status, 200);
}

test("at the app's own door a command is answered, and its token makes the view show it", async () => {
  await using app = await open({ http: { port: 0, token: TOKEN } });
  await askAndRead(app.door!.url);
});

test("in a server of node:http an app answers the same", async () => {
  await using app = await open();
  const server = createServer(createNodeListener(createHandler(app, { token: TOKEN })));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port }: { port?: unknown } = Object(server.address());
  await askAndRead(`http://127.0.0.1:${Number(port)}`);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("a token that could be guessed is refused before the app is open", async () => {
  await assert.rejects(open({ http: { port: 0, token: "short" } }), {
    code: "BAD_CONFIG",
    message: /at least 16/,
  });
});
