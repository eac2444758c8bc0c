import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../model/errors.ts";
import { createSeededRandom } from "../model/ids.ts";
import { createGate } from "./gate.ts";
import { isLoopbackName } from "./loopback-name.ts";
import { createToken } from "./token.ts";

const TOKEN = "a-secret-of-some-length";
const gate = createGate({ token: TOKEN });

test("a request under a loopback name, with or without a port, is let in", () => {
  for (const host of ["localhost", "LOCALHOST:80", "127.0.0.1:4222", "127.9.9.9", "[::1]:1"]) {
    gate.checkAddress({ host, origin: undefined, token: undefined });
    gate.checkAddress({ host, origin: `http://${host}`, token: undefined });
  }
});

test("a forged, missing or malformed Host is refused", () => {
  const forged = [
    undefined,
    "",
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.256",
    "localhost@evil.example",
    "localhost:80:80",
    "0.0.0.0",
    "local host",
  ];
  for (const host of forged) {
    assert.throws(
      () => gate.checkAddress({ host, origin: undefined, token: TOKEN }),
      (error) => isMillraceError(error, "NOT_ALLOWED") && error.message.includes("localhost"),
      String(host),
    );
  }
});

test("a page of another origin is refused, also of another port and of no origin", () => {
  for (const origin of [
    "https://evil.example",
    "http://localhost:1",
    "https://localhost:80",
    "null",
  ]) {
    assert.throws(
      () => gate.checkAddress({ host: "localhost:80", origin, token: TOKEN }),
      (error) => isMillraceError(error, "NOT_ALLOWED") && error.details["check"] === "origin",
      origin,
    );
  }
});

test("the token alone opens, and the text never repeats it", async () => {
  const presented = { host: "localhost", origin: undefined };
  await gate.admit({ ...presented, token: TOKEN });
  for (const token of [undefined, "", TOKEN.toUpperCase(), `${TOKEN}2`, TOKEN.slice(0, -1)]) {
    await assert.rejects(
      gate.admit({ ...presented, token }),
      (error) =>
        isMillraceError(error, "NOT_ALLOWED") &&
        /Authorization: Bearer/.test(error.message) &&
        !error.message.includes(TOKEN),
    );
  }
});

test("each start has another token, fit to stand in an address", () => {
  const random = createSeededRandom(1);
  const tokens = [createToken(random), createToken(random)];
  assert.notEqual(tokens[0], tokens[1]);
  for (const token of tokens) assert.match(token, /^[A-Za-z0-9_-]{32}$/);
});

test("only addresses of this machine count as loopback", () => {
  assert.deepEqual(
    ["127.0.0.1", "localhost", "::1", "0.0.0.0", "::", "192.168.0.1", "example.org"].map(
      isLoopbackName,
    ),
    [true, true, true, false, false, false, false],
  );
});

test("a principal without a name, or with roles that are no list, is let in by nobody", async () => {
  const answers: readonly any[] = [
    {},
    { name: "" },
    { name: 5 },
    { name: "eve", roles: "administrator" },
    { name: "eve", roles: [["admin"]] },
    { name: "eve", roles: { admin: true } },
    null,
  ];
  for (const answer of answers) {
    // A hook as JavaScript writes it, from the claims of a token.
    const hooked = createGate({ token: TOKEN, signIn: async () => answer });
    await assert.rejects(
      hooked.admit({ host: "localhost", origin: undefined, token: "hers" }),
      TypeError,
      JSON.stringify(answer),
    );
  }
  const ann = { name: "ann", roles: ["clerk"] };
  const known = createGate({ token: TOKEN, signIn: async () => ann });
  assert.equal(await known.admit({ host: "localhost", origin: undefined, token: "hers" }), ann);
});
