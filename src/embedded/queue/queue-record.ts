/**
 * The records of a queue's log, as `docs/formats/queue.md` explains them. If you change one, change
 * the page.
 *
 * Each record's first header is named `q` and is ours; its value begins with one letter, the kind.
 * Everything after it belongs to the message, so no message can be mistaken for anything else.
 */

import { MillraceError } from "../../model/errors.ts";
import type { Header, RawMessage } from "../../model/message.ts";
import type { QueueOps } from "../../broker/in-process/queue/queue-journal.ts";
import type { LogRecord } from "../log/open-log.ts";
import type { CheckpointPart } from "./checkpoint.ts";

export type QueueRecord =
  /** A message was sent; its sequence is the record's offset. */
  | { readonly kind: "message"; readonly message: RawMessage; readonly readyMs: number }
  /** A message was copied forward: its contents now stand here. */
  | {
      readonly kind: "copy";
      readonly message: RawMessage;
      readonly sequence: number;
      readonly sentMs: number;
    }
  | { readonly kind: "ops"; readonly ops: QueueOps }
  | { readonly kind: "checkpoint"; readonly part: CheckpointPart };

const HEADER = "q";
const MESSAGE = "m";
const COPY = "c";
const OPS = "o";
const CHECKPOINT = "k";

const PLAIN_MESSAGE: Header = [HEADER, MESSAGE];
const OPS_HEADERS: readonly Header[] = [[HEADER, OPS]];
const CHECKPOINT_HEADERS: readonly Header[] = [[HEADER, CHECKPOINT]];

/** Messages that one record of operations names at most; fewer where each brings its cause. */
const OPS_COUNT_MAX = 5_000;
const DEAD_COUNT_MAX = 200;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function messageRecord({ key, headers, value }: RawMessage, readyMs: number): RawMessage {
  const first: Header = readyMs === 0 ? PLAIN_MESSAGE : [HEADER, `${MESSAGE}${readyMs}`];
  return { key, headers: headers.length === 0 ? [first] : [first, ...headers], value };
}

export function copyRecord(
  { key, headers, value }: RawMessage,
  { sequence, sentMs }: { readonly sequence: number; readonly sentMs: number },
): RawMessage {
  return { key, headers: [[HEADER, `${COPY}${sequence},${sentMs}`], ...headers], value };
}

/** The operations as records of bounded size, in an order that gives the same state. */
export function opsRecords(ops: QueueOps): RawMessage[] {
  const records: RawMessage[] = [];
  for (const [kind, list] of Object.entries(ops)) {
    const countMax = kind === "dead" ? DEAD_COUNT_MAX : OPS_COUNT_MAX;
    for (let from = 0; from < list.length; from += countMax) {
      const whole = list.length <= countMax;
      const part = { [kind]: whole ? list : list.slice(from, from + countMax) };
      records.push(jsonRecord(OPS_HEADERS, part));
    }
  }
  return records;
}

export function checkpointRecord(part: CheckpointPart): RawMessage {
  return jsonRecord(CHECKPOINT_HEADERS, part);
}

function jsonRecord(headers: readonly Header[], content: unknown): RawMessage {
  return { key: null, headers, value: encoder.encode(JSON.stringify(content)) };
}

/** The message that a record of the kinds message and copy carries. */
export function messageOf({ key, headers, value }: LogRecord): RawMessage {
  return { key, headers: headers.slice(1), value };
}

export function decodeQueueRecord(record: LogRecord): QueueRecord {
  const mark = record.headers[0]?.[1];
  const text = typeof mark === "string" ? mark : "";
  const rest = text.slice(1);
  switch (text.charAt(0)) {
    case MESSAGE:
      return { kind: "message", message: messageOf(record), readyMs: Number(rest) };
    case COPY: {
      const [sequence, sentMs] = rest.split(",").map(Number);
      return { kind: "copy", message: messageOf(record), sequence: sequence!, sentMs: sentMs! };
    }
    case OPS:
      return { kind: "ops", ops: JSON.parse(decoder.decode(record.value ?? undefined)) };
    case CHECKPOINT:
      return { kind: "checkpoint", part: JSON.parse(decoder.decode(record.value ?? undefined)) };
    default:
      throw unreadable(record.offset, text);
  }
}

function unreadable(offset: number, mark: string): MillraceError {
  return new MillraceError(
    "DIRECTORY_VERSION",
    `record ${offset} of a queue's log is of the unknown kind ${JSON.stringify(mark.charAt(0))}; a newer Millrace wrote it, so open the directory with that version`,
    { details: { offset } },
  );
}
