/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import type { SignIn } from "../../broker/sign-in.ts";
import { openAmqpStage, type AmqpStage } from "./amqp-stage.test.ts";
import { SASL_HEADER, SASL_INIT, SASL_OUTCOME } from "./protocol/frame-guard.ts";
import { binaryValue, describedValue, listValue, symbolValue } from "./protocol/value-writer.ts";

const SALT = Buffer.from("0123456789abcdef");
const ITERATIONS = 4_096;

const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
const salted = (password: string): Buffer => pbkdf2Sync(password, SALT, ITERATIONS, 32, "sha256");

const known = (user: string): boolean => user === "ann";
const signIn: SignIn = Object.assign(async () => undefined, {
  credentialsOf: async (user: string) => {
    if (!known(user)) return undefined;
    const clientKey = hmac(salted("pencil"), "Client Key");
    return {
      salt: SALT,
      iterations: ITERATIONS,
      storedKey: createHash("sha256").update(clientKey).digest(),
      serverKey: hmac(salted("pencil"), "Server Key"),
    };
  },
});

type Say = (error: unknown, token: string) => void;

/** A client's side of SCRAM-SHA-256 (RFC 5802), for rhea, which has none. */
function scramClient(
  user: string,
  password: string,
): { readonly proved: () => boolean; readonly mechanisms: object } {
  const first = `n=${user},r=nonce`;
  let message = "";
  let proved = false;
  const mechanism = {
    start: (say: Say) => say(undefined, `n,,${first}`),
    step: (challenge: Buffer, say: Say) => {
      const text = challenge.toString();
      if (text.startsWith("v=")) {
        const signature = hmac(hmac(salted(password), "Server Key"), message).toString("base64");
        proved = text === `v=${signature}`;
        return say(undefined, "");
      }
      const [nonce = ""] = text.split(",");
      const final = `c=biws,${nonce}`;
      message = `${first},${text},${final}`;
      const key = hmac(salted(password), "Client Key");
      const signature = hmac(createHash("sha256").update(key).digest(), message);
      const proof = Buffer.from(key.map((byte, index) => byte ^ signature[index]!));
      return say(undefined, `${final},p=${proof.toString("base64")}`);
    },
  };
  return { proved: () => proved, mechanisms: { "SCRAM-SHA-256": () => mechanism } };
}

async function refusedLater(stage: AmqpStage, failing: Promise<unknown>): Promise<void> {
  const refusal = assert.rejects(failing, /authenticate/).then(() => true);
  const turn = (): Promise<boolean> => new Promise((resolve) => setImmediate(resolve, false));
  // The answer to a failure waits a moment.
  do await stage.environment.clock.advance(1_000);
  while (!(await Promise.race([refusal, turn()])));
}

test("a client signs in by SCRAM, and is shown that the server knows its password, too", async () => {
  const resources = { kind: "queue", name: "orders" } as const;
  await using stage = await openAmqpStage({
    signIn,
    rules: [{ principal: "ann", actions: ["write", "create"], resources }],
  });
  const { proved, mechanisms } = scramClient("ann", "pencil");
  const client = await stage.connect({ mechanisms });
  assert.ok(proved());
  assert.equal(await (await client.sender("orders")).send({ body: 1 }), "accepted");
  await assert.rejects(client.sender("others"), { condition: "amqp:unauthorized-access" });
  for (const [user, password] of [
    ["ann", "pencils"],
    ["bob", "pencil"],
  ] as const) {
    const wrong = scramClient(user, password);
    await refusedLater(stage, stage.connect({ mechanisms: wrong.mechanisms }));
    assert.ok(!wrong.proved());
  }
});

test("a mechanism that is not offered lets nobody in", async () => {
  await using stage = await openAmqpStage({ signIn });
  for (const name of ["ANONYMOUS", "EXTERNAL", "constructor", "__proto__"]) {
    const socket = connect(stage.port, "127.0.0.1");
    const fields = listValue([symbolValue(name), binaryValue(Buffer.from("ann"))]);
    const init = describedValue(SASL_INIT, fields);
    const head = Buffer.of(0, 0, 0, 8 + init.length, 2, 1, 0, 0);
    socket.write(Buffer.concat([SASL_HEADER, head, init]));
    let answer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])));
    await once(socket, "end");
    const outcome = answer.subarray(answer.lastIndexOf(Buffer.of(0x00, 0x53, SASL_OUTCOME)));
    // One field, the code 1: the credentials were refused.
    assert.deepEqual([...outcome.subarray(-2)], [0x50, 1], name);
    socket.destroy();
  }
});
