import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import { parseClientFinal, parseClientFirst, proves, serverFinal, serverFirst } from "./scram.ts";

// The example of RFC 7677, section 3: user "user", password "pencil".
const CLIENT_FIRST = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SALT = "W22ZaJ0SNY7soEsUEjb6gQ==";
const SERVER_FIRST = `r=${NONCE},s=${SALT},i=4096`;
const PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

function credentials(password: string) {
  const salt = Buffer.from(SALT, "base64");
  const salted = pbkdf2Sync(password, salt, 4096, 32, "sha256");
  const key = (what: string): Buffer => createHmac("sha256", salted).update(what).digest();
  const storedKey = createHash("sha256").update(key("Client Key")).digest();
  return { salt, iterations: 4096, storedKey, serverKey: key("Server Key") };
}

test("the exchange of RFC 7677 is understood and answered as it stands there", () => {
  const first = parseClientFirst(CLIENT_FIRST)!;
  assert.deepEqual([first.user, first.gs2Header], ["user", "n,,"]);
  assert.equal(serverFirst(NONCE, credentials("pencil")), SERVER_FIRST);
  const final = parseClientFinal(`c=biws,r=${NONCE},p=${PROOF}`)!;
  assert.deepEqual([final.nonce, final.channelBinding], [NONCE, "n,,"]);
  const message = `${first.bare},${SERVER_FIRST},${final.withoutProof}`;
  assert.ok(proves("SCRAM-SHA-256", credentials("pencil"), final.proof, message));
  assert.equal(serverFinal("SCRAM-SHA-256", credentials("pencil"), message), SERVER_FINAL);
  assert.ok(!proves("SCRAM-SHA-256", credentials("pencils"), final.proof, message));
  assert.ok(!proves("SCRAM-SHA-256", credentials("pencil"), final.proof, `${message} `));
  assert.ok(!proves("SCRAM-SHA-512", credentials("pencil"), final.proof, message));
  assert.ok(!proves("SCRAM-SHA-256", credentials("pencil"), final.proof.subarray(1), message));
});

test("a first message that is none, or wants what is not offered, is refused", () => {
  const refused = [
    "",
    "n,,n=user",
    "n,,r=abc,n=user",
    "p=tls-unique,,n=user,r=abc",
    "n,a=other,n=user,r=abc",
    "n,,n=us=er,r=abc",
    "n,,n=user,r=",
    "n,,n=user,r=a b",
    "n,,m=ext,n=user,r=abc",
    "n,,n=user,r=abc,tokenauth=true",
    `n,,n=${"u".repeat(300)},r=abc`,
  ];
  for (const text of refused) assert.equal(parseClientFirst(text), undefined, text);
  assert.equal(parseClientFirst("y,a=a=2Cb,n=a=2Cb,r=abc,x=1")?.user, "a,b");
  assert.equal(parseClientFirst("n,,n=a=3D,r=abc")?.user, "a=");
  for (const text of ["", "c=biws,r=abc", "c=biws,p=AA==", "r=abc,c=biws,p=AA=="]) {
    assert.equal(parseClientFinal(text), undefined, text);
  }
});
