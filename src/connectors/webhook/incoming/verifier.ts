/**
 * Who sent it, and when: signatures of incoming webhooks. Pure.
 *
 * - `standard`: Standard Webhooks. Id, time and body are signed.
 * - A header with a MAC of the body alone (GitHub's `x-hub-signature-256: sha256=HEX`). Nothing says
 *   when it was sent, and no id is signed, so the body itself is its id: a copy counts once.
 * - A header with a time and MACs (`t=SECONDS,v1=HEX,v1=HEX`, as Stripe sends). Time and body are signed.
 */

import { createHash, createHmac } from "node:crypto";
import { MillraceError } from "../../../model/errors.ts";
import { isSameBytes, isSigned, parseSecret, type Secret } from "../signature.ts";

export interface HeaderSignature {
  /** The name of the header. */
  readonly header: string;
  readonly algorithm?: "sha256" | "sha512";
  /** `hex` and `base64` are a MAC of the body; `timestamped` is `t=SECONDS,v1=HEX` over `SECONDS.BODY`. */
  readonly format: "hex" | "base64" | "timestamped";
  /** What stands before the MAC: `sha256=`. */
  readonly prefix?: string;
  /**
   * A header that has the delivery's id, where the sender gives one. It is not signed: whoever has
   * seen a delivery could send it once more under another id. Without it the signed content is the id.
   */
  readonly idHeader?: string;
}

export type Verification = "standard" | HeaderSignature;

/** As GitHub signs, and services that do as it does. */
export const GITHUB_SIGNATURE: HeaderSignature = {
  header: "x-hub-signature-256",
  format: "hex",
  prefix: "sha256=",
};

/** As Stripe signs. */
export const STRIPE_SIGNATURE: HeaderSignature = {
  header: "stripe-signature",
  format: "timestamped",
};

export interface Delivered {
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly nowMs: number;
}

/** `id` tells a delivery from others; a repeat of it has the same. */
export type Verified =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly why: string };

export type Verifier = (delivered: Delivered) => Verified;

const SECRET_CHARS_MIN = 16;
const SIGNATURES_MAX = 8;
const ID_CHARS_MAX = 256;
const TIMESTAMP = /^\d{1,12}$/;

/** Throws BAD_DECLARATION, never showing a secret. */
export function createVerifier(
  what: string,
  options: {
    readonly verify: Verification;
    readonly secrets: readonly string[];
    readonly toleranceMs: number;
  },
): Verifier {
  const { verify, secrets, toleranceMs } = options;
  if (verify === "standard") {
    return standard(
      secrets.map((text) => parseSecret(text, what)),
      toleranceMs,
    );
  }
  const { format, header } = verify;
  if (typeof header !== "string" || !["hex", "base64", "timestamped"].includes(format)) {
    throw new MillraceError(
      "BAD_DECLARATION",
      `verify of ${what} is neither "standard" nor a header and its format "hex", "base64" or "timestamped"`,
    );
  }
  const keys = secrets.map((text) => {
    if (typeof text === "string" && text.length >= SECRET_CHARS_MIN) return Buffer.from(text);
    throw new MillraceError(
      "BAD_DECLARATION",
      `a secret of ${what} is missing, or shorter than ${SECRET_CHARS_MIN} characters; agree on a longer one with the sender`,
    );
  });
  return format === "timestamped"
    ? timestamped(verify, keys, toleranceMs)
    : ofBody(verify, keys, format);
}

function standard(secrets: readonly Secret[], toleranceMs: number): Verifier {
  return ({ headers, body, nowMs }) => {
    const id = headers.get("webhook-id") ?? "";
    const timestamp = headers.get("webhook-timestamp") ?? "";
    const signature = headers.get("webhook-signature") ?? "";
    if (id === "" || id.length > ID_CHARS_MAX || !TIMESTAMP.test(timestamp) || signature === "") {
      return unsigned("webhook-id, webhook-timestamp or webhook-signature is missing or malformed");
    }
    if (!isSigned(secrets, { id, timestamp, body }, signature)) return WRONG;
    return isRecent(timestamp, nowMs, toleranceMs) ? { ok: true, id } : OLD;
  };
}

function timestamped(
  { header, algorithm = "sha256", idHeader }: HeaderSignature,
  keys: readonly Secret[],
  toleranceMs: number,
): Verifier {
  return ({ headers, body, nowMs }) => {
    const fields = (headers.get(header) ?? "").split(",").map((field) => field.trim());
    const timestamp = fields.find((field) => field.startsWith("t="))?.slice(2) ?? "";
    const macs = fields
      .filter((field) => field.startsWith("v1="))
      .slice(0, SIGNATURES_MAX)
      .map((field) => Buffer.from(field.slice(3), "hex"));
    if (!TIMESTAMP.test(timestamp) || macs.length === 0) {
      return unsigned(`${header} is missing or not of the form t=SECONDS,v1=HEX`);
    }
    const signed = Buffer.concat([Buffer.from(`${timestamp}.`), body]);
    if (!isOneOf(macs, macsOf(keys, algorithm, signed))) return WRONG;
    if (!isRecent(timestamp, nowMs, toleranceMs)) return OLD;
    return { ok: true, id: idOf(headers, idHeader, body) };
  };
}

function ofBody(
  { header, algorithm = "sha256", prefix = "", idHeader }: HeaderSignature,
  keys: readonly Secret[],
  format: "hex" | "base64",
): Verifier {
  return ({ headers, body }) => {
    const text = headers.get(header) ?? "";
    if (text === "" || !text.startsWith(prefix)) {
      return unsigned(
        `${header} is missing${prefix === "" ? "" : ` or does not begin with ${prefix}`}`,
      );
    }
    const mac = Buffer.from(text.slice(prefix.length), format);
    if (!isOneOf([mac], macsOf(keys, algorithm, body))) return WRONG;
    return { ok: true, id: idOf(headers, idHeader, body) };
  };
}

function macsOf(keys: readonly Secret[], algorithm: string, signed: Uint8Array): readonly Buffer[] {
  return keys.map((key) => createHmac(algorithm, key).update(signed).digest());
}

function isOneOf(given: readonly Uint8Array[], expected: readonly Uint8Array[]): boolean {
  return given.some((mac) => expected.some((each) => isSameBytes(mac, each)));
}

/** Also not from the future: a signature must not be usable for longer than it seems. */
function isRecent(timestamp: string, nowMs: number, toleranceMs: number): boolean {
  return Math.abs(nowMs - Number(timestamp) * 1000) <= toleranceMs;
}

function idOf(headers: Headers, idHeader: string | undefined, body: Uint8Array): string {
  const given = idHeader === undefined ? null : headers.get(idHeader);
  if (given !== null && given !== "" && given.length <= ID_CHARS_MAX) return given;
  return `sha256_${createHash("sha256").update(body).digest("hex")}`;
}

const WRONG: Verified = { ok: false, why: "the signature is not of this body and a known secret" };
const OLD: Verified = {
  ok: false,
  why: "the delivery was signed too long ago, or by a clock that goes wrong; sign it anew",
};

function unsigned(why: string): Verified {
  return { ok: false, why };
}
