/** The configuration of `docs/security.md`, started, with clients that sign in over TLS. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { loadConfig } from "../src/host/config.ts";
import { embedded } from "../src/embedded/embedded.ts";
import { text, wireBytes } from "../src/embedded/log/log-stage.test.ts";
import { createTestEnvironment } from "../src/testing/environment.ts";
import { Client } from "./hostile/client.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-security-"));
const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
test.after(() => rmSync(folder, { recursive: true }));

const PASSWORDS = { SHOP_PASSWORD: "pencil, and paper", REPORTS_PASSWORD: "eraser" };
const TOPIC = "shop.orders";

async function openExample() {
  const made = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  const named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...made, ...files, ...named], { stdio: "ignore" });
  Object.assign(process.env, PASSWORDS);
  const { config } = await loadConfig("examples/secured/millrace.config.ts");
  assert.ok(config.kafka !== undefined && config.kafka !== false);
  const factory = embedded({ directory: join(folder, "data"), freeBytesMin: 0 });
  return factory.open(createTestEnvironment(), {
    signIn: config.signIn!,
    rules: config.rules!,
    kafka: {
      ...config.kafka,
      port: 0,
      host: "127.0.0.1",
      tls: { key, cert: readFileSync(cert, "utf8") },
    },
  });
}

async function openClient(port: number): Promise<Client> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    ca: readFileSync(cert),
    servername: "localhost",
  });
  await once(socket, "secureConnect");
  return new Client(socket);
}

/** The error code of the sign-in. */
async function signIn(client: Client, mechanism: string, user: string, password: string) {
  const { errorCode } = await client.ask("SaslHandshake", { mechanism });
  assert.equal(errorCode, 0);
  if (mechanism === "PLAIN") {
    const authBytes = Buffer.from(`\0${user}\0${password}`);
    return (await client.ask("SaslAuthenticate", { authBytes })).errorCode;
  }
  const hash = mechanism === "SCRAM-SHA-256" ? "sha256" : "sha512";
  const hmac = (with_: Buffer, what: string): Buffer =>
    createHmac(hash, with_).update(what).digest();
  const bare = `n=${user},r=abcdefgh`;
  const challenge = await client.ask("SaslAuthenticate", { authBytes: Buffer.from(`n,,${bare}`) });
  const first = challenge.authBytes.toString();
  const [, nonce = "", salt = "", iterations = ""] = /^r=(.+),s=(.+),i=(\d+)$/.exec(first)!;
  assert.match(nonce, /^abcdefgh.{10,}/);
  const bytes = hash === "sha256" ? 32 : 64;
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(iterations), bytes, hash);
  const clientKey = hmac(salted, "Client Key");
  const message = `${bare},${first},c=biws,r=${nonce}`;
  const signature = hmac(createHash(hash).update(clientKey).digest(), message);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString("base64");
  const last = await client.ask("SaslAuthenticate", {
    authBytes: Buffer.from(`c=biws,r=${nonce},p=${proof}`),
  });
  if (last.errorCode === 0) {
    const wanted = `v=${hmac(hmac(salted, "Server Key"), message).toString("base64")}`;
    assert.equal(last.authBytes.toString(), wanted);
  }
  return last.errorCode;
}

async function produced(client: Client, name: string): Promise<number | undefined> {
  const records = wireBytes([text("order")]);
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.ask("Produce", { acks: -1, timeoutMs: 5_000, topicData }, 9);
  return responses[0]?.partitionResponses[0]?.errorCode;
}

test("clients sign in over TLS by each mechanism, may do what the rules say, and nobody else comes in", async () => {
  await using broker = await openExample();
  const [address] = broker.addresses!;
  assert.equal(address!.host, "broker.example.org");
  const { port } = address!;
  const open: Client[] = [];
  const client = async (): Promise<Client> => {
    open.push(await openClient(port));
    return open.at(-1)!;
  };
  for (const mechanism of ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]) {
    const shop = await client();
    assert.equal(await signIn(shop, mechanism, "shop", PASSWORDS.SHOP_PASSWORD), 0, mechanism);
    const created = await shop.ask(
      "Metadata",
      { topics: [{ name: TOPIC }], allowAutoTopicCreation: true },
      9,
    );
    assert.deepEqual(
      created.topics.map(({ errorCode }) => errorCode),
      [0],
    );
    assert.equal(await produced(shop, TOPIC), 0);
    const foreign = await shop.ask("Metadata", { topics: [{ name: "bank" }] }, 9);
    assert.deepEqual(
      foreign.topics.map(({ errorCode }) => errorCode),
      [29],
    );
    // Who is in does not sign in again.
    assert.equal((await shop.ask("SaslHandshake", { mechanism })).errorCode, 34);
  }
  const reader = await client();
  assert.equal(await signIn(reader, "SCRAM-SHA-256", "reports", PASSWORDS.REPORTS_PASSWORD), 0);
  assert.equal(await produced(reader, TOPIC), 29);
  const seen = await reader.ask("Metadata", { topics: null }, 9);
  assert.deepEqual(
    seen.topics.map(({ name }) => name),
    [TOPIC],
  );

  const unsigned = await client();
  await assert.rejects(unsigned.ask("Metadata", { topics: null }), /hung up/);
  const odd = await client();
  const { errorCode, mechanisms } = await odd.ask("SaslHandshake", { mechanism: "GSSAPI" });
  assert.deepEqual([errorCode, mechanisms.length], [33, 3]);
  for (const { socket } of open) socket.destroy();
});
