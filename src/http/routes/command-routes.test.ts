/** Commands at the door, and everything else of the admin API that goes through it and back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Admin, PublishRequest } from "../../admin/admin.ts";
import type { AskOptions, CommandAdmin, ShownAnswer } from "../../admin/api/command-admin.ts";
import { openStage, type Stage } from "../../admin/shop-stage.test.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import { openAdminClient } from "../client.ts";
import { createDoor } from "../door.ts";
import { serve } from "../serving/serve.ts";

const TOKEN = "a-secret-of-some-length";
const LARGE = "12345678901234567890";

interface Asked {
  readonly command: PublishRequest;
  readonly options: AskOptions;
}

/** An admin that answers commands as it is told, and keeps what it was asked. */
function answering(
  stage: Stage,
  answer: ShownAnswer | MillraceError,
): {
  readonly admin: Admin & CommandAdmin;
  readonly asked: Asked[];
  readonly sent: PublishRequest[];
} {
  const asked: Asked[] = [];
  const sent: PublishRequest[] = [];
  const admin = {
    ...stage.admin,
    ask: async (command: PublishRequest, options: AskOptions = {}) => {
      asked.push({ command, options });
      if (isMillraceError(answer)) throw answer;
      return answer;
    },
    send: async (command: PublishRequest) => {
      sent.push(command);
      const target = { kind: "queue" as const, name: "order-desk" };
      return { id: command.id ?? "new", target, sequence: 7, duplicate: false };
    },
  };
  return { admin, asked, sent };
}

const DONE: ShownAnswer = { ok: true, token: "t1.abc", replyJson: `{"number":${LARGE}}` };

interface Posted {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

async function post(
  stage: Stage,
  admin: Admin,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = '{"orderId":"o1"}',
): Promise<Posted> {
  const { environment } = stage;
  const door = createDoor({ admin, environment, token: TOKEN });
  const init = {
    method: "POST",
    body,
    headers: {
      host: "localhost",
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/json",
      ...headers,
    },
  };
  const response = await door(new Request(`http://localhost${path}`, init));
  return { status: response.status, text: await response.text(), headers: response.headers };
}

test("a command that is done answers 200 with its reply's own digits, and the token also as a header", async () => {
  await using stage = await openStage();
  const { admin, asked } = answering(stage, DONE);
  const path = "/commands/order.place?deadline=1500ms&actor=ann&key=k&correlation=c";
  const headers = {
    "idempotency-key": "c-1",
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  };
  const answer = await post(stage, admin, path, headers);
  assert.equal(answer.status, 200);
  assert.equal(answer.text, `{"ok":true,"token":"t1.abc","reply":{"number":${LARGE}}}`);
  assert.equal(answer.headers.get("millrace-token"), "t1.abc");
  const [{ command, options } = assert.fail("nothing was asked")] = asked;
  assert.equal(options.deadlineMs, 1_500);
  assert.deepEqual(command, {
    kind: "command",
    type: "order.place",
    dataJson: '{"orderId":"o1"}',
    id: "c-1",
    key: "k",
    actor: "ann",
    correlation: "c",
    trace: { traceparent: headers.traceparent },
  });
});

test("a refusal answers 422 with its code, and no answer in time 504", async () => {
  await using stage = await openStage();
  const refusal = { code: "already-placed", message: "o1 is placed", details: { at: 5 } };
  const refused = answering(stage, { ok: false, refusal });
  const answer = await post(stage, refused.admin, "/commands/order.place");
  assert.equal(answer.status, 422);
  assert.deepEqual(JSON.parse(answer.text), { ok: false, refusal });
  assert.equal(answer.headers.get("millrace-token"), null);
  const late = answering(stage, new MillraceError("DEADLINE", "order.place took longer than 5 ms"));
  const none = await post(stage, late.admin, "/commands/order.place");
  assert.deepEqual([none.status, JSON.parse(none.text).code], [504, "DEADLINE"]);
});

test("a command is sent without waiting by a parameter, or by the header of RFC 7240", async () => {
  await using stage = await openStage();
  const { admin, asked, sent } = answering(stage, DONE);
  const ways = [
    ["?async=true&id=c-1", {}],
    ["?id=c-1", { prefer: "respond-async, wait=5" }],
  ] as const;
  for (const [query, headers] of ways) {
    const { status, text } = await post(stage, admin, `/commands/order.place${query}`, headers);
    assert.equal(status, 202);
    assert.deepEqual(JSON.parse(text).sequence, 7);
  }
  assert.deepEqual([sent.length, asked.length], [2, 0]);
});

test("a command comes as a CloudEvent too, whose type and the address must agree", async () => {
  await using stage = await openStage();
  const { admin, asked } = answering(stage, DONE);
  const event = { specversion: "1.0", id: "c-1", source: "till", type: "order.place", data: 1 };
  const structured = { "content-type": "application/cloudevents+json" };
  const body = JSON.stringify(event);
  assert.equal((await post(stage, admin, "/commands", structured, body)).status, 200);
  assert.equal((await post(stage, admin, "/commands/order.place", structured, body)).status, 200);
  const binary = {
    "ce-specversion": "1.0",
    "ce-id": "c-1",
    "ce-source": "till",
    "ce-type": "order.place",
  };
  assert.equal((await post(stage, admin, "/commands", binary, "1")).status, 200);
  assert.deepEqual(
    asked.map(({ command }) => [command.id, command.source, command.type, command.dataJson]),
    Array.from({ length: 3 }, () => ["c-1", "till", "order.place", "1"]),
  );
  const other = await post(stage, admin, "/commands/order.cancel", structured, body);
  assert.deepEqual([other.status, JSON.parse(other.text).code], [422, "BAD_ENVELOPE"]);
  assert.match(other.text, /let them agree/);
});

test("what is wrong with the request is told before anything is asked", async () => {
  await using stage = await openStage();
  const { admin, asked } = answering(stage, DONE);
  const wrong: readonly (readonly [string, Readonly<Record<string, string>>, number, RegExp])[] = [
    ["/commands/order.place?deadline=soon", {}, 400, /1ms to 60s/],
    ["/commands/order.place?deadline=61s", {}, 400, /1ms to 60s/],
    ["/commands/order.place?deadline=0", {}, 400, /1ms to 60s/],
    ["/commands/order.place?dedline=5s", {}, 400, /there is no parameter/],
    ["/commands/order.place?to=stream:orders", {}, 400, /queue:NAME/],
    ["/commands/order.place", { "content-type": "text/plain" }, 415, /application\/json/],
    ["/commands", {}, 415, /cloudevents\+json/],
    ["/commands/order.place", { "content-length": "9000000" }, 413, /over 8388608 bytes/],
  ];
  for (const [path, headers, status, says] of wrong) {
    const answer = await post(stage, admin, path, headers);
    assert.equal(answer.status, status, `${path} ${answer.text}`);
    assert.match(answer.text, says);
  }
  assert.deepEqual(asked, []);
});

test("a write's token goes into the read, by header or parameter", async () => {
  await using stage = await openStage();
  const seen: unknown[] = [];
  const admin: Admin = {
    ...stage.admin,
    get: async (view, id, options) => {
      seen.push(options);
      return stage.admin.get(view, id);
    },
    find: async (view, query, options) => {
      seen.push(options);
      return stage.admin.find(view, query);
    },
  };
  const { environment } = stage;
  const door = createDoor({ admin, environment, token: TOKEN });
  const headers = { host: "localhost", authorization: `Bearer ${TOKEN}` };
  const event = '{"specversion":"1.0","id":"e","source":"s","type":"thing","data":1}';
  const structured = { ...headers, "content-type": "application/cloudevents+json" };
  const init = { method: "POST", body: event, headers: structured };
  const published = await door(new Request("http://localhost/events?to=stream:attic", init));
  const token = published.headers.get("millrace-token") ?? "";
  assert.match(token, /^t1\.[\w-]+$/);
  const get = async (path: string, more = {}): Promise<number> =>
    (await door(new Request(`http://localhost${path}`, { headers: { ...headers, ...more } })))
      .status;
  assert.equal(await get(`/views/order-totals/o1?notBefore=${token}&deadline=2s`), 200);
  assert.equal(await get("/views/order-totals/o1", { "millrace-token": token }), 200);
  assert.equal(await get(`/views/order-totals?notBefore=${token}`), 200);
  assert.equal(await get("/views/order-totals"), 200);
  assert.deepEqual(seen, [
    { notBefore: token, deadlineMs: 2_000 },
    { notBefore: token },
    { notBefore: token },
    {},
  ]);
});

type Call = readonly [method: string, ...parameters: readonly unknown[]];

/** Every method of the topics answers what stands here, and notes how it was called. */
function recording(stage: Stage, answers: Readonly<Record<string, unknown>>, calls: Call[]): Admin {
  const methods = Object.entries(answers).map(([name, answer]) => [
    name,
    async (...parameters: unknown[]) => {
      calls.push([name, ...parameters.map(withoutSignal)]);
      return answer;
    },
  ]);
  return { ...stage.admin, ...Object.fromEntries(methods) };
}

function withoutSignal(parameter: unknown): unknown {
  if (typeof parameter !== "object" || parameter === null) return parameter;
  const { signal: _, ...rest }: Record<string, unknown> = { ...parameter };
  return rest;
}

test("every topic of the admin API goes through the door and comes back as it was", async () => {
  await using stage = await openStage();
  const message = { id: "m", depth: 1, places: [], dataJson: `{"n":${LARGE}}` };
  const job = {
    id: "j",
    kind: "replay",
    what: "w",
    by: "b",
    state: "running",
    startedMs: 1,
    done: 0,
    total: 2,
    counts: {},
  };
  const generation = { service: "shop", view: "v", generation: "v2", state: "ready", documents: 3 };
  const saga = {
    service: "shop",
    saga: "s",
    instance: "../i",
    status: "stuck",
    version: 1,
    startedMs: 1,
    changedMs: 2,
    openSteps: 0,
  };
  const answers = {
    ask: { ok: true, token: "t", replyJson: LARGE },
    send: { id: "c", target: { kind: "queue", name: "q" }, duplicate: false },
    editFailure: { id: "new" },
    flow: { correlation: "c", messages: [message], scanned: 9, cut: "at the bound" },
    stateOf: {
      service: "shop",
      decider: "order",
      key: "k",
      version: 1,
      newest: 2,
      stateJson: `{"n":${LARGE}}`,
    },
    pausePart: { changed: true },
    resumePart: { changed: false },
    listPauses: [{ part: "shop.totals", by: "ann", sinceMs: 5 }],
    planReplay: { part: "p", mode: "redo", ranges: [], messages: {}, effects: {}, notes: ["n"] },
    runReplay: job,
    listJobs: [job],
    showJob: job,
    cancelJob: { ...job, state: "cancelled" },
    listSagas: { instances: [saga], next: "n" },
    showSaga: { ...saga, stateJson: `{"n":${LARGE}}`, steps: [], timers: [] },
    retrySaga: saga,
    listViews: [generation],
    rebuildView: generation,
    swapView: generation,
    dropView: generation,
  };
  const calls: Call[] = [];
  const { environment } = stage;
  const admin = recording(stage, answers, calls);
  await using door = await serve({ admin, environment, token: TOKEN, port: 0 });
  await using client: Admin = await openAdminClient({ url: door.url, token: TOKEN });
  const command = { type: "order.place", kind: "command", dataJson: "{}", id: "c" } as const;
  const replay = {
    part: "shop.desk",
    stream: "orders",
    partition: 0,
    from: "+5",
    to: "9",
    mode: "redo",
  } as const;
  const repair = { dryRun: true, by: "ann" };
  const expected: readonly Call[] = [
    ["ask", command, { deadlineMs: 700 }],
    ["send", command],
    [
      "editFailure",
      "s:shop:totals:1",
      { dataJson: `{"n":${LARGE}}`, type: "t", version: 2 },
      repair,
    ],
    ["flow", "c/1 ?", { since: "-10", scanMax: 5 }],
    ["stateOf", "order/a/../b", { at: "@2026-01-01T00:00" }],
    ["pausePart", "shop.totals", { ...repair, why: "because" }],
    ["resumePart", "shop.totals", repair],
    ["listPauses"],
    ["planReplay", replay],
    ["runReplay", replay, { by: "ann" }],
    ["listJobs"],
    ["showJob", "j"],
    ["cancelJob", "j", { by: "ann" }],
    ["listSagas", { saga: "s", status: "stuck", limit: 5, after: "x" }],
    ["showSaga", "s", "../i"],
    ["retrySaga", "s", "../i", repair],
    ["listViews"],
    ["rebuildView", "v", repair],
    ["swapView", "v", { ...repair, generation: "v2" }],
    ["dropView", "v", "v1", repair],
  ];
  for (const [name, ...parameters] of expected) {
    const method: (...given: readonly unknown[]) => Promise<unknown> = Reflect.get(client, name);
    const answer = await method(...parameters);
    assert.deepEqual(answer, Reflect.get(answers, name), name);
  }
  assert.deepEqual(calls, expected);
  assert.deepEqual(new Set(calls.map(([name]) => name)), new Set(Object.keys(answers)));
});

test("through the door a refusal is an answer, and what failed is thrown as it was", async () => {
  await using stage = await openStage();
  const { environment } = stage;
  const outcomes = [
    { ok: false, refusal: { code: "sold-out" } } as const,
    new MillraceError("DEADLINE", "too late"),
    new MillraceError("BAD_PAYLOAD", "total is missing"),
  ];
  for (const outcome of outcomes) {
    const { admin } = answering(stage, outcome);
    await using door = await serve({ admin, environment, token: TOKEN, port: 0 });
    await using client = await openAdminClient({ url: door.url, token: TOKEN });
    const asked = client.ask({ type: "order.place", dataJson: "{}" });
    if (isMillraceError(outcome)) await assert.rejects(asked, { code: outcome.code });
    else assert.deepEqual(await asked, outcome);
  }
});
