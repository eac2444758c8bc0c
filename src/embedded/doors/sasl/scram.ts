/**
 * The server's side of SCRAM (RFC 5802, RFC 7677): its messages and its arithmetic, without state.
 *
 *     client first   n,,n=USER,r=CNONCE
 *     server first   r=CNONCE SNONCE,s=SALT,i=ITERATIONS
 *     client final   c=biws,r=CNONCE SNONCE,p=PROOF
 *     server final   v=SIGNATURE
 *
 * The proof is `ClientKey XOR HMAC(StoredKey, AuthMessage)` with `StoredKey = H(ClientKey)`: whoever
 * made it knows the password, and whoever reads it, or what is kept here, cannot make another. There is
 * no channel binding: a client that insists on it is refused, and so is one that would act as somebody
 * else.
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { ScramCredentials, ScramMechanism } from "../../../broker/sign-in.ts";

/** Printable, no comma: what a nonce may have. */
const NONCE = /^[!-+\--~]{1,256}$/;
const USER_CHARACTERS_MAX = 256;

export const HASHES: Readonly<Record<ScramMechanism, "sha256" | "sha512">> = {
  "SCRAM-SHA-256": "sha256",
  "SCRAM-SHA-512": "sha512",
};

export interface ClientFirst {
  readonly user: string;
  readonly nonce: string;
  /** Comes back in the client's last message, so that nobody has changed it on the way. */
  readonly gs2Header: string;
  readonly bare: string;
}

/** Undefined for what is none, or asks for what is not offered. */
export function parseClientFirst(text: string): ClientFirst | undefined {
  const match = /^((?:n|y),(?:a=([^,]*))?,)(n=([^,]+),r=([^,]+)(?:,.*)?)$/s.exec(text);
  if (match === null) return undefined;
  const [, gs2Header = "", as, bare = "", name = "", nonce = ""] = match;
  const user = unescaped(name);
  if (user === undefined || user.length > USER_CHARACTERS_MAX || !NONCE.test(nonce)) {
    return undefined;
  }
  if (as !== undefined && unescaped(as) !== user) return undefined;
  // Of extensions one is known: a client that signs in by a delegation token, of which there are none.
  if (/,tokenauth=true(?:,|$)/.test(bare)) return undefined;
  return { user, nonce, gs2Header, bare };
}

export interface ClientFinal {
  readonly channelBinding: string;
  readonly nonce: string;
  readonly proof: Buffer;
  readonly withoutProof: string;
}

export function parseClientFinal(text: string): ClientFinal | undefined {
  const match = /^(c=([^,]+),r=([^,]+)(?:,.*)?),p=([A-Za-z0-9+/=]+)$/s.exec(text);
  if (match === null) return undefined;
  const [, withoutProof = "", binding = "", nonce = "", proof = ""] = match;
  return {
    channelBinding: Buffer.from(binding, "base64").toString("latin1"),
    nonce,
    proof: Buffer.from(proof, "base64"),
    withoutProof,
  };
}

export function serverFirst(nonce: string, { salt, iterations }: ScramCredentials): string {
  return `r=${nonce},s=${Buffer.from(salt).toString("base64")},i=${iterations}`;
}

/** Takes as long for a proof that is wrong as for one that is right. */
export function proves(
  mechanism: ScramMechanism,
  { storedKey }: ScramCredentials,
  proof: Buffer,
  authMessage: string,
): boolean {
  const hash = HASHES[mechanism];
  const signature = createHmac(hash, storedKey).update(authMessage).digest();
  if (proof.length !== signature.length || storedKey.length !== signature.length) return false;
  const clientKey = Buffer.from(signature.map((byte, index) => byte ^ proof[index]!));
  return timingSafeEqual(createHash(hash).update(clientKey).digest(), storedKey);
}

export function serverFinal(
  mechanism: ScramMechanism,
  { serverKey }: ScramCredentials,
  authMessage: string,
): string {
  return `v=${createHmac(HASHES[mechanism], serverKey).update(authMessage).digest("base64")}`;
}

/** `=2C` is a comma and `=3D` an equals sign; undefined for any other `=`. */
function unescaped(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}
