/**
 * What strangers may try at the door. Each attempt gets a named error with the next step, and after
 * each the door still answers and what was published is still there, alone.
 */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { openStage, type Stage } from "../admin/shop-stage.test.ts";
import { openAdminClient } from "./client.ts";
import { createDoor } from "./door.ts";
import type { DoorLimits } from "./limits.ts";
import { serve } from "./serving/serve.ts";

const TOKEN = "a-secret-of-some-length";
const JSON_EVENT = "application/cloudevents+json";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

type Attempt = (path: string, init?: RequestInit) => Promise<Answer>;

/** Runs attempts at a door with one published event, and then checks that nothing was lost or added. */
async function attacked(
  attempts: (attempt: Attempt, stage: Stage) => Promise<void>,
  limits: Partial<DoorLimits> = {},
): Promise<void> {
  await using stage = await openStage();
  const { admin, environment, streams } = stage;
  await admin.publish([{ type: "order.placed", dataJson: '{"orderId":"o1","total":1}' }]);
  const before = await streams.listStreams();
  const door = createDoor({ admin, environment, token: TOKEN, limits });
  const attempt: Attempt = async (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "127.0.0.1:4222");
    const request = new Request(`http://127.0.0.1:4222${path}`, { ...init, headers });
    const response = await door(request);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  await attempts(attempt, stage);
  assert.deepEqual(await streams.listStreams(), before);
  const health = await attempt("/healthz");
  assert.equal(health.status, 200);
}

const signedIn = { authorization: `Bearer ${TOKEN}` };

function post(contentType: string, body: string) {
  return { method: "POST", body, headers: { ...signedIn, "content-type": contentType } };
}

function assertError({ status, text }: Answer, expected: number, code: string, says: RegExp): void {
  assert.equal(status, expected, text);
  const error = JSON.parse(text);
  assert.equal(error.code, code);
  assert.match(error.message, says);
  assert.deepEqual(Object.keys(error), ["code", "message", "retryable", "details"]);
  assert.doesNotMatch(text, /\.ts:\d+|node:internal|    at /);
}

test("a forged Host or a foreign Origin is refused, with and without the token", () =>
  attacked(async (attempt) => {
    for (const token of [{}, signedIn]) {
      const forged = await attempt("/streams", { headers: { ...token, host: "evil.example" } });
      assertError(forged, 403, "NOT_ALLOWED", /127\.0\.0\.1/);
      const headers = { ...token, origin: "https://evil.example" };
      assertError(await attempt("/streams", { headers }), 403, "NOT_ALLOWED", /evil\.example/);
      assertError(await attempt("/healthz", { headers }), 403, "NOT_ALLOWED", /evil\.example/);
    }
    const preflight = await attempt("/events", {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
    });
    assert.equal(preflight.status, 403);
    assert.equal(preflight.headers.get("access-control-allow-origin"), null);
  }));

test("without the right token every address answers 401, known or not", () =>
  attacked(async (attempt) => {
    const wrong = [{}, { authorization: "Bearer wrong" }, { authorization: `Basic ${TOKEN}` }];
    for (const headers of wrong) {
      for (const path of ["/streams", "/describe", "/no-such", "/failures/x", "/views/a/b"]) {
        const answer = await attempt(path, { headers });
        assertError(answer, 401, "NOT_ALLOWED", /Authorization: Bearer/);
        assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
      }
      const event = '{"type":"order.placed","data":{"orderId":"o2","total":1}}';
      const headersToo = { ...headers, "content-type": "application/x-ndjson" };
      const published = await attempt("/events", {
        method: "POST",
        body: event,
        headers: headersToo,
      });
      assert.equal(published.status, 401);
    }
    assert.equal((await attempt(`/streams?token=${TOKEN}`)).status, 200);
    assert.equal((await attempt("/streams?token=wrong")).status, 401);
  }));

test("a body over the limit is refused, whether its length is announced or not", () =>
  attacked(
    async (attempt) => {
      const big = `{"type":"order.placed","data":"${"x".repeat(5_000)}"}`;
      const announced = post("application/x-ndjson", big);
      const headers = { ...announced.headers, "content-length": String(big.length) };
      const answer = await attempt("/events", { ...announced, headers });
      assertError(answer, 413, "TOO_LARGE", /over 2000 bytes/);
      let sent = 0;
      const endless = new ReadableStream({
        pull(controller) {
          sent += 500;
          // Far beyond the limit, yet not endless: a door that read on would fail here, not hang.
          if (sent > 100_000) return controller.close();
          controller.enqueue(new TextEncoder().encode("x".repeat(500)));
        },
      });
      const init = { ...announced, body: endless, duplex: "half" } as const;
      assertError(await attempt("/events", init), 413, "TOO_LARGE", /send several requests/);
      assert.ok(sent < 5_000, `${sent} bytes were read, and the limit is 2000`);
    },
    { bodyBytesMax: 2_000 },
  ));

test("too many messages in one request are refused", () =>
  attacked(
    async (attempt) => {
      const lines = '{"type":"order.placed","data":{"orderId":"o2","total":1}}\n'.repeat(4);
      const answer = await attempt("/events", post("application/x-ndjson", lines));
      assertError(answer, 413, "TOO_LARGE", /4 messages are over 3/);
    },
    { publishCountMax: 3 },
  ));

test("malformed, deep and strange JSON is refused, and nothing of it is published", () =>
  attacked(async (attempt) => {
    const deep = (open: string, close: string): string =>
      `{"specversion":"1.0","id":"e","source":"s","type":"order.placed","data":${open.repeat(100_000)}1${close.repeat(100_000)}}`;
    for (const body of ["", "{", "[1,", "nul", '{"a":1}}', "\u0000"]) {
      assertError(await attempt("/events", post(JSON_EVENT, body)), 400, "BAD_JSON", /not JSON/);
    }
    for (const body of [deep("[", "]"), deep('{"a":', "}")]) {
      assertError(
        await attempt("/events", post(JSON_EVENT, body)),
        400,
        "BAD_JSON",
        /deep|level|nest/,
      );
    }
    const latin = post(JSON_EVENT, "");
    const bytes = { ...latin, body: new Uint8Array([0x22, 0xff, 0x22]) };
    assertError(await attempt("/events", bytes), 400, "BAD_JSON", /UTF-8/);
    const proto = '{"__proto__":{"kind":"queue"},"type":"order.placed","data":{}}';
    const { status, text } = await attempt("/events", post("application/x-ndjson", proto));
    assert.equal(status, 207);
    assert.match(text, /__proto__/);
  }));

// proves: envelope
test("a malformed CloudEvent is refused with the attribute's name", () =>
  attacked(async (attempt) => {
    const good = {
      specversion: "1.0",
      id: "e-1",
      source: "s",
      type: "order.placed",
      data: { orderId: "o1", total: 1 },
    };
    const malformed: readonly (readonly [attribute: string, event: object])[] = [
      ["specversion", { ...good, specversion: "0.3" }],
      ["specversion", { ...good, specversion: undefined }],
      ["id", { ...good, id: undefined }],
      ["id", { ...good, id: "" }],
      ["id", { ...good, id: { a: 1 } }],
      ["source", { ...good, source: null }],
      ["type", { ...good, type: undefined }],
      ["time", { ...good, time: "yesterday" }],
      ["data", { ...good, data: undefined }],
      ["kind", { ...good, kind: "wish" }],
      ["Bad-Name", { ...good, "Bad-Name": "x" }],
      ["lanesequence", { ...good, lane: "a", laneepoch: 0, lanesequence: 99 }],
      ["attempt", { ...good, attempt: 3 }],
      ["commandid", { ...good, commandid: "c-1" }],
      ["answersfor", { ...good, answersfor: "c-1" }],
    ];
    for (const [attribute, event] of malformed) {
      const answer = await attempt("/events", post(JSON_EVENT, JSON.stringify(event)));
      const name = attribute === "lanesequence" ? /lane/ : new RegExp(attribute);
      assertError(answer, 422, "BAD_ENVELOPE", name);
    }
    const binary: readonly (readonly [attribute: string, headers: Record<string, string>])[] = [
      ["specversion", { "ce-specversion": "2.0" }],
      ["id", { "ce-id": "" }],
      ["time", { "ce-time": "yesterday" }],
      ["kind", { "ce-kind": "wish" }],
      ["lane", { "ce-lane": "a", "ce-laneepoch": "0", "ce-lanesequence": "99" }],
      ["bad-name", { "ce-bad-name": "x" }],
      ["source", { "ce-source": "%FF" }],
    ];
    const body = JSON.stringify(good.data);
    for (const [attribute, wrong] of binary) {
      const headers = {
        ...signedIn,
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "e-1",
        "ce-source": "s",
        "ce-type": "order.placed",
        ...wrong,
      };
      const answer = await attempt("/events", { method: "POST", headers, body });
      assertError(answer, 422, "BAD_ENVELOPE", new RegExp(attribute));
    }
    const payload = { ...good, data: { orderId: "o1" } };
    const answer = await attempt("/events", post(JSON_EVENT, JSON.stringify(payload)));
    assertError(answer, 422, "BAD_PAYLOAD", /total/);
  }));

test("a wrong media type is refused with those that are taken", () =>
  attacked(async (attempt) => {
    const event = '{"specversion":"1.0","id":"e","source":"s","type":"order.placed","data":{}}';
    for (const type of [
      "application/json",
      "text/plain",
      "multipart/form-data",
      "application/xml",
    ]) {
      const answer = await attempt("/events", post(type, event));
      assertError(answer, 415, "UNSUPPORTED_CONTENT", /application\/cloudevents\+json/);
    }
    const avro = { ...JSON.parse(event), datacontenttype: "application/avro" };
    const answer = await attempt("/events", post(JSON_EVENT, JSON.stringify(avro)));
    assertError(answer, 415, "UNSUPPORTED_CONTENT", /application\/avro/);
    const bytes = { ...JSON.parse(event), data: undefined, data_base64: "AAA=" };
    const base64 = await attempt("/events", post(JSON_EVENT, JSON.stringify(bytes)));
    assertError(base64, 415, "UNSUPPORTED_CONTENT", /data_base64/);
    const charset = await attempt("/events", post(`${JSON_EVENT}; charset=latin1`, event));
    assertError(charset, 415, "UNSUPPORTED_CONTENT", /UTF-8/);
    const form = await attempt(
      "/failures/discard",
      post("application/x-www-form-urlencoded", "all=true"),
    );
    assertError(form, 415, "UNSUPPORTED_CONTENT", /application\/json/);
  }));

test("an unknown address or method is a 404 that says where to look", () =>
  attacked(async (attempt) => {
    const paths = ["/no-such", "/streams/orders/no-such", "/.env", "/events", "/commands/x"];
    for (const path of paths) {
      assertError(await attempt(path, { headers: signedIn }), 404, "NOT_FOUND", /docs\/http\.md/);
    }
    const init = { method: "DELETE", headers: signedIn };
    assertError(await attempt("/streams/orders", init), 404, "NOT_FOUND", /DELETE/);
  }));

test("names that look like paths or headers are names that are not there", () =>
  attacked(async (attempt) => {
    const names = [
      "..%2f..%2fetc%2fpasswd",
      "%2e%2e%2f",
      "orders%00",
      "orders%0d%0aSet-Cookie:%20a=b",
      "%ff",
      "a%2fb",
      "__proto__",
      "constructor",
      "%F0%9F%98%80",
    ];
    for (const name of names) {
      for (const path of [
        `/streams/${name}`,
        `/streams/${name}/records`,
        `/streams/${name}/tail`,
      ]) {
        const answer = await attempt(path, { headers: signedIn });
        assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status} ${answer.text}`);
        assert.match(JSON.parse(answer.text).code, /^(UNKNOWN_STREAM|BAD_ARGUMENT|NOT_FOUND)$/);
        assert.equal(answer.headers.get("set-cookie"), null);
      }
      const view = await attempt(`/views/${name}/x`, { headers: signedIn });
      assert.equal(view.status, 404, view.text);
      const document = await attempt(`/views/order-totals/${name}`, { headers: signedIn });
      assert.equal(document.status, 404, document.text);
    }
  }));

test("a misspelt parameter or field is refused, and no filter means everything by accident", () =>
  attacked(async (attempt) => {
    const headers = signedIn;
    const misspelt = ["/streams/orders/records?form=start", "/failures?que=x", "/lag?x=1"];
    for (const path of misspelt) {
      assertError(await attempt(path, { headers }), 400, "BAD_ARGUMENT", /there is no parameter/);
    }
    for (const path of ["limit=-1", "limit=1e9", "limit=99999", "partition=x"]) {
      const answer = await attempt(`/streams/orders/records?${path}`, { headers });
      assertError(answer, 400, "BAD_ARGUMENT", /whole number/);
    }
    for (const where of ["x", "[]", '{"status":{}}', '{"status":{"gte":[1]}}', '{"a":{"$ne":1}}']) {
      const path = `/views/order-totals?where=${encodeURIComponent(where)}`;
      assertError(await attempt(path, { headers }), 400, "BAD_ARGUMENT", /where must be JSON/);
    }
    for (const body of ["{}", '{"refs":["q:order-desk:1"],"all":true}', '{"all":false}']) {
      const answer = await attempt("/failures/discard", post("application/json", body));
      assertError(answer, 400, "BAD_ARGUMENT", /in one way/);
    }
    for (const body of ['{"refs":"s:shop:totals:1"}', '{"al":true}', '{"all":"yes"}']) {
      const answer = await attempt("/failures/discard", post("application/json", body));
      assertError(answer, 400, "BAD_ARGUMENT", /refs|al|all/);
    }
    const failures = await attempt("/failures", { headers });
    assert.equal(JSON.parse(failures.text).failures.length, 2);
  }));

test("a defect is told by a reference into the log, never by its stack", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const broken = { ...admin, lag: () => Promise.reject(new Error("inner workings")) };
  const door = createDoor({ admin: broken, environment, token: TOKEN });
  const headers = { ...signedIn, host: "localhost" };
  const response = await door(new Request("http://localhost/lag", { headers }));
  const body = await response.json();
  assert.equal(response.status, 500);
  assert.deepEqual(Object.keys(Object(body)), ["message"]);
  assert.doesNotMatch(JSON.stringify(body), /inner/);
  const [entry] = environment.entries.filter(({ level }) => level === "error");
  assert.ok(JSON.stringify(body).includes(String(entry?.facts["reference"])));
});

test("answers cannot be framed, sniffed or cached", () =>
  attacked(async (attempt) => {
    const { headers } = await attempt("/streams", { headers: signedIn });
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.equal(headers.get("referrer-policy"), "no-referrer");
  }));

/** Sends bytes on a connection of its own and returns all that came until the other side closed it. */
function speak(port: number, ...texts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let heard = "";
    socket.on("data", (bytes) => (heard += bytes.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => {
      resolve(heard);
    });
    for (const text of texts) socket.write(text);
  });
}

test("a body that comes too slowly, headers without end, and bytes that are no HTTP end the connection", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const limits = { requestTimeoutMs: 200, headersTimeoutMs: 100, headerBytesMax: 4_096 };
  await using door = await serve({ admin, environment, token: TOKEN, port: 0, limits });
  const head = `POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n`;
  const slow = `${head}Content-Type: ${JSON_EVENT}\r\nContent-Length: 100\r\n\r\n{`;
  const answers = await Promise.all([
    speak(door.port, slow),
    speak(door.port, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
    speak(door.port, `${head}X-Long: ${"x".repeat(8_000)}\r\n\r\n`),
    speak(door.port, "\x16\x03\x01 this is no HTTP\r\n\r\n"),
    speak(door.port, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"),
    speak(door.port, `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  ]);
  assert.deepEqual(
    answers.map((answer) => answer.slice(0, 12)),
    [
      "HTTP/1.1 408",
      "HTTP/1.1 408",
      "HTTP/1.1 431",
      "HTTP/1.1 400",
      "HTTP/1.1 400",
      "HTTP/1.1 400",
    ],
  );
  await using client = await openAdminClient({ url: door.url, token: TOKEN });
  assert.equal((await client.listStreams()).length, 2);
});

test("an address that other machines reach is refused before anything listens", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  for (const address of ["0.0.0.0", "::", "192.168.1.5", "example.org", ""]) {
    await assert.rejects(serve({ admin, environment, token: TOKEN, port: 0, address }), {
      code: "BAD_CONFIG",
      message: /neither TLS nor sign-in; use 127\.0\.0\.1/,
    });
  }
  await using door = await serve({ admin, environment, token: TOKEN, port: 0 });
  await assert.rejects(serve({ admin, environment, token: TOKEN, port: door.port }), {
    code: "BAD_CONFIG",
    message: /is taken/,
  });
});

test("connections beyond the bound are turned away, and those that are in go on", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const limits = { connectionsMax: 1 };
  await using door = await serve({ admin, environment, token: TOKEN, port: 0, limits });
  const request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  const inside = connect(door.port, "127.0.0.1");
  inside.write(`${request}\r\n`);
  await new Promise((resolve) => inside.once("data", resolve));
  assert.equal(await speak(door.port, `${request}\r\n`).catch(() => ""), "");
  inside.write(`${request}Connection: close\r\n\r\n`);
  const [answer] = await new Promise<Buffer[]>((resolve) =>
    inside.once("data", (...all) => resolve(all)),
  );
  assert.match(String(answer), /200 OK/);
  inside.destroy();
});

test("connections that ask nothing, as browsers make ahead, do not hold up the close", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const door = await serve({ admin, environment, token: TOKEN, port: 0 });
  const silent = connect(door.port, "127.0.0.1");
  const ended = new Promise((resolve) => silent.once("close", resolve));
  // Whatever the server knows of the first connection, it knows once it has answered the second.
  await new Promise((resolve) => silent.once("connect", resolve));
  await speak(door.port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  await door.close();
  await ended;
});

test("a reader that is stuck, so that nothing moves on its connection, is let go", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const limits = { silenceTimeoutMs: 150 };
  await using door = await serve({ admin, environment, token: TOKEN, port: 0, limits });
  // The stage's clock stands still, so no sign of life goes out: as if the reader took none.
  const head = `GET /streams/orders/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
  assert.match(await speak(door.port, head), /^HTTP\/1\.1 200 OK[^]*retry: 1000/);
});
