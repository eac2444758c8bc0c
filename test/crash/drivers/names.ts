/** What the components share: the stream they write and read, and the queue they work on. */

import type { RawMessage } from "../../../src/model/message.ts";

export const LEDGER_STREAM = "ledger";
export const LEDGER_PARTITIONS = 4;
export const JOBS_QUEUE = "jobs";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The `sequence`th message of its key; its text, which is also its id, says both. */
export function numbered(key: string, sequence: number): RawMessage {
  const text = `${key}:${sequence}`;
  return { key, headers: [["ce_id", text]], value: encoder.encode(text) };
}

export function parseNumbered({ value }: RawMessage): {
  readonly key: string;
  readonly sequence: number;
} {
  const [key = "", sequence = ""] = decoder.decode(value ?? new Uint8Array(0)).split(":");
  return { key, sequence: Number(sequence) };
}
