/** What the components share: the stream they write and read, and the queue they work on. */

import type { RawMessage } from "../../../src/model/message.ts";
import type { Numbered } from "./keyed-sequences.ts";

export const LEDGER_STREAM = "ledger";
export const LEDGER_PARTITIONS = 4;
export const JOBS_QUEUE = "jobs";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A message whose text, which is also its id, says its key and its number. */
export function encodeNumbered({ key, sequence }: Numbered): RawMessage {
  const text = `${key}:${sequence}`;
  return { key, headers: [["ce_id", text]], value: encoder.encode(text) };
}

export function parseNumbered({ value }: RawMessage): Numbered {
  const [key = "", sequence = ""] = decoder.decode(value ?? new Uint8Array(0)).split(":");
  return { key, sequence: Number(sequence) };
}
