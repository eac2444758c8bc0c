import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { readBinary, readStructured } from "../../../codecs/cloudevents-http.ts";
import { isMillraceError, MillraceError } from "../../../model/errors.ts";
import type { Message } from "../../../model/message.ts";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { isSigned, parseSecret, type Signed } from "../signature.ts";
import { webhook, type WebhookOptions } from "../webhook-out.ts";
import {
  CERTIFICATE,
  dialerTo,
  openReceiver,
  SECRET,
  status,
  type Answerer,
  type Received,
} from "./receiver-stage.test.ts";

const PUBLIC = "93.184.215.14";
const NOW_MS = Date.UTC(2026, 0, 31);
const io = { stepMs: 0.1, turn: () => setImmediate() };

const message: Message = {
  envelope: {
    id: "0199-a1",
    type: "order.placed",
    kind: "event",
    version: 1,
    source: "shop",
    key: "o1",
    time: NOW_MS,
    place: { epoch: 0, lane: "x", sequence: 4 },
  },
  data: { total: 5 },
  raw: { key: "o1", headers: [], value: new TextEncoder().encode('{"total": 5.00}') },
};

/** Delivers once; virtual time runs while the world answers. */
async function deliver(
  options: WebhookOptions,
  how: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const { clock } = createTestEnvironment({ startMs: NOW_MS });
  const { signal = new AbortController().signal } = how;
  const context = { idempotencyKey: message.envelope.id, nowMs: clock.now(), clock, signal };
  await clock.run(webhook("partner", options).deliver(message, context), { io });
  assert.equal(clock.pending, 0, "a delivery leaves no timer behind");
}

async function failureOf(options: WebhookOptions): Promise<MillraceError> {
  try {
    await deliver(options);
  } catch (error) {
    assert.ok(isMillraceError(error), String(error));
    return error;
  }
  throw new Error("the delivery did not fail");
}

function local(port: number, more: Partial<WebhookOptions> = {}): WebhookOptions {
  const url = `http://127.0.0.1:${port}/hooks/a?token=t0p`;
  return { url, plainHttp: true, allow: ["127.0.0.1"], secret: SECRET, ...more };
}

async function failureOfAnswer(
  answer: Answerer,
  more: Partial<WebhookOptions> = {},
): Promise<MillraceError> {
  await using receiver = await openReceiver(answer);
  return await failureOf(local(receiver.port, more));
}

function headersOf({ headers }: Received): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

test("a delivery is a structured CloudEvent, its payload to the byte, signed with every secret", async () => {
  const older = `whsec_${Buffer.alloc(24, 9).toString("base64")}`;
  await using receiver = await openReceiver(status(204));
  await deliver(local(receiver.port, { secret: [SECRET, older], headers: { "X-Team": "a" } }));
  const [received] = receiver.received;
  assert.ok(received && receiver.received.length === 1);
  assert.equal(received.path, "/hooks/a?token=t0p");
  const headers = headersOf(received);
  assert.equal(headers["content-type"], "application/cloudevents+json");
  assert.equal(headers["host"], `127.0.0.1:${receiver.port}`);
  assert.equal(headers["x-team"], "a");
  assert.equal(headers["webhook-id"], "0199-a1");
  assert.equal(headers["webhook-timestamp"], String(NOW_MS / 1000));
  const event = readStructured(received.body.toString(), { nowMs: 0 });
  assert.deepEqual(event, {
    id: "0199-a1",
    type: "order.placed",
    kind: "event",
    version: 1,
    source: "shop",
    key: "o1",
    time: NOW_MS,
    dataJson: '{"total": 5.00}',
  });
  for (const secret of [SECRET, older]) {
    const signed: Signed = {
      id: headers["webhook-id"],
      timestamp: headers["webhook-timestamp"],
      body: received.body,
    };
    const header = headers["webhook-signature"]!;
    assert.equal(isSigned([parseSecret(secret, "it")], signed, header), true);
  }
});

test("binary mode has the attributes as headers and the stored payload as body", async () => {
  await using receiver = await openReceiver(status(200));
  await deliver(local(receiver.port, { mode: "binary" }));
  const [received] = receiver.received;
  const { headers } = received!;
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["ce-lane"], undefined);
  const read = readBinary(headersOf(received!), "application/json", received!.body.toString(), {
    nowMs: 0,
  });
  assert.equal(read.key, "o1");
  assert.equal(read.dataJson, '{"total": 5.00}');
});

test("a payload that is no JSON is not put into a structured event", async () => {
  await using receiver = await openReceiver(status(204));
  const { clock } = createTestEnvironment({ startMs: NOW_MS });
  const text = { ...message, raw: { key: null, headers: [], value: Buffer.from('1,"id":2') } };
  const { signal } = new AbortController();
  const context = { idempotencyKey: "k", nowMs: clock.now(), clock, signal };
  const deliver = (mode: "structured" | "binary"): Promise<void> =>
    clock.run(webhook("p", local(receiver.port, { mode })).deliver(text, context), { io });
  await assert.rejects(deliver("structured"), (error) => isMillraceError(error, "BAD_MESSAGE"));
  await deliver("binary");
  assert.equal(receiver.received.length, 1);
});

test("what an answer says decides what becomes of the message", async () => {
  const codes: [number, string][] = [
    [400, "BAD_MESSAGE"],
    [404, "BAD_MESSAGE"],
    [408, "DEPENDENCY_DOWN"],
    [410, "BAD_MESSAGE"],
    [425, "DEPENDENCY_DOWN"],
    [429, "DEPENDENCY_DOWN"],
    [500, "DELIVERY_FAILED"],
    [501, "DELIVERY_FAILED"],
    [503, "DEPENDENCY_DOWN"],
  ];
  for (const [code, expected] of codes) {
    assert.equal((await failureOfAnswer(status(code))).code, expected, String(code));
  }
});

test("a refusal names status and the beginning of what was said, without control characters", async () => {
  const said = `no such tenant\u001B[31m\r\n${"x".repeat(5000)}`;
  const error = await failureOfAnswer((_, response) => void response.writeHead(410).end(said));
  assert.match(
    error.message,
    /^webhook "partner" at http:\/\/127\.0\.0\.1:\d+ answered 410: no such tenant/,
  );
  assert.ok(error.message.length < 700);
  assert.doesNotMatch(error.message, /\p{Cc}/u);
});

test("Retry-After is kept, in seconds and as a date, and nonsense is not", async () => {
  const ask = async (text: string): Promise<unknown> =>
    (await failureOfAnswer(status(429, { "retry-after": text }))).details["retryAfterMs"];
  assert.equal(await ask("120"), 120_000);
  assert.equal(await ask(new Date(NOW_MS + 60_000).toUTCString()), 60_000);
  assert.equal(await ask(new Date(NOW_MS - 60_000).toUTCString()), 0);
  assert.equal(await ask("soon"), undefined);
});

test("a redirect is not followed, wherever it leads", async () => {
  await using inner = await openReceiver(status(200));
  for (const code of [301, 302, 303, 307, 308]) {
    const location = `http://127.0.0.1:${inner.port}/admin?secret=1`;
    const error = await failureOfAnswer(status(code, { location }));
    assert.equal(error.code, "BAD_MESSAGE");
    assert.match(
      error.message,
      new RegExp(`${code}, a redirect to http://127.0.0.1:${inner.port},`),
    );
    assert.doesNotMatch(error.message, /secret/);
  }
  assert.equal(inner.received.length, 0);
});

test("a private address in the url is refused when it is declared, in every spelling", () => {
  const urls = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f.0.0.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://10.1.2.3/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[fd00:ec2::254]/",
  ];
  for (const url of urls) {
    assert.throws(
      () => webhook("partner", { url, secret: SECRET }),
      (error) => isMillraceError(error, "BAD_DECLARATION") && /leads to/.test(error.message),
      url,
    );
  }
});

test("a url that is no https, has a user in it or a port of another service is refused", () => {
  const refused: [string, RegExp][] = [
    ["partner.example", /is none/],
    ["http://partner.example/", /plainHttp/],
    ["file:///etc/passwd", /https: is asked for/],
    ["https://user:pa55@partner.example/", /headers: \{ authorization/],
    ["https://partner.example:25/", /port 25/],
    ["https://partner.example:22/", /port 22/],
  ];
  for (const [url, expected] of refused) {
    assert.throws(
      () => webhook("partner", { url, secret: SECRET }),
      (error) =>
        isMillraceError(error, "BAD_DECLARATION") &&
        expected.test(error.message) &&
        !error.message.includes("pa55"),
      url,
    );
  }
});

test("options that contradict the delivery are refused, and secrets are never shown", () => {
  const url = "https://partner.example/";
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ secret: "s3cret" }, /not of the form whsec_/],
    [{ secret: [] }, /no secret/],
    [{ secret: undefined }, /not of the form/],
    [{ headers: { Host: "x" } }, /Host .* leave it out/],
    [{ headers: { "webhook-id": "x" } }, /leave it out/],
    [{ headers: { a: "b\r\nc: s3cret" } }, /cannot be sent/],
    [{ allow: ["10.0.0.0/40"] }, /give host names/],
    [{ timeout: "5" }, /timeout/],
    [{ mode: "xml" }, /structured/],
    [{ retries: 3 }, /unknown option/],
  ];
  for (const [more, expected] of wrong) {
    const options: any = { url, secret: SECRET, ...more };
    assert.throws(
      () => webhook("partner", options),
      (error) =>
        isMillraceError(error, "BAD_DECLARATION") &&
        expected.test(error.message) &&
        !error.message.includes("s3cret"),
      String(expected),
    );
  }
});

test("a name that leads to a private address is refused before anything is connected", async () => {
  await using receiver = await openReceiver(status(200));
  const url = `http://partner.example:${receiver.port}/`;
  for (const address of ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1", "0.0.0.0"]) {
    const dialer = dialerTo([address]);
    const error = await failureOf({ url, plainHttp: true, secret: SECRET, dialer });
    assert.equal(error.code, "ADDRESS_REFUSED", address);
    assert.deepEqual(dialer.dialled, []);
  }
  assert.equal(receiver.received.length, 0);
});

test("a name with one private address among public ones is refused as a whole", async () => {
  const dialer = dialerTo([PUBLIC, "10.0.0.1"]);
  const error = await failureOf({ url: "https://partner.example/", secret: SECRET, dialer });
  assert.equal(error.code, "ADDRESS_REFUSED");
  assert.match(error.message, /10\.0\.0\.1, which is private/);
  assert.deepEqual(dialer.dialled, []);
});

test("a name that changes its answer between check and use reaches nothing private", async () => {
  await using receiver = await openReceiver(status(200));
  const dialer = dialerTo([PUBLIC], ["127.0.0.1"]);
  const options = {
    url: `http://partner.example:${receiver.port}/`,
    plainHttp: true,
    secret: SECRET,
    dialer,
  };
  await deliver(options);
  assert.deepEqual(dialer.dialled, [PUBLIC], "connected to what was checked, asked once");
  assert.equal(headersOf(receiver.received[0]!)["host"], `partner.example:${receiver.port}`);
  const error = await failureOf(options);
  assert.equal(error.code, "ADDRESS_REFUSED");
  assert.deepEqual(dialer.dialled, [PUBLIC]);
});

test("the machine's own resolver is checked as well: localhost is refused unless allowed by name", async () => {
  await using receiver = await openReceiver(status(200));
  const options = {
    url: `http://localhost:${receiver.port}/`,
    plainHttp: true,
    secret: SECRET,
  };
  assert.equal((await failureOf(options)).code, "ADDRESS_REFUSED");
  assert.equal(receiver.received.length, 0);
  await deliver({ ...options, allow: ["localhost"] });
  assert.equal(receiver.received.length, 1);
});

test("a certificate is asked for and checked by the name, not by the address", async () => {
  await using receiver = await openReceiver(status(200), { secure: true });
  const options = { secret: SECRET, ca: CERTIFICATE, dialer: dialerTo([PUBLIC]) };
  await deliver({ ...options, url: `https://hooks.example:${receiver.port}/` });
  assert.equal(receiver.received[0]?.servername, "hooks.example");
  const wrongName = await failureOf({ ...options, url: `https://other.example:${receiver.port}/` });
  assert.equal(wrongName.code, "DEPENDENCY_DOWN");
  assert.match(wrongName.message, /certificate/i);
  const { ca: _, ...untrusting } = options;
  const untrusted = await failureOf({
    ...untrusting,
    url: `https://hooks.example:${receiver.port}/`,
  });
  assert.match(untrusted.message, /self-signed/);
  assert.equal(receiver.received.length, 1);
});

test("a receiver that takes no connection, does not answer or does not end is left in time", async () => {
  await using silent = await openReceiver(() => {});
  const answerTimeout = await failureOf(local(silent.port, { answerTimeout: "100ms" }));
  assert.match(answerTimeout.message, /did not answer within 100 ms/);

  const whole = await failureOf(local(silent.port, { timeout: "300ms" }));
  assert.match(whole.message, /was not done within 300 ms/);

  const never = { ...dialerTo([PUBLIC]), resolve: () => new Promise<string[]>(() => {}) };
  const options = { url: "https://partner.example/", secret: SECRET, dialer: never };
  const connectTimeout = await failureOf({ ...options, connectTimeout: "100ms" });
  assert.match(connectTimeout.message, /took no connection within 100 ms/);
  for (const error of [answerTimeout, whole, connectTimeout]) {
    assert.equal(error.code, "DEPENDENCY_DOWN");
  }
});

test("a body that drips for ever does not undo the status that was said", async () => {
  await using receiver = await openReceiver((_, response) => {
    response.writeHead(200);
    response.write("begun");
  });
  await deliver(local(receiver.port, { timeout: "500ms" }));
});

test("of a body without end no more than its beginning is read", async () => {
  let written = 0;
  const endless: Answerer = (_, response) => {
    response.writeHead(410);
    const chunk = Buffer.alloc(64 * 1024, "a");
    const write = (): void => {
      while (!response.destroyed && response.write(chunk)) written += chunk.length;
    };
    response.on("drain", write);
    write();
  };
  const error = await failureOfAnswer(endless);
  assert.equal(error.code, "BAD_MESSAGE");
  assert.ok(error.message.length < 700);
  assert.ok(written < 64 * 1024 * 1024, `${written} bytes were taken`);
});

test("a receiver that closes, speaks nonsense or switches protocols counts as down", async () => {
  const answers: string[] = [
    "",
    "SSH-2.0-OpenSSH\r\n",
    "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
  ];
  for (const text of answers) {
    const server = createServer((socket) => void socket.end(text));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port }: any = server.address();
    const error = await failureOf(local(port));
    assert.equal(error.code, "DEPENDENCY_DOWN", text);
    server.close();
  }
});

test("a stop ends a delivery at once, with the stop's own reason", async () => {
  const stop = new AbortController();
  await using receiver = await openReceiver(() => stop.abort(new MillraceError("CLOSED", "stops")));
  await assert.rejects(deliver(local(receiver.port), { signal: stop.signal }), (error) =>
    isMillraceError(error, "CLOSED"),
  );
});

test("failures show where it went and never the path, the headers or the secret", async () => {
  const headers = { authorization: "Bearer t0ken" };
  const errors = [
    await failureOfAnswer(status(500), { headers }),
    await failureOfAnswer(status(410), { headers }),
    await failureOfAnswer((_, response) => void response.destroy(), { headers }),
  ];
  for (const error of errors) {
    const shown = `${JSON.stringify(error)} ${error.stack}`;
    for (const hidden of ["t0p", "t0ken", SECRET.slice(6)]) assert.ok(!shown.includes(hidden));
  }
});

test("a proxy that the process's environment names is not used", async () => {
  await using receiver = await openReceiver(status(200));
  await using proxy = await openReceiver(status(500));
  const address = `http://127.0.0.1:${proxy.port}`;
  const program = `
    import { webhook } from ${JSON.stringify(new URL("../webhook-out.ts", import.meta.url).href)};
    import { createRealEnvironment } from ${JSON.stringify(new URL("../../../host/real-environment.ts", import.meta.url).href)};
    const { clock } = createRealEnvironment({});
    await webhook("p", ${JSON.stringify(local(receiver.port))}).deliver(
      ${JSON.stringify({ envelope: message.envelope, data: {} })},
      { idempotencyKey: "k", nowMs: 0, clock, signal: new AbortController().signal },
    );`;
  const env = { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: address, http_proxy: address, NO_PROXY: "" };
  await promisify(execFile)(
    process.execPath,
    ["--conditions=source", "--input-type=module", "--eval", program],
    { env },
  );
  assert.equal(receiver.received.length, 1);
  assert.equal(proxy.received.length, 0);
});
