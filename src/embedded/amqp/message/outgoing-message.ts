/**
 * From what is kept of a message to its bytes in AMQP. What came by AMQP leaves as it came, but for the
 * header and the annotations, which are the broker's; for other messages see `foreign-message.ts`.
 */

import type { RawMessage } from "../../../model/message.ts";
import { itemsAt, type Scalar, skipValue } from "../protocol/encoding.ts";
import {
  booleanValue,
  compound,
  describedValue,
  listValue,
  nullValue,
  symbolValue,
  ubyteValue,
  uintValue,
} from "../protocol/value-writer.ts";
import { foreignSections } from "./foreign-message.ts";
import { fieldsOf, HEADER, MESSAGE_ANNOTATIONS, type Section } from "./sections.ts";
import { bufferOf, STORED, storedOf } from "./stored-form.ts";

/** Names and written values that this broker adds to the message's annotations. */
export type Annotations = readonly (readonly [name: string, value: Buffer])[];

export interface DeliveryFacts {
  /** 1 at the first delivery. */
  readonly attempt: number;
  readonly nowMs: number;
  readonly annotations?: Annotations;
}

export interface OutgoingMessage {
  readonly bytes: Buffer;
  readonly format: number;
}

export function writeMessage(message: RawMessage, facts: DeliveryFacts): OutgoingMessage {
  const stored = storedOf(message);
  const framing = stored.get(STORED.body);
  const value = message.value === null ? Buffer.alloc(0) : bufferOf(message.value);
  const head = [headerOf(stored, facts), ...annotationsOf(stored, facts.annotations ?? [])];
  if (framing === undefined || !frames(framing, value)) {
    return { bytes: Buffer.concat([...head, ...foreignSections(message)]), format: 0 };
  }
  const parts = [...head];
  for (const name of [STORED.properties, STORED.applicationProperties] as const) {
    const section = stored.get(name);
    if (section !== undefined) parts.push(section);
  }
  parts.push(framing, value);
  const footer = stored.get(STORED.footer);
  if (footer !== undefined) parts.push(footer);
  const format = Number(stored.get(STORED.format)?.toString() ?? 0);
  return { bytes: Buffer.concat(parts), format };
}

/** When the message is no longer wanted; undefined where it always is. */
export function expiryOf({ headers }: RawMessage): number | undefined {
  for (const [name, content] of headers) {
    if (name === STORED.expires) return Number(content);
  }
  return undefined;
}

/** Whether the framing is still that of the value: who passes a message on may have changed it. */
function frames(framing: Buffer, value: Buffer): boolean {
  if (framing.length === 0) return true;
  const wide = framing.length >= 4 ? framing.readUInt32BE(framing.length - 4) : undefined;
  return framing.at(-1) === value.length || wide === value.length;
}

const DURABLE = 0;
const PRIORITY = 1;

/** Durable, priority, ttl, first-acquirer, delivery-count. */
function headerOf(stored: ReadonlyMap<string, Buffer>, { attempt, nowMs }: DeliveryFacts): Buffer {
  const bytes = stored.get(STORED.header);
  const fields: readonly (Scalar | undefined)[] =
    bytes === undefined ? [true] : fieldsOf(bytes, sectionOf(bytes));
  const priority = fields[PRIORITY];
  const expiresMs = Number(stored.get(STORED.expires)?.toString() ?? Infinity);
  const leftMs = Math.min(Math.max(0, expiresMs - nowMs), 0xffffffff);
  return describedValue(
    HEADER,
    listValue([
      booleanValue(fields[DURABLE] === true),
      typeof priority === "number" && priority < 256 ? ubyteValue(priority) : nullValue(),
      expiresMs === Infinity ? nullValue() : uintValue(Math.floor(leftMs)),
      booleanValue(attempt === 1),
      uintValue(attempt - 1),
    ]),
  );
}

/** The sender's annotations, as they came, and the broker's behind them. */
function annotationsOf(stored: ReadonlyMap<string, Buffer>, added: Annotations): Buffer[] {
  const bytes = stored.get(STORED.annotations);
  if (added.length === 0) return bytes === undefined ? [] : [bytes];
  const items = bytes && itemsAt(bytes, sectionOf(bytes).valueAt);
  const kept = bytes && items ? [bytes.subarray(items.from)] : [];
  const written = added.flatMap(([name, value]) => [symbolValue(name), value]);
  const count = (items?.count ?? 0) + written.length;
  return [describedValue(MESSAGE_ANNOTATIONS, compound(0xd1, count, [...kept, ...written]))];
}

/** A section that is kept alone. */
function sectionOf(bytes: Buffer): Section {
  return { kind: 0, from: 0, to: bytes.length, valueAt: skipValue(bytes, 1, bytes.length) };
}
