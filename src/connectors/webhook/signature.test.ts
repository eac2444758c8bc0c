import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { isSigned, parseSecret, sign, webhookId } from "./signature.ts";

const KEY = Buffer.from("0123456789abcdefghijklmnopqrstuv");
const SECRET = `whsec_${KEY.toString("base64")}`;
const signed = {
  id: "msg_1",
  timestamp: "1767225600",
  body: new TextEncoder().encode('{"total":5}'),
};

test("a signature is the HMAC-SHA256 of id, timestamp and body, one for each secret", () => {
  const other = Buffer.alloc(24, 7);
  const expected = [KEY, other].map((key) =>
    createHmac("sha256", key).update('msg_1.1767225600.{"total":5}').digest("base64"),
  );
  const secrets = [SECRET, `whsec_${other.toString("base64")}`].map((text) =>
    parseSecret(text, "it"),
  );
  assert.equal(sign(secrets, signed), `v1,${expected[0]} v1,${expected[1]}`);
});

test("a signature proves id, timestamp and body, and is taken from any place of the header", () => {
  const secrets = [parseSecret(SECRET, "it")];
  const header = sign(secrets, signed);
  assert.equal(isSigned(secrets, signed, header), true);
  assert.equal(isSigned(secrets, signed, `v1a,xxxx v1,AAAA ${header}`), true);
  const forged = [
    { ...signed, id: "msg_2" },
    { ...signed, timestamp: "1767225601" },
    { ...signed, body: new TextEncoder().encode('{"total":6}') },
  ];
  for (const each of forged) assert.equal(isSigned(secrets, each, header), false);
  for (const bad of ["", "v1,", "v1", header.slice(3), `v2,${header.slice(3)}`]) {
    assert.equal(isSigned(secrets, signed, bad), false, bad);
  }
  assert.equal(isSigned([parseSecret(`whsec_${"A".repeat(32)}`, "it")], signed, header), false);
});

test("a secret that is too short, too long or badly written is refused without being shown", () => {
  for (const text of [
    "hunter2hunter2",
    "whsec_aHVudGVyMg==",
    `whsec_${"A".repeat(96)}`,
    "whsec_~",
    undefined,
  ]) {
    assert.throws(
      () => parseSecret(text, 'webhook "partner"'),
      (error: Error) =>
        error.message.includes('webhook "partner"') &&
        !error.message.includes("hunter") &&
        !error.message.includes("aHVudGVy"),
    );
  }
});

test("an id that could be mistaken in the signed text is replaced by its hash, always the same", () => {
  assert.equal(webhookId("0199-7ab"), "0199-7ab");
  const dotted = webhookId("a.b");
  assert.match(dotted, /^sha256_[0-9a-f]{64}$/);
  assert.equal(webhookId("a.b"), dotted);
  for (const id of ["a\r\nx: y", "ü", "a b", "x".repeat(300)])
    assert.match(webhookId(id), /^sha256_/);
});
