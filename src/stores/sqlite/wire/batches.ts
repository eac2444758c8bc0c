/**
 * A batch on its way to the worker. Messages stay encoded there: the worker stores their bytes as
 * they come. Both ends are of one release, so this form may change freely.
 */

import { STORE_LIMITS } from "../../../store/limits.ts";
import type {
  Batch,
  BatchInput,
  DocumentWrite,
  EffectWrite,
  Incoming,
  IndexValue,
  ParkCause,
  ReparkedRow,
  WriteSet,
} from "../../../store/write-set.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { writeMessage, writeOutgoing } from "./messages.ts";
import { readTimer, readTimerRef, writeTimer, writeTimerRef } from "./timers.ts";
import type { EncodedTimer } from "./timers.ts";

export interface EncodedEvents {
  readonly entity: string;
  readonly expected: number;
  readonly events: readonly Uint8Array[];
}

/** The outgoing messages of one set, one after another. */
export interface EncodedOutgoing {
  readonly length: number;
  readonly bytes: Uint8Array;
}

export interface EncodedParked {
  readonly key: string;
  readonly incoming: Incoming;
  readonly message: Uint8Array;
  readonly cause: ParkCause | undefined;
}

export interface EncodedSet {
  readonly key: string;
  readonly finishes: readonly Incoming[];
  readonly documents: readonly DocumentWrite[];
  readonly events: readonly EncodedEvents[];
  readonly timers: readonly EncodedTimer[];
  readonly effects: readonly EffectWrite[];
  readonly outgoing: EncodedOutgoing;
  readonly park: readonly EncodedParked[];
  readonly unpark: readonly number[];
  readonly repark: readonly ReparkedRow[];
}

export interface EncodedBatch {
  readonly input: BatchInput | undefined;
  readonly lane: string | undefined;
  readonly sets: readonly EncodedSet[];
}

export function encodeBatch(batch: Batch): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(STORE_LIMITS.batchBytesMax, 1024 + batch.sets.length * 512);
  writeOptional(writer, batch.input, writeInput);
  writeOptional(writer, batch.lane, writeText);
  writer.list(batch.sets, writeSet);
  return writer.finish();
}

export function decodeBatch(bytes: Uint8Array): EncodedBatch {
  const reader = new ByteReader(bytes);
  return {
    input: readOptional(reader, readInput),
    lane: readOptional(reader, readText),
    sets: reader.list(readSet),
  };
}

function writeSet(writer: ByteWriter, set: WriteSet): void {
  writer.text(set.key);
  writer.list(set.finishes, writeIncoming);
  writer.list(set.documents ?? [], writeDocument);
  writer.list(set.events ?? [], (_, { entity, expected, events }) => {
    writer.text(entity);
    writer.number(expected);
    writer.list(events, (_, message) => writeBlock(writer, () => writeMessage(writer, message)));
  });
  writer.list(set.timers ?? [], writeTimer);
  writer.list(set.effects ?? [], writeEffect);
  const outgoing = set.outgoing ?? [];
  writer.number(outgoing.length);
  if (outgoing.length > 0) {
    writeBlock(writer, () => {
      for (const message of outgoing) writeOutgoing(writer, message);
    });
  }
  writer.list(set.park ?? [], (_, { key, incoming, message, cause }) => {
    writer.text(key);
    writeIncoming(writer, incoming);
    writeBlock(writer, () => writeMessage(writer, message));
    writeOptional(writer, cause, writeJson);
  });
  writer.list(set.unpark ?? [], writeNumber);
  writer.list(set.repark ?? [], writeJson);
}

function readSet(reader: ByteReader): EncodedSet {
  return {
    key: reader.text(),
    finishes: reader.list(readIncoming),
    documents: reader.list(readDocument),
    events: reader.list(() => ({
      entity: reader.text(),
      expected: reader.number(),
      events: reader.list(() => reader.block()),
    })),
    timers: reader.list(readTimer),
    effects: reader.list(readEffect),
    outgoing: readOutgoingBlock(reader),
    park: reader.list(() => ({
      key: reader.text(),
      incoming: readIncoming(reader),
      message: reader.block(),
      cause: readOptional(reader, readCause),
    })),
    unpark: reader.list(readNumber),
    repark: reader.list(readRepark),
  };
}

function readOutgoingBlock(reader: ByteReader): EncodedOutgoing {
  const length = reader.number();
  return { length, bytes: length === 0 ? new Uint8Array(0) : reader.block() };
}

function writeInput(writer: ByteWriter, input: BatchInput): void {
  writer.text(input.consumer);
  writer.text(input.input);
  writer.number(input.epoch);
  writeOptional(writer, input.log, writeText);
  writer.list(input.unfinished ?? [], writeIncoming);
  writer.list(input.gaps ?? [], (_, { from, to }) => {
    writer.number(from);
    writer.number(to);
  });
}

function readInput(reader: ByteReader): BatchInput {
  const consumer = reader.text();
  const input = reader.text();
  const epoch = reader.number();
  const log = readOptional(reader, readText);
  const unfinished = reader.list(readIncoming);
  const gaps = reader.list(() => ({ from: reader.number(), to: reader.number() }));
  return { consumer, input, epoch, ...(log === undefined ? {} : { log }), unfinished, gaps };
}

const HAS_OFFSET = 1;
const HAS_MARK = 2;
const HAS_TIMER = 4;

function writeIncoming(writer: ByteWriter, { timer, offset, mark, id }: Incoming): void {
  writer.byte(
    (offset === undefined ? 0 : HAS_OFFSET) |
      (mark === undefined ? 0 : HAS_MARK) |
      (timer === undefined ? 0 : HAS_TIMER),
  );
  if (timer !== undefined) writeTimerRef(writer, timer);
  if (offset !== undefined) writer.number(offset);
  if (mark !== undefined) {
    writer.text(mark.source);
    writer.number(mark.epoch);
    writer.text(mark.lane);
    writer.number(mark.sequence);
  }
  writer.text(id);
}

function readIncoming(reader: ByteReader): Incoming {
  const form = reader.byte();
  const timer = (form & HAS_TIMER) === 0 ? undefined : readTimerRef(reader);
  const offset = (form & HAS_OFFSET) === 0 ? undefined : reader.number();
  const mark =
    (form & HAS_MARK) === 0
      ? undefined
      : {
          source: reader.text(),
          epoch: reader.number(),
          lane: reader.text(),
          sequence: reader.number(),
        };
  const id = reader.text();
  return {
    ...(timer === undefined ? {} : { timer }),
    ...(offset === undefined ? {} : { offset }),
    ...(mark === undefined ? {} : { mark }),
    id,
  };
}

function writeDocument(writer: ByteWriter, write: DocumentWrite): void {
  writer.text(write.collection);
  writer.text(write.id);
  writer.number(write.expected);
  writeOptional(writer, write.json ?? undefined, writeText);
  writer.list(Object.entries(write.indexed ?? {}), (_, [field, value]) => {
    writer.text(field);
    writeIndexValue(writer, value);
  });
}

function readDocument(reader: ByteReader): DocumentWrite {
  const collection = reader.text();
  const id = reader.text();
  const expected = reader.number();
  const json = readOptional(reader, readText) ?? null;
  const indexed: Record<string, IndexValue> = {};
  for (let left = reader.number(); left > 0; left--) {
    const field = reader.text();
    indexed[field] = readIndexValue(reader);
  }
  return { collection, id, expected, json, indexed };
}

const NULL = 0;
const NUMBER = 1;
const TEXT = 2;
const FALSE = 3;
const TRUE = 4;

function writeIndexValue(writer: ByteWriter, value: IndexValue): void {
  if (typeof value === "string") {
    writer.byte(TEXT);
    writer.text(value);
  } else if (typeof value === "number") {
    writer.byte(NUMBER);
    writer.double(value);
  } else {
    writer.byte(value === null ? NULL : value ? TRUE : FALSE);
  }
}

function readIndexValue(reader: ByteReader): IndexValue {
  const form = reader.byte();
  if (form === TEXT) return reader.text();
  if (form === NUMBER) return reader.double();
  return form === NULL ? null : form === TRUE;
}

function writeEffect(writer: ByteWriter, effect: EffectWrite): void {
  writer.text(effect.consumer);
  writer.text(effect.message);
  writer.text(effect.name);
  writer.text(effect.json);
  writer.double(effect.atMs);
}

function readEffect(reader: ByteReader): EffectWrite {
  return {
    consumer: reader.text(),
    message: reader.text(),
    name: reader.text(),
    json: reader.text(),
    atMs: reader.double(),
  };
}

function writeOptional<Value>(
  writer: ByteWriter,
  value: Value | undefined,
  write: (writer: ByteWriter, value: Value) => void,
): void {
  writer.byte(value === undefined ? 0 : 1);
  if (value !== undefined) write(writer, value);
}

function readOptional<Value>(
  reader: ByteReader,
  read: (reader: ByteReader) => Value,
): Value | undefined {
  return reader.byte() === 0 ? undefined : read(reader);
}

function writeBlock(writer: ByteWriter, write: () => void): void {
  const place = writer.beginBlock();
  write();
  writer.endBlock(place);
}

function writeText(writer: ByteWriter, text: string): void {
  writer.text(text);
}

function readText(reader: ByteReader): string {
  return reader.text();
}

function writeNumber(writer: ByteWriter, value: number): void {
  writer.number(value);
}

function readNumber(reader: ByteReader): number {
  return reader.number();
}

function writeJson(writer: ByteWriter, value: unknown): void {
  writer.text(JSON.stringify(value));
}

function readCause(reader: ByteReader): ParkCause {
  return JSON.parse(reader.text());
}

function readRepark(reader: ByteReader): ReparkedRow {
  return JSON.parse(reader.text());
}
