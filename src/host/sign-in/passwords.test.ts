import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isMillraceError } from "../../model/errors.ts";
import { passwords, scramCredentials, type PasswordUsers } from "./passwords.ts";

const plain = (user?: string, password?: string) => ({
  door: "kafka" as const,
  ...(user !== undefined && { user }),
  ...(password !== undefined && { password }),
});

test("who is named comes in with the right password alone, and with the roles of the table", async () => {
  const signIn = passwords({
    users: { ann: { password: "pencil", roles: ["ops"] }, ben: { password: "x" } },
  });
  assert.deepEqual(await signIn(plain("ann", "pencil")), { name: "ann", roles: ["ops"] });
  assert.deepEqual(await signIn(plain("ben", "x")), { name: "ben" });
  for (const facts of [
    plain("ann", "pencils"),
    plain("ann", ""),
    plain("cyd", "pencil"),
    plain("__proto__", "pencil"),
    plain("ann"),
    plain(),
  ]) {
    assert.equal(await signIn(facts), undefined, JSON.stringify(facts));
  }
});

test("a file holds what is kept of passwords, and lets in by it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-passwords-"));
  try {
    const file = join(directory, "users.json");
    const credentials = await scramCredentials("pencil", { iterations: 5_000 });
    const written = JSON.stringify({ ann: { credentials, roles: ["ops"] } });
    assert.doesNotMatch(written, /pencil/);
    writeFileSync(file, written);
    const signIn = passwords({ users: file });
    assert.deepEqual(await signIn(plain("ann", "pencil")), { name: "ann", roles: ["ops"] });
    assert.equal(await signIn(plain("ann", "pen")), undefined);
    const kept = await signIn.credentialsOf!("ann", "SCRAM-SHA-512");
    assert.deepEqual([kept?.iterations, kept?.storedKey.length], [5_000, 64]);
    assert.equal(await signIn.credentialsOf!("ben", "SCRAM-SHA-512"), undefined);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a user without a password, and a file that is none, are refused without a secret", () => {
  const refusal = (users: unknown): string => {
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what no compiler has checked
      passwords({ users: users as PasswordUsers });
    } catch (error) {
      assert.ok(isMillraceError(error, "BAD_CONFIG"), String(error));
      return error.message;
    }
    return "nothing";
  };
  assert.match(refusal({ ann: { password: undefined } }), /users\.ann needs a password .*variable/);
  assert.match(refusal({ ann: { pasword: "hunter2" } }), /did you mean users\.ann\.password/);
  assert.match(refusal("/no/such/file"), /cannot be read/);
  const key = { salt: "AA==", iterations: 4096, storedKey: "aHVudGVyMg==", serverKey: "AA==" };
  const short = { "SCRAM-SHA-256": key, "SCRAM-SHA-512": key };
  assert.match(refusal({ ann: { credentials: short } }), /SCRAM-SHA-256\.storedKey is no key/);
  assert.doesNotMatch(refusal({ ann: { credentials: short } }), /aHVudGVyMg/);
});
