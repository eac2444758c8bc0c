/**
 * The signature scheme of Standard Webhooks (standardwebhooks.com), symmetric form.
 *
 * Signed is `ID.TIMESTAMP.BODY` with HMAC-SHA256; the header `webhook-signature` holds one `v1,BASE64`
 * per secret, separated by spaces, so that a secret can be changed while both are in use. The id is
 * the same on every try, the timestamp (seconds) is that of the try. A secret is written
 * `whsec_BASE64`, of 24 to 64 random bytes.
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { MillraceError } from "../../model/errors.ts";

const PREFIX = "whsec_";
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;

export type Secret = Uint8Array;

/** Throws BAD_DECLARATION, which never shows the text. */
export function parseSecret(text: unknown, what: string): Secret {
  const encoded = typeof text === "string" && text.startsWith(PREFIX) ? text.slice(6) : "";
  const bytes = Buffer.from(encoded, "base64");
  const exact = bytes.toString("base64").replaceAll("=", "") === encoded.replaceAll("=", "");
  if (exact && bytes.length >= SECRET_BYTES_MIN && bytes.length <= SECRET_BYTES_MAX) return bytes;
  throw new MillraceError(
    "BAD_DECLARATION",
    `a secret of ${what} is not of the form ${PREFIX}BASE64 with ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes; make one with: node -e "console.log('${PREFIX}' + crypto.randomBytes(32).toString('base64'))"`,
  );
}

export interface Signed {
  readonly id: string;
  readonly timestamp: string;
  readonly body: Uint8Array;
}

/** The value of `webhook-signature`. */
export function sign(secrets: readonly Secret[], signed: Signed): string {
  return secrets.map((secret) => `v1,${mac(secret, signed).toString("base64")}`).join(" ");
}

/** Whether one of the header's signatures is of one of the secrets. Takes the same time wherever they differ. */
export function isSigned(secrets: readonly Secret[], signed: Signed, header: string): boolean {
  const given = header
    .split(" ")
    .filter((entry) => entry.startsWith("v1,"))
    .slice(0, SIGNATURES_MAX)
    .map((entry) => Buffer.from(entry.slice(3), "base64"));
  return secrets.some((secret) => {
    const expected = mac(secret, signed);
    return given.some((each) => isSameBytes(each, expected));
  });
}

/** Signatures of one header that are looked at: more is no rotation but an attempt. */
const SIGNATURES_MAX = 8;

export function isSameBytes(given: Uint8Array, expected: Uint8Array): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/**
 * The id as it goes into `webhook-id`: itself where it can stand in a header and in the signed text
 * without being mistaken (a dot separates there), and otherwise a hash of it.
 */
export function webhookId(id: string): string {
  if (/^[\w:/-]{1,200}$/.test(id)) return id;
  return `sha256_${createHash("sha256").update(id).digest("hex")}`;
}

function mac(secret: Secret, { id, timestamp, body }: Signed): Buffer {
  return createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body).digest();
}
