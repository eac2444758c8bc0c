/** Who may come in beside the owner, and that the rules hold behind every address. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { deadLetter, openStage, orderDesk, orders, placed } from "../admin/shop-stage.test.ts";
import type { Rule } from "../broker/rules.ts";
import type { SignIn } from "../broker/sign-in.ts";
import { createRegistry } from "../schema/registry.ts";
import { createDoor } from "./door.ts";
import { OPERATIONS } from "./openapi/operations.ts";

const TOKEN = "a-secret-of-some-length";
const RULES: readonly Rule[] = [
  { principal: "ann", actions: ["read", "write"], resources: { kind: "stream", name: "orders" } },
  {
    principal: { role: "clerk" },
    actions: ["read"],
    resources: { kind: "view", name: "order-totals" },
  },
  {
    principal: { role: "clerk" },
    actions: ["admin"],
    resources: { kind: "queue", name: "order-desk" },
  },
];
const signIn: SignIn = async ({ token, header }) => {
  if (header?.("x-boom") !== undefined) throw new Error("the directory is down");
  if (token === "token-of-ann") return { name: "ann" };
  return token === "token-of-bob" ? { name: "bob", roles: ["clerk"] } : undefined;
};

interface Shown {
  readonly status: number;
  readonly text: string;
}

async function atDoor(
  work: (
    ask: (who: string, path: string, init?: RequestInit) => Promise<Shown>,
    stage: Awaited<ReturnType<typeof openStage>>,
  ) => Promise<void>,
): Promise<void> {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const registry = createRegistry([orders, orderDesk]);
  const door = createDoor({ admin, environment, registry, token: TOKEN, signIn, rules: RULES });
  await work(async (who, path, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set("host", "localhost");
    headers.set("authorization", `Bearer ${who}`);
    const response = await door(new Request(`http://localhost${path}`, { ...init, headers }));
    if (path.endsWith("/events") && response.status === 200) {
      await response.body?.cancel();
      return { status: 200, text: "" };
    }
    return { status: response.status, text: await response.text() };
  }, stage);
}

const lines = (...messages: readonly object[]): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/x-ndjson" },
  body: messages.map((message) => JSON.stringify(message)).join("\n"),
});

const json = (body: object): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

test("whom the hook knows comes in, whom it does not know gets 401, and its failure lets in nobody", () =>
  atDoor(async (ask, { environment }) => {
    assert.equal((await ask("token-of-ann", "/streams/orders")).status, 200);
    assert.equal((await ask("token-of-eve", "/streams/orders")).status, 401);
    assert.equal((await ask(TOKEN, "/streams/orders")).status, 200);
    const broken = await ask("token-of-ann", "/streams/orders", { headers: { "x-boom": "1" } });
    assert.equal(broken.status, 500);
    assert.doesNotMatch(broken.text, /directory/);
    assert.equal(environment.entries.filter(({ level }) => level === "error").length, 1);
  }));

test("what no rule allows is refused with who, what and where, in lists it is not shown", () =>
  atDoor(async (ask) => {
    const { status, text } = await ask("token-of-ann", "/streams/attic/records");
    assert.equal(status, 403);
    assert.match(text, /no rule allows \\"ann\\" to read stream \\"attic\\"/);
    const names = async (who: string): Promise<unknown> =>
      JSON.parse((await ask(who, "/streams")).text).streams.map((one: any) => one.spec.name);
    assert.deepEqual(await names("token-of-ann"), ["orders"]);
    assert.deepEqual(await names(TOKEN), ["attic", "orders"]);
    const description = JSON.parse((await ask("token-of-ann", "/describe")).text);
    assert.deepEqual(
      [description.services, description.queues, description.streams.length],
      [[], [], 1],
    );
    const page = await ask("token-of-ann", "/");
    assert.match(page.text, /<td>orders<\/td>/);
    assert.doesNotMatch(page.text, /attic|order-desk<|shop\.totals/);
  }));

test("each message of a publish is asked about by itself, and its actor is who signed in", () =>
  atDoor(async (ask, { admin }) => {
    const order = { type: "order.placed", data: { orderId: "o1", total: 1 }, actor: "the-boss" };
    const command = { type: "order.place", data: { orderId: "o1" } };
    const astray = { type: "x", data: {}, to: { kind: "stream", name: "attic" } };
    const { status, text } = await ask("token-of-ann", "/events", lines(order, command, astray));
    assert.equal(status, 207);
    const codes = JSON.parse(text).outcomes.map((one: any) => one.error?.code ?? "ok");
    assert.deepEqual(codes, ["ok", "NOT_ALLOWED", "NOT_ALLOWED"]);
    const actors: unknown[] = [];
    for await (const { envelope } of admin.read("orders", { from: "start" })) {
      actors.push(envelope?.actor);
    }
    assert.deepEqual(actors, ["ann"]);
    for (const replyTo of ["order-desk", "order-desk#o1"]) {
      const reply = await ask("token-of-ann", "/events", lines({ ...order, replyTo }));
      assert.match(reply.text, /NOT_ALLOWED.*queue \\"order-desk\\"/, replyTo);
    }
  }));

test("a view's other name is no way around its rule, and repairs need their own right", () =>
  atDoor(async (ask, stage) => {
    for (const view of ["order-totals", "shop.order-totals"]) {
      assert.equal((await ask("token-of-bob", `/views/${view}/o1`)).status, 200, view);
      assert.equal((await ask("token-of-ann", `/views/${view}/o1`)).status, 403, view);
    }
    const sequence = await deadLetter(stage, placed("d-1", "o1", '{"orderId":"o1"}'));
    const refs = { refs: [`q:order-desk:${sequence}`] };
    assert.equal((await ask("token-of-ann", "/failures/redrive", json(refs))).status, 403);
    assert.equal((await ask("token-of-bob", "/failures/discard", json(refs))).status, 403);
    const parked = { refs: ["s:shop:totals:1"] };
    assert.equal((await ask("token-of-bob", "/failures/redrive", json(parked))).status, 403);
    assert.equal((await ask("token-of-bob", "/failures/redrive", json({ all: true }))).status, 403);
    const redriven = await ask("token-of-bob", "/failures/redrive", json(refs));
    assert.deepEqual([redriven.status, redriven.text], [200, '{"count":1}']);
  }));

test("a right to one thing is no way to another that is named beside it", () =>
  atDoor(async (_ask, stage) => {
    const { admin, environment } = stage;
    const mine = (kind: "queue" | "group", name: string): Rule => ({
      principal: "eve",
      actions: "*",
      resources: { kind, name },
    });
    const door = createDoor({
      admin,
      environment,
      registry: createRegistry([orders, orderDesk]),
      token: TOKEN,
      signIn: async () => ({ name: "eve" }),
      rules: [mine("queue", "eve.*"), mine("group", "*")],
    });
    const refused = async (path: string, init: RequestInit = {}): Promise<string> => {
      const headers = new Headers(init.headers);
      headers.set("host", "localhost");
      headers.set("authorization", "Bearer hers");
      const response = await door(new Request(`http://localhost${path}`, { ...init, headers }));
      const text = await response.text();
      assert.equal(response.status, 403, `${path}: ${text}`);
      return text;
    };
    // A command is done by whoever handles its type, whatever address stands beside it.
    const order = json({ orderId: "o1" });
    assert.match(await refused("/commands/order.place?to=queue:eve.x", order), /order-desk/);
    // One filter does not answer for the other.
    await refused("/failures?queue=eve.x&part=shop.totals");
    const both = { queue: "eve.x", part: "shop.totals" };
    for (const action of ["redrive", "discard"]) await refused(`/failures/${action}`, json(both));
    assert.equal((await admin.listFailures({ part: "shop.totals" })).length, 2);
    // The names under which a part keeps its progress are the service's, not a group's of anybody.
    for (const group of ["shop.totals", "shop.order-totals%2F1", "shop.order-totals.v1.r2"]) {
      const text = await refused(
        `/groups/${group}/seek`,
        json({ stream: "orders", to: "start", dryRun: true }),
      );
      assert.match(text, /admin service \\"shop\\"/);
    }
  }));

test("the declared types are told to those who may read or write where they go", () =>
  atDoor(async (ask) => {
    const document = await ask("token-of-ann", "/openapi.json");
    assert.match(document.text, /order\.placed/);
    assert.doesNotMatch(document.text, /"order\.place"|commands\/order\.place/);
    assert.match((await ask(TOKEN, "/openapi.json")).text, /commands\/order\.place/);
    assert.doesNotMatch((await ask("token-of-bob", "/")).text, /order\.place/);
    const unknown = await ask("token-of-bob", "/events", lines({ type: "nope", data: {} }));
    assert.match(unknown.text, /UNKNOWN_TYPE/);
    assert.doesNotMatch(unknown.text, /order\.place/);
  }));

test("to somebody without any rule no address gives or changes anything", () =>
  atDoor(async (_ask, { admin, environment, streams }) => {
    const door = createDoor({
      admin,
      environment,
      registry: createRegistry([orders, orderDesk]),
      token: TOKEN,
      signIn: async () => ({ name: "stranger" }),
    });
    const before = JSON.stringify(await streams.listStreams());
    // These show less the less one may see.
    const lists =
      /^\/(describe|lag|streams|queues|groups|views|sagas|pauses|openapi\.json|metrics)?$/;
    let refused = 0;
    for (const { method, path, open } of OPERATIONS) {
      if (open === true || lists.test(path)) continue;
      const names: Readonly<Record<string, string>> = {
        stream: "orders",
        queue: "order-desk",
        group: "g",
        view: "order-totals",
        id: "o1",
        ref: "s:shop:totals:1",
        part: "shop.totals",
        saga: "s",
        type: "order.place",
      };
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? "x");
      const url = `http://localhost${filled}?${QUERIES[path] ?? ""}`;
      const event = '{"type":"order.placed","data":{"orderId":"o1","total":1}}';
      const isMessage = path === "/events" || path === "/commands";
      const headers = {
        host: "localhost",
        authorization: "Bearer whatever",
        "content-type": isMessage ? "application/x-ndjson" : "application/json",
      };
      const body =
        method === "post" ? { body: isMessage ? event : JSON.stringify(BODIES[path] ?? {}) } : {};
      const response = await door(new Request(url, { method, headers, ...body }));
      const text = await response.text();
      assert.match(
        text,
        /NOT_ALLOWED|CAPABILITY_MISSING/,
        `${method} ${path}: ${response.status} ${text}`,
      );
      if (text.includes("NOT_ALLOWED")) refused++;
    }
    assert.ok(refused > 20, `${refused} addresses were refused`);
    assert.equal(JSON.stringify(await streams.listStreams()), before);
  }));

const QUERIES: Readonly<Record<string, string>> = {
  "/flow": "correlation=c",
  "/state": "entity=order/o1",
  "/sagas/{saga}": "instance=i",
};

const BODIES: Readonly<Record<string, object>> = {
  "/groups/{group}/seek": { stream: "orders", to: "start" },
  "/failures/redrive": { all: true },
  "/failures/discard": { all: true },
  "/failures/{ref}/edit": { data: {} },
  "/views/{view}/drop": { generation: "v1" },
  "/sagas/{saga}/retry": { instance: "i" },
  "/replays/plan": { part: "shop.totals", from: "start", mode: "redo" },
  "/backups": { target: "/tmp/never-written" },
  "/replays": { part: "shop.totals", from: "start", mode: "redo" },
};
