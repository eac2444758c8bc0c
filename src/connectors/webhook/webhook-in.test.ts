import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { z } from "zod";
import { createAdmin } from "../../admin/create-admin.ts";
import { binaryHeaders, structuredText } from "../../codecs/cloudevents-http-writer.ts";
import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import { memoryBroker } from "../../memory/broker.ts";
import type { Envelope } from "../../model/envelope.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { createRegistry } from "../../schema/registry.ts";
import { badMessage } from "../../service/failure.ts";
import type { WebhookContext, WebhookReceiver } from "../../service/inbound.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { GITHUB_SIGNATURE, STRIPE_SIGNATURE } from "./incoming/verifier.ts";
import { parseSecret, sign } from "./signature.ts";
import { webhookIn, type WebhookInOptions } from "./webhook-in.ts";

const Pushed = event("code.pushed", z.object({ repo: z.string(), commits: z.number() }), {
  key: (push) => push.repo,
});
const pushes = stream("pushes", { Pushed }, { partitions: 1 });
const Build = command("code.build", z.object({ repo: z.string() }));
const builds = queue("builds", { Build });

const SECRET = `whsec_${Buffer.alloc(32, 3).toString("base64")}`;
const OLDER = `whsec_${Buffer.alloc(32, 4).toString("base64")}`;
const TEXT_SECRET = "It's a Secret to Everybody";

const envelope: Envelope = {
  id: "ce-1",
  type: "code.pushed",
  kind: "event",
  version: 1,
  source: "partner",
  key: "millrace",
  time: Date.UTC(2026, 0, 31),
};
const dataJson = '{"repo":"millrace","commits":3}';

async function openStage() {
  const environment = createTestEnvironment();
  const broker = await memoryBroker().open(environment);
  const { streams, queues } = broker;
  for (const { name, partitions, retention, durability, dedupe } of [pushes]) {
    await streams!.ensureStream({ name, partitions, retention, durability, dedupe });
  }
  const { name, attempts, leaseMs, depthMax, keyOrder, durability, dedupe } = builds;
  const spec = { name, attempts, leaseMs, depthMax, keyOrder, durability, dedupe };
  await queues!.ensureQueue(spec);
  const admin = createAdmin({
    streams,
    queues,
    services: () => [],
    registry: createRegistry([pushes, builds]),
    environment,
  });
  const context: WebhookContext = {
    publish: (messages) => admin.publish(messages),
    nowMs: environment.clock.now(),
    log: environment.log,
  };
  const published = async (): Promise<Envelope[]> => {
    const found: Envelope[] = [];
    const end = (await streams!.describeStream("pushes")).partitions[0]!.end;
    if (end === 0) return found;
    for await (const batch of streams!.read("pushes", { partition: 0, from: { offset: 0 } })) {
      for (const record of batch) found.push(decodeEnvelope(record, { receivedMs: 0 }));
      if (found.length >= end) break;
    }
    return found;
  };
  return { environment, context, published, queues: queues! };
}

type Stage = Awaited<ReturnType<typeof openStage>>;

function hookWith(options: Partial<WebhookInOptions> = {}): WebhookReceiver {
  return webhookIn("code", { secret: SECRET, to: pushes, ...options });
}

interface Posted {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly id?: string;
  readonly agoMs?: number;
  readonly secrets?: readonly string[];
}

/** A signed structured CloudEvent, unless said. */
function requestOf(stage: Stage, posted: Posted = {}): Request {
  const { body = structuredText(envelope, dataJson), id = "msg_1", agoMs = 0 } = posted;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const timestamp = String(Math.floor((stage.context.nowMs - agoMs) / 1000));
  const secrets = (posted.secrets ?? [SECRET]).map((text) => parseSecret(text, "it"));
  return new Request("http://host/hooks/code", {
    method: "POST",
    body: bytes,
    headers: {
      "content-type": "application/cloudevents+json",
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      "webhook-signature": sign(secrets, { id, timestamp, body: bytes }),
      ...posted.headers,
    },
  });
}

async function answerOf(
  hook: WebhookReceiver,
  request: Request,
  context: WebhookContext,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await hook.handle(request, context);
  return { status: response.status, text: await response.text() };
}

test("a CloudEvent comes in as it is, in each mode, and a repeat of it counts once", async () => {
  const stage = await openStage();
  const hook = hookWith();
  const more = { ...envelope, id: "ce-2" };
  const requests = [
    requestOf(stage),
    requestOf(stage, { id: "msg_other" }),
    requestOf(stage, { body: dataJson, headers: binaryHeaders({ ...envelope, id: "ce-3" }) }),
    requestOf(stage, {
      body: `[${structuredText(envelope, dataJson)}, ${structuredText(more, dataJson)}]`,
      headers: { "content-type": "application/cloudevents-batch+json" },
    }),
  ];
  for (const request of requests) {
    assert.deepEqual(await answerOf(hook, request, stage.context), { status: 204, text: "" });
  }
  const sent = (id: string): Envelope => ({ ...envelope, id, actor: "webhook/code" });
  assert.deepEqual(await stage.published(), [sent("ce-1"), sent("ce-3"), sent("ce-2")]);
});

test("a sender who leaves in the middle of its body, or encodes it, is told so and fills no log", async () => {
  const stage = await openStage();
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
    pull: (controller) => controller.error(new Error("aborted")),
  });
  const init = { method: "POST", body, duplex: "half" } as const;
  const left = await answerOf(hookWith(), new Request("http://host/", init), stage.context);
  assert.equal(left.status, 400);
  assert.match(left.text, /the body broke off/);
  const encoded = requestOf(stage, { headers: { "content-encoding": "gzip" } });
  const { status, text } = await answerOf(hookWith(), encoded, stage.context);
  assert.equal(status, 415);
  assert.match(text, /Content-Encoding/);
  assert.deepEqual(stage.environment.entries, []);
  assert.deepEqual(await stage.published(), []);
});

test("a body is mapped to messages of its delivery's id, and a repeat counts once", async () => {
  const stage = await openStage();
  const hook = webhookIn("code", {
    secret: [SECRET, OLDER],
    to: pushes,
    map: (body, headers) =>
      headers.get("x-event") === "push"
        ? [Pushed({ repo: body.name, commits: 1 }), Pushed({ repo: body.name, commits: 2 })]
        : undefined,
  });
  const body = '{"name":"millrace"}';
  const json = { "content-type": "application/json; charset=utf-8" };
  const push = { ...json, "x-event": "push" };
  for (const secrets of [[SECRET], [OLDER], [SECRET, OLDER]]) {
    const request = requestOf(stage, { body, headers: push, secrets });
    assert.equal((await answerOf(hook, request, stage.context)).status, 204);
  }
  const ping = requestOf(stage, { body, headers: json, id: "msg_2" });
  assert.equal((await answerOf(hook, ping, stage.context)).status, 204);
  const found = await stage.published();
  assert.deepEqual(
    found.map(({ id, source, key, actor }) => [id, source, key, actor]),
    [
      ["code/msg_1", "code", "millrace", "webhook/code"],
      ["code/msg_1/1", "code", "millrace", "webhook/code"],
    ],
  );
});

test("commands go to a queue, and a sender chooses neither the actor nor where the answer goes", async () => {
  const stage = await openStage();
  const hook = hookWith({ to: builds });
  const wish: Envelope = { ...envelope, type: "code.build", kind: "command", actor: "root" };
  const forged = JSON.stringify({
    ...JSON.parse(structuredText(wish, '{"repo":"a"}')),
    replyto: "shop.replies",
  });
  assert.equal(
    (await answerOf(hook, requestOf(stage, { body: forged }), stage.context)).status,
    204,
  );
  const receiver = await stage.queues.receive("builds", { credit: 1 });
  for await (const [lease] of receiver) {
    const { actor, replyTo } = decodeEnvelope(lease!.message, { receivedMs: 0 });
    assert.deepEqual({ actor, replyTo }, { actor: "webhook/code", replyTo: undefined });
    break;
  }
  await receiver.close();
});

test("what is not signed, wrongly signed or signed at another time is refused with 401", async () => {
  const stage = await openStage();
  const hook = hookWith();
  const minute = 60_000;
  const requests: Record<string, Request> = {
    unsigned: new Request("http://host/", { method: "POST", body: "{}" }),
    "by another secret": requestOf(stage, { secrets: [OLDER] }),
    "of another id": requestOf(stage, { headers: { "webhook-id": "msg_2" } }),
    "of another time": requestOf(stage, { headers: { "webhook-timestamp": "1" } }),
    "of a time that is none": requestOf(stage, { headers: { "webhook-timestamp": "NaN" } }),
    "too old": requestOf(stage, { agoMs: 5 * minute + 1000 }),
    "from the future": requestOf(stage, { agoMs: -6 * minute }),
    "of another scheme": requestOf(stage, { headers: { "webhook-signature": "v1a,AAAA" } }),
  };
  for (const [why, request] of Object.entries(requests)) {
    const { status, text } = await answerOf(hook, request, stage.context);
    assert.equal(status, 401, why);
    assert.match(text, /"code":"NOT_ALLOWED"/);
  }
  assert.equal(
    (await answerOf(hook, requestOf(stage, { agoMs: 4 * minute }), stage.context)).status,
    204,
  );
  assert.equal((await stage.published()).length, 1);
});

test("a body that was changed on its way is refused", async () => {
  const stage = await openStage();
  const { headers } = requestOf(stage);
  const changed = structuredText(envelope, '{"repo":"millrace","commits":4}');
  const request = new Request("http://host/", { method: "POST", body: changed, headers });
  assert.equal((await answerOf(hookWith(), request, stage.context)).status, 401);
});

test("what a sender can put right is answered with 4xx, naming it", async () => {
  const stage = await openStage();
  const structured = (fields: object): string =>
    JSON.stringify({ ...JSON.parse(structuredText(envelope, dataJson)), ...fields });
  const wrong: [Posted, number, RegExp][] = [
    [{ body: "{" }, 400, /not JSON/],
    [{ body: new Uint8Array([0xff, 0xfe]) }, 400, /not UTF-8/],
    [{ body: structured({ data: { repo: "a", commits: "x" } }) }, 422, /commits/],
    [
      { body: structured({ type: "code.deleted" }) },
      422,
      /"code\.deleted\\" is not taken here; send code\.pushed/,
    ],
    [{ body: structured({ id: "" }) }, 422, /\bid\b/],
    [{ body: structured({ lane: "x" }) }, 422, /lane/],
    [{ body: structured({ specversion: "0.3" }) }, 422, /specversion/],
    [{ headers: { "content-type": "text/xml" } }, 415, /text\/xml/],
    [{ body: "x".repeat(262_145) }, 413, /262144/],
  ];
  for (const [posted, expected, text] of wrong) {
    const answer = await answerOf(hookWith(), requestOf(stage, posted), stage.context);
    assert.equal(answer.status, expected, answer.text);
    assert.match(answer.text, text);
  }
  const got = await answerOf(hookWith(), new Request("http://host/"), stage.context);
  assert.equal(got.status, 405);
  assert.equal((await stage.published()).length, 0);
});

test("a body without a length is cut off at the bound, not read to its end", async () => {
  const stage = await openStage();
  let pulled = 0;
  const body = new ReadableStream({
    pull: (controller) => {
      pulled++;
      controller.enqueue(new Uint8Array(64 * 1024));
    },
  });
  const request = new Request("http://host/", {
    method: "POST",
    body,
    duplex: "half",
  });
  assert.equal((await answerOf(hookWith(), request, stage.context)).status, 413);
  assert.ok(pulled < 10, `${pulled} chunks were read`);
});

test("it answers 2xx only when all is durable, and tells the sender nothing of our troubles", async () => {
  const stage = await openStage();
  const failing = (error: MillraceError): WebhookContext => ({
    ...stage.context,
    publish: async (messages) => messages.map(() => ({ ok: false, error })),
  });
  const full = new MillraceError("DISK_FULL", "secret path is full");
  const later = await answerOf(hookWith(), requestOf(stage), failing(full));
  assert.equal(later.status, 503);
  assert.doesNotMatch(later.text, /secret path/);
  const broken = new MillraceError("LOG_DAMAGED", "secret path is damaged");
  const failed = await answerOf(hookWith(), requestOf(stage), failing(broken));
  assert.equal(failed.status, 500);
  assert.doesNotMatch(failed.text, /secret path/);
  assert.deepEqual(
    stage.environment.entries.map(({ facts }) => facts["error"]),
    ["secret path is full", "secret path is damaged"],
  );
});

test("a map that refuses is answered with 422, one that breaks with 500", async () => {
  const stage = await openStage();
  const json = { "content-type": "application/json" };
  const refusing = hookWith({
    map: () => {
      throw badMessage("no repository of ours");
    },
  });
  const refused = await answerOf(refusing, requestOf(stage, { headers: json }), stage.context);
  assert.deepEqual([refused.status, /no repository of ours/.test(refused.text)], [422, true]);
  const breaking = hookWith({ map: (body) => body.no.such.field });
  const broken = await answerOf(breaking, requestOf(stage, { headers: json }), stage.context);
  assert.equal(broken.status, 500);
});

test("a MAC of the body alone is checked as GitHub makes it, and a copy of the body counts once", async () => {
  const stage = await openStage();
  const hook = webhookIn("github", {
    secret: TEXT_SECRET,
    verify: GITHUB_SIGNATURE,
    to: pushes,
    map: (body) => Pushed(body),
  });
  const post = (mac: string, delivery: string): Request =>
    new Request("http://host/", {
      method: "POST",
      body: dataJson,
      headers: {
        "content-type": "application/json",
        "x-hub-signature-256": mac,
        "x-github-delivery": delivery,
      },
    });
  const mac = createHmac("sha256", TEXT_SECRET).update(dataJson).digest("hex");
  const good = await answerOf(hook, post(`sha256=${mac}`, "d1"), stage.context);
  assert.equal(good.status, 204);
  const replayed = await answerOf(hook, post(`sha256=${mac}`, "d2"), stage.context);
  assert.equal(replayed.status, 204);
  assert.equal((await stage.published()).length, 1);
  for (const bad of [
    "",
    mac,
    `sha1=${mac}`,
    "sha256=",
    `sha256=${mac.slice(2)}`,
    `sha256=${mac}00`,
  ]) {
    assert.equal((await answerOf(hook, post(bad, "d3"), stage.context)).status, 401, bad);
  }
});

test("GitHub's documented example has the documented signature", async () => {
  const stage = await openStage();
  const hook = webhookIn("github", { secret: TEXT_SECRET, verify: GITHUB_SIGNATURE, to: pushes });
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const headers = { "x-hub-signature-256": signature };
  const request = new Request("http://host/", { method: "POST", body: "Hello, World!", headers });
  assert.equal((await answerOf(hook, request, stage.context)).status, 415, "signed, and no JSON");
});

test("a MAC with its time is checked as Stripe makes it, within the tolerance", async () => {
  const stage = await openStage();
  const hook = webhookIn("stripe", {
    secret: TEXT_SECRET,
    verify: STRIPE_SIGNATURE,
    to: pushes,
    tolerance: "1m",
    map: (body) => Pushed(body),
  });
  const statusOf = async (agoMs: number, more = ""): Promise<number> => {
    const timestamp = String(Math.floor((stage.context.nowMs - agoMs) / 1000));
    const mac = createHmac("sha256", TEXT_SECRET).update(`${timestamp}.${dataJson}`).digest("hex");
    const request = new Request("http://host/", {
      method: "POST",
      body: dataJson,
      headers: {
        "content-type": "application/json",
        "stripe-signature": `t=${timestamp}${more},v1=${"0".repeat(64)},v1=${mac},v0=aa`,
      },
    });
    return (await answerOf(hook, request, stage.context)).status;
  };
  assert.equal(await statusOf(30_000), 204);
  assert.equal(await statusOf(120_000), 401);
  assert.equal(await statusOf(0, "1"), 401);
});

test("a declaration without a secret, a way to publish or a path that is one is refused", () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ secret: [] }, /no secret/],
    [{ secret: "hunter2" }, /not of the form/],
    [{ verify: GITHUB_SIGNATURE, secret: "hunter2" }, /shorter than 16/],
    [{ verify: { header: "x", format: "rot13" } }, /verify of webhook "code"/],
    [{ to: undefined }, /publishes nowhere/],
    [{ path: "../admin" }, /path of/],
    [{ path: "/a" }, /path of/],
    [{ bodyBytesMax: 0 }, /bodyBytesMax/],
    [{ tolerance: "x" }, /tolerance/],
    [{ secrets: [] }, /unknown option/],
  ];
  for (const [options, expected] of wrong) {
    assert.throws(
      () => hookWith(options),
      (error) =>
        isMillraceError(error, "BAD_DECLARATION") &&
        expected.test(error.message) &&
        !error.message.includes("hunter2"),
      String(expected),
    );
  }
});
