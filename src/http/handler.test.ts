import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { serve as serveHono, type ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { openStage, orders, type Stage } from "../admin/shop-stage.test.ts";
import { createRegistry } from "../schema/registry.ts";
import { createHandler, createNodeListener, type HandlerOptions } from "./handler.ts";

const TOKEN = "a-secret-of-some-length";
const signedIn = { authorization: `Bearer ${TOKEN}` };

function handlerOf({ admin, environment }: Stage, options: HandlerOptions = {}) {
  const app = { admin, environment, registry: createRegistry([orders]) };
  return createHandler(app, { token: TOKEN, ...options });
}

function portOf(address: unknown): number {
  const { port }: { port?: unknown } = Object(address);
  assert.ok(typeof port === "number");
  return port;
}

/** A tail that was left keeps its connection until somebody looks. */
function close(server: ServerType): Promise<unknown> {
  const closed = new Promise((resolve) => server.close(resolve));
  if ("closeAllConnections" in server) server.closeAllConnections();
  return closed;
}

async function publishAndTail(base: string): Promise<void> {
  const published = await fetch(`${base}/events`, {
    method: "POST",
    headers: { ...signedIn, "content-type": "application/x-ndjson" },
    body: '{"type":"order.placed","data":{"orderId":"o1","total":5}}',
  });
  assert.equal(published.status, 200, await published.text());
  const leave = new AbortController();
  const tail = await fetch(`${base}/streams/orders/events?from=start`, {
    headers: signedIn,
    signal: leave.signal,
  });
  let text = "";
  for await (const chunk of tail.body!) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("order.placed")) break;
  }
  leave.abort();
  assert.match(text, /^data: \{"specversion":"1\.0",.*"data":\{"orderId":"o1","total":5\}\}$/m);
  assert.equal((await fetch(`${base}/streams`)).status, 401);
}

test("the door stands in an existing Hono server, below a path of its own", async () => {
  await using stage = await openStage();
  const hono = new Hono();
  hono.get("/own", (c) => c.text("the program's own"));
  hono.mount("/millrace", handlerOf(stage, { path: "/millrace" }));
  const server = serveHono({ fetch: hono.fetch, port: 0, hostname: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const base = `http://127.0.0.1:${portOf(server.address())}`;
  assert.equal(await (await fetch(`${base}/own`)).text(), "the program's own");
  await publishAndTail(`${base}/millrace`);
  const page = await (await fetch(`${base}/millrace`, { headers: signedIn })).text();
  assert.ok(page.includes(`DOOR=${base}/millrace\n`), "the lines to try reach the door");
  const [, style = ""] = /<link rel="stylesheet" href="([^"]*)"/.exec(page) ?? [];
  assert.equal((await fetch(new URL(style, `${base}/millrace`))).status, 200);
  const described = await fetch(`${base}/millrace/openapi.json`, { headers: signedIn });
  assert.match(await described.text(), /"servers":\[\{"url":"\/millrace"\}\]/);
  const { status } = await fetch(`${base}/streams`, { headers: signedIn });
  assert.equal(status, 404, "the door has no other addresses than its own");
  await close(server);
});

test("the door stands in a server of node:http", async () => {
  await using stage = await openStage();
  const server = createServer(createNodeListener(handlerOf(stage)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await publishAndTail(`http://127.0.0.1:${portOf(server.address())}`);
  await close(server);
});

test("a handler answers under the names that it is told, and under no other", async () => {
  await using stage = await openStage();
  const handler = handlerOf(stage, { hosts: ["shop.example"] });
  const ask = async (host: string, more = {}): Promise<number> => {
    const headers = { ...signedIn, host, ...more };
    return (await handler(new Request(`http://${host}/streams`, { headers }))).status;
  };
  assert.equal(await ask("shop.example"), 200);
  assert.equal(await ask("SHOP.example:8443"), 200);
  assert.equal(await ask("shop.example", { origin: "https://shop.example" }), 200);
  assert.equal(await ask("other.example"), 403);
  assert.equal(await ask("shop.example", { origin: "https://other.example" }), 403);
  assert.equal(await ask("localhost", { origin: "https://localhost" }), 403);
});

test("without a token of its own a handler makes one, and a short one is refused", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const app = { admin, environment, registry: createRegistry([]) };
  const [first, second] = [createHandler(app), createHandler(app)];
  assert.notEqual(first.token, second.token);
  const headers = { authorization: `Bearer ${first.token}`, host: "localhost" };
  const request = (): Request => new Request("http://localhost/streams", { headers });
  assert.equal((await first(request())).status, 200);
  assert.equal((await second(request())).status, 401);
  for (const path of ["millrace", "/millrace/", "/a b", '/"><b>']) {
    assert.throws(() => createHandler(app, { path }), { code: "BAD_CONFIG" });
  }
  for (const token of ["", "fifteen-letters", "with spaces in it, sixteen"]) {
    assert.throws(() => createHandler(app, { token }), {
      code: "BAD_CONFIG",
      message: /at least 16/,
    });
  }
});
