/** What watches a process sees: readiness, metrics, the OpenAPI document, and the page. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { Admin, Description, LagRow } from "../../admin/admin.ts";
import { openStage, OrderPaid, OrderPlaced, type Stage } from "../../admin/shop-stage.test.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command } from "../../schema/message-type.ts";
import { createRegistry } from "../../schema/registry.ts";
import { MillraceError } from "../../model/errors.ts";
import type { PartStatus } from "../../service/running/running-service.ts";
import { createDoor, type Door } from "../door.ts";
import { OPERATIONS } from "../openapi/operations.ts";
import { RateMeter } from "../page/rates.ts";

const TOKEN = "a-secret-of-some-length";
const MARKUP = `<script>alert("x")</script>'&`;

const PlaceOrder = command("order.place", z.object({ orderId: z.string(), note: z.string() }), {
  key: ({ orderId }) => orderId,
  refuses: ["already-placed", "sold-out"],
  replies: z.object({ number: z.number() }),
});
const registry = createRegistry([
  stream("orders", { OrderPlaced, OrderPaid }),
  queue("order-desk", { PlaceOrder }),
]);

interface Shown {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

type Ask = (path: string, headers?: Record<string, string>) => Promise<Shown>;

const signedIn = { authorization: `Bearer ${TOKEN}` };

function asking(door: Door): Ask {
  return async (path, headers = signedIn) => {
    const request = new Request(`http://localhost:4370${path}`, {
      headers: { host: "localhost:4370", ...headers },
    });
    const response = await door(request);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
}

function openDoor({ environment }: Stage, admin: Admin): Ask {
  const processFacts = () => ({
    residentBytes: 5e7,
    heapUsedBytes: 2e7,
    cpuSeconds: 1.5,
    upSeconds: 60,
  });
  return asking(createDoor({ admin, environment, registry, token: TOKEN, processFacts }));
}

const RUNNING: PartStatus = {
  name: "totals",
  kind: "view",
  state: "running",
  inputs: [{ input: "orders/0", lag: 3, parked: 0 }],
  handled: 10,
  failed: 1,
  duplicates: 2,
  expired: 4,
  durations: { counts: [6, 4, 0, 0, 0, 0, 0, 0, 1], sumMs: 12_500 },
  ignored: { a: 1, b: 2 },
};

/** The stage's admin, that tells of a running service whatever a test wants. */
function telling(
  stage: Stage,
  status: readonly PartStatus[],
  more: Partial<Description> = {},
): Admin {
  const lag: readonly LagRow[] = status.flatMap((part) =>
    part.inputs.map((input) => ({ service: "shop", part: part.name, lag: 0, ...input })),
  );
  return {
    ...stage.admin,
    lag: async () => lag,
    describe: async () => {
      const description = await stage.admin.describe();
      const [shop] = description.services;
      const outbox = { waiting: 7, oldestMs: stage.environment.clock.now() - 2_500 };
      const told = { ...shop!, status, outbox, droppedReplies: 5 };
      return { ...description, services: [told], lateReplies: 6, ...more };
    },
  };
}

test("a process is ready when every part runs, and otherwise tells who may come in why not", async () => {
  await using stage = await openStage();
  const [input] = RUNNING.inputs;
  const states: readonly (readonly [PartStatus, RegExp | undefined])[] = [
    [RUNNING, undefined],
    [{ ...RUNNING, state: "failed" }, /shop\.totals is failed/],
    [{ ...RUNNING, state: "starting" }, /shop\.totals is starting/],
    [
      { ...RUNNING, state: "paused", inputs: [{ ...input!, paused: "the bank is down" }] },
      /shop\.totals pauses on orders\/0: the bank is down/,
    ],
    [{ ...RUNNING, state: "paused", held: "by ann: repairs" }, /paused: by ann: repairs/],
    [
      { ...RUNNING, inputs: [{ ...input!, unpublished: "queue full" }] },
      /shop\.totals cannot publish: queue full/,
    ],
  ];
  for (const [status, reason] of states) {
    const ask = openDoor(stage, telling(stage, [status]));
    const [open, told] = [await ask("/readyz", {}), await ask("/readyz")];
    if (reason === undefined) {
      assert.deepEqual([open.status, open.text], [200, '{"status":"ready"}']);
      continue;
    }
    assert.deepEqual([open.status, open.text], [503, '{"status":"not ready","count":1}']);
    assert.match(told.text, reason);
    assert.deepEqual([told.status, JSON.parse(told.text).reasons.length], [503, 1]);
    const alive = await ask("/healthz", {});
    assert.equal(alive.status, 200);
    const stranger = await ask("/readyz", { authorization: "Bearer wrong" });
    assert.equal(stranger.text, '{"status":"not ready","count":1}');
  }
});

test("a process whose store or broker cannot be asked is not ready, and alive", async () => {
  await using stage = await openStage();
  const describe = async (): Promise<Description> => {
    throw new MillraceError("STORE_FAILED", "/data/shop.db was removed while it was open");
  };
  const ask = openDoor(stage, { ...stage.admin, describe });
  const [open, told] = [await ask("/readyz", {}), await ask("/readyz")];
  assert.deepEqual([open.status, open.text], [503, '{"status":"not ready","count":1}']);
  assert.equal(told.status, 503);
  assert.match(told.text, /"reasons":\["a store or a broker cannot be asked \(STORE_FAILED\)/);
  assert.equal((await ask("/healthz", {})).status, 200);
});

test("why a process is not ready is told to those who may see the part", async () => {
  await using stage = await openStage();
  const { environment } = stage;
  const failed = { ...RUNNING, state: "failed" } as const;
  const reasonsOf = async (name: string): Promise<unknown> => {
    const door = createDoor({
      admin: telling(stage, [failed]),
      environment,
      token: TOKEN,
      signIn: async () => ({ name }),
      rules: [
        { principal: "ann", actions: ["read"], resources: { kind: "service", name: "shop" } },
      ],
    });
    const headers = { host: "localhost", authorization: "Bearer hers" };
    const answer = await door(new Request("http://localhost/readyz", { headers }));
    assert.equal(answer.status, 503);
    return answer.json();
  };
  assert.deepEqual(await reasonsOf("ann"), {
    status: "not ready",
    reasons: ["shop.totals is failed"],
  });
  assert.deepEqual(await reasonsOf("eve"), { status: "not ready", reasons: [] });
});

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** By the grammar of the format; a line that fits none of its forms fails. */
function samplesOf(text: string): readonly Sample[] {
  assert.ok(text.endsWith("\n"));
  const described = new Set<string>();
  const samples: Sample[] = [];
  for (const line of text.trimEnd().split("\n")) {
    const [, word, family] = /^# (HELP|TYPE) ([a-z_]+) \S/.exec(line) ?? [];
    if (word === "TYPE") {
      assert.ok(!described.has(family!), `${family} stands twice`);
      described.add(family!);
    }
    if (word !== undefined) continue;
    const [, name = "", labels = "", value = ""] =
      /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? ([\d.e+-]+|\+Inf|NaN)$/.exec(
        line,
      ) ?? [];
    assert.ok(name !== "", line);
    assert.ok(described.has(name) || described.has(name.replace(/_(bucket|sum|count)$/, "")), line);
    samples.push({ name, labels, value: Number(value) });
  }
  return samples;
}

test("metrics tell of parts, inputs, streams, queues, requests and the process", async () => {
  await using stage = await openStage();
  const odd = { ...RUNNING, name: `a"b\\c\nd` };
  const ask = openDoor(stage, telling(stage, [RUNNING, odd]));
  await stage.admin.publish([{ type: "order.place", dataJson: '{"orderId":"o1"}' }]);
  assert.equal((await ask("/metrics", {})).status, 401);
  await ask("/streams/none");
  const { status, text, headers } = await ask("/metrics");
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const samples = samplesOf(text);
  const valueOf = (name: string, labels: string): number | undefined =>
    samples.find((sample) => sample.name === name && sample.labels === labels)?.value;
  const part = 'service="shop",part="totals"';
  assert.equal(valueOf("millrace_part_messages_total", `${part},result="handled"`), 10);
  assert.equal(valueOf("millrace_part_messages_total", `${part},result="failed"`), 1);
  assert.equal(valueOf("millrace_part_messages_total", `${part},result="duplicate"`), 2);
  assert.equal(valueOf("millrace_part_messages_total", `${part},result="ignored"`), 3);
  assert.equal(valueOf("millrace_part_messages_total", `${part},result="expired"`), 4);
  const work = "millrace_part_work_duration_seconds";
  assert.equal(valueOf(`${work}_bucket`, `${part},le="0.001"`), 10);
  assert.equal(valueOf(`${work}_bucket`, `${part},le="10"`), 10);
  assert.equal(valueOf(`${work}_bucket`, `${part},le="+Inf"`), 11);
  assert.equal(valueOf(`${work}_sum`, part), 12.5);
  assert.equal(valueOf("millrace_outbox_messages", 'service="shop"'), 7);
  assert.equal(valueOf("millrace_outbox_oldest_age_seconds", 'service="shop"'), 2.5);
  assert.equal(valueOf("millrace_replies_dropped_total", 'service="shop"'), 5);
  assert.equal(valueOf("millrace_replies_late_total", ""), 6);
  assert.equal(valueOf("millrace_input_lag", `${part},input="orders/0"`), 3);
  assert.equal(valueOf("millrace_queue_messages", 'queue="order-desk",state="waiting"'), 1);
  assert.equal(valueOf("millrace_stream_records_total", 'stream="orders"'), 0);
  assert.equal(valueOf("process_resident_memory_bytes", ""), 5e7);
  assert.equal(valueOf("process_cpu_seconds_total", ""), 1.5);
  const address = 'address="GET /streams/:stream",status="404"';
  assert.equal(valueOf("millrace_http_request_duration_seconds_count", address), 1);
  assert.ok(text.includes(String.raw`part="a\"b\\c\nd"`));
});

test("what callers make up becomes no series, and too many series are cut", async () => {
  await using stage = await openStage();
  const many = Array.from({ length: 2_500 }, (_, i) => ({ ...RUNNING, name: `p${i}`, inputs: [] }));
  const ask = openDoor(stage, telling(stage, many));
  for (let at = 0; at < 50; at++) {
    await ask(`/no-such-${at}`);
    await ask(`/streams/stranger-${at}`);
  }
  const { text } = await ask("/metrics");
  assert.doesNotMatch(text, /no-such|stranger/);
  assert.match(text, /^# 500 more series of millrace_part_running are left out$/m);
  const requests = samplesOf(text.replaceAll(/^# \d+ more.*\n/gm, "")).filter(({ name }) =>
    name.startsWith("millrace_http"),
  );
  assert.ok(requests.length <= 30, `${requests.length} series of requests`);
});

type Json = any;

function referencesIn(value: Json, found: string[] = []): string[] {
  if (typeof value !== "object" || value === null) return found;
  // A schema with an id of its own has references of its own.
  if (typeof value.$id === "string") return found;
  if (typeof value.$ref === "string") found.push(value.$ref);
  for (const child of Object.values(value)) referencesIn(child, found);
  return found;
}

function resolve(document: Json, reference: string): unknown {
  assert.match(reference, /^#\//);
  return reference
    .slice(2)
    .split("/")
    .reduce((at, step) => at?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

test("the OpenAPI document is whole, and the same declarations give the same bytes", async () => {
  await using stage = await openStage();
  const ask = openDoor(stage, stage.admin);
  const { text } = await ask("/openapi.json");
  assert.equal((await ask("/openapi.json")).text, text);
  const document: Json = JSON.parse(text);
  assert.match(document.openapi, /^3\.1\.\d+$/);
  assert.ok(document.info.title !== "" && document.info.version !== "");

  const ids = new Set<string>();
  let operations = 0;
  for (const [path, item] of Object.entries<Json>(document.paths)) {
    assert.match(path, /^\//);
    for (const [method, operation] of Object.entries<Json>(item)) {
      operations++;
      assert.ok(["get", "post"].includes(method), `${method} ${path}`);
      assert.ok(!ids.has(operation.operationId), `${operation.operationId} stands twice`);
      ids.add(operation.operationId);
      const inPath = operation.parameters.filter((one: Json) => one.in === "path");
      const named = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      assert.deepEqual(
        inPath.map((one: Json) => one.name),
        named,
        path,
      );
      assert.ok(
        inPath.every((one: Json) => one.required === true),
        path,
      );
      const places = operation.parameters.map((one: Json) => `${one.in} ${one.name}`);
      assert.equal(new Set(places).size, places.length, path);
      assert.ok(
        operation.parameters.every((one: Json) => one.schema !== undefined),
        path,
      );
      assert.ok(Object.keys(operation.responses).length > 0, path);
      for (const response of Object.values<Json>(operation.responses)) {
        assert.ok(typeof (response.description ?? response.$ref) === "string", path);
      }
      if (method === "get") assert.equal(operation.requestBody, undefined, path);
      else assert.ok(Object.keys(operation.requestBody.content).length > 0, path);
    }
  }
  assert.ok(operations > OPERATIONS.length, `${operations} operations`);
  const references = referencesIn(document);
  assert.ok(references.length > 20);
  for (const reference of references) {
    assert.notEqual(resolve(document, reference), undefined, reference);
  }
});

test("declared commands stand in the document with payload, refusals and reply", async () => {
  await using stage = await openStage();
  const { text } = await openDoor(stage, stage.admin)("/openapi.json");
  const { paths, components }: Json = JSON.parse(text);
  const { post } = paths["/commands/order.place"];
  assert.deepEqual(post.requestBody.content["application/json"].schema, {
    $ref: "#/components/schemas/order.place",
  });
  assert.deepEqual(Object.keys(components.schemas["order.place"].properties), ["orderId", "note"]);
  assert.equal(components.schemas["order.paid"].properties.cents.format, "int64");
  const [refusal] = post.responses[422].content["application/json"].schema.anyOf;
  assert.deepEqual(refusal.properties.refusal.properties.code.enum, ["already-placed", "sold-out"]);
  const [, reply] = post.responses[200].content["application/json"].schema.allOf;
  assert.deepEqual(Object.keys(reply.properties.reply.properties), ["number"]);
  assert.ok("/views/order-totals" in paths);
});

test("every address of the document answers, and none is missing in it", async () => {
  await using stage = await openStage();
  const { environment, admin } = stage;
  const door = createDoor({ admin, environment, token: TOKEN });
  let asked = 0;
  for (const { method, path } of OPERATIONS) {
    const headers = { ...signedIn, host: "localhost", "content-type": "application/json" };
    const url = `http://localhost${path.replaceAll(/\{(\w+)\}/g, "x")}`;
    const body = method === "post" ? { body: "{}" } : {};
    const response = await door(new Request(url, { method, headers, ...body }));
    await response.body?.cancel();
    assert.ok(response.status < 500 || response.status === 501, `${method} ${path}`);
    const text =
      response.status === 404
        ? await (await door(new Request(url, { method, headers, ...body }))).text()
        : "";
    assert.doesNotMatch(text, /at this door/, `${method} ${path} is no route`);
    asked++;
  }
  assert.ok(asked > 40);
  const documented = new Set(
    OPERATIONS.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
  );
  const undocumented = door.routes.filter((route) => !documented.has(route));
  assert.deepEqual(undocumented, ["all /hooks/*"]);
});

test("the page shows what runs as text, whatever the names and payloads are", async () => {
  await using stage = await openStage();
  const {
    streams: [orders],
    queues: [desk],
    services: [shop],
  } = await stage.admin.describe();
  const admin = telling(stage, [], {
    services: [
      {
        ...shop!,
        name: MARKUP,
        parts: [{ ...shop!.parts[0]!, name: MARKUP, kind: MARKUP }],
        status: [{ ...RUNNING, name: MARKUP, state: "paused", held: MARKUP }],
      },
    ],
    streams: [{ ...orders!, spec: { ...orders!.spec, name: MARKUP } }],
    queues: [{ ...desk!, spec: { ...desk!.spec, name: MARKUP } }],
  });
  const odd = command("order.odd", z.object({ note: z.literal(MARKUP) }), { refuses: [] });
  const { environment } = stage;
  const registered = createRegistry([queue("odd", { Odd: odd })]);
  const ask = asking(createDoor({ admin, environment, token: TOKEN, registry: registered }));
  const { status, text, headers } = await ask(`/?token=${TOKEN}`, {});
  assert.equal(status, 200);
  assert.match(headers.get("content-type") ?? "", /^text\/html/);
  assert.match(
    headers.get("content-security-policy") ?? "",
    /default-src 'none'; style-src 'self'/,
  );
  assert.doesNotMatch(text, /<script|alert\("x"\)|\son\w+=/);
  assert.ok(text.split("&lt;script&gt;").length >= 7, "each name is shown, as text");
  assert.doesNotMatch(text, new RegExp(TOKEN), "the page does not repeat its token");
  assert.match(text, /Authorization: Bearer \$TOKEN/);
  const style = await ask("/style.css", {});
  assert.equal(style.status, 200);
  assert.match(style.headers.get("content-type") ?? "", /^text\/css/);
});

test("the page's lines to try are accepted by the door as they stand", async () => {
  await using stage = await openStage();
  const ask = openDoor(stage, stage.admin);
  const { text } = await ask("/");
  const line = /-d &#39;(\{&quot;type&quot;:&quot;order\.placed.*)&#39;/.exec(text)?.[1];
  const body = line?.replaceAll("&quot;", '"');
  assert.ok(body !== undefined, text);
  const outcomes = await stage.admin.publish([
    { type: "order.placed", dataJson: JSON.stringify(JSON.parse(body).data) },
  ]);
  assert.deepEqual(
    outcomes.map(({ ok }) => ok),
    [true],
  );
});

test("rates are measured from one look to the next, and looks close together share theirs", () => {
  const meter = new RateMeter();
  const at = (handled: number, ms: number): number | undefined =>
    meter.rates(new Map([["part", handled]]), ms).get("part");
  assert.equal(at(100, 0), undefined);
  assert.equal(at(150, 5_000), 10);
  assert.equal(at(151, 5_001), 51 / 5.001);
  assert.equal(at(250, 10_000), 20);
  assert.equal(at(5, 15_000), undefined, "a counter that fell was begun anew");
});
