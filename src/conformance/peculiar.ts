/** Messages and names at the edges of what is allowed, and beyond. */

import { LIMITS } from "../model/limits.ts";
import type { Header, RawMessage } from "../model/message.ts";
import { binary, message } from "./messages.ts";

/** Every form that a key, a header and a value can take. */
export function peculiarMessages(): RawMessage[] {
  const headers: readonly Header[] = [
    ["twice", "first"],
    ["other", ""],
    ["twice", "second"],
    ["binary", binary],
    ["almost-text", Uint8Array.of(0x61, 0xff)],
    ["zero", "\u0000"],
    ["größe", "😀 — ß"],
    ["", "nameless"],
  ];
  return [
    message("all headers", { key: "k", headers }),
    message("keyless"),
    message("empty key", { key: "" }),
    message("unicode key", { key: "schlüssel-😀" }),
    message("binary key", { key: Uint8Array.of(0xff, 0x00, 0xfe) }),
    { key: "k", headers: [], value: null },
    { key: "k", headers: [["only", "header"]], value: new Uint8Array(0) },
    { key: null, headers: [], value: binary },
    { key: null, headers: [], value: Uint8Array.of(0) },
    { key: "z".repeat(LIMITS.keyBytesMax), headers: manyHeaders(LIMITS.headersMax), value: binary },
  ];
}

function manyHeaders(count: number): Header[] {
  return Array.from({ length: count }, (_, index): Header => [`h${index}`, `${index}`]);
}

/** One message for each limit, just above it. */
export const OVERSIZE: readonly (readonly [what: string, message: RawMessage])[] = [
  ["value", { key: null, headers: [], value: new Uint8Array(LIMITS.messageBytesMax + 1) }],
  ["key and value", { key: "key", headers: [], value: new Uint8Array(LIMITS.messageBytesMax - 2) }],
  ["key", message("m", { key: "k".repeat(LIMITS.keyBytesMax + 1) })],
  ["key of long letters", message("m", { key: "ü".repeat(LIMITS.keyBytesMax / 2 + 1) })],
  ["headers in number", message("m", { headers: manyHeaders(LIMITS.headersMax + 1) })],
  ["headers in size", message("m", { headers: [["h", "x".repeat(LIMITS.headerBytesMax)]] })],
];

export const BAD_NAMES: readonly string[] = [
  "",
  ".",
  "..",
  "a/b",
  "a b",
  "../up",
  "ä",
  "a\u0000",
  "n".repeat(LIMITS.nameLengthMax + 1),
];
