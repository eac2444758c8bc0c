/** Timers on their way to the worker: what sets one, and what ends one or all of an instance. */

import type { TimerCancel, TimerRef, TimerWrite } from "../../../store/write-set.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { writeMessage } from "./messages.ts";

/** A timer to set, its message encoded, or to end. */
export type EncodedTimer =
  | (TimerRef & {
      readonly id: string;
      readonly dueMs: number;
      readonly message: Uint8Array;
    })
  | TimerCancel;

const SET = 0;
const END = 1;
const END_ALL = 2;

export function writeTimer(writer: ByteWriter, timer: TimerWrite | TimerCancel): void {
  const { name } = timer;
  writer.byte(name === undefined ? END_ALL : "id" in timer ? SET : END);
  writer.text(timer.consumer);
  writer.text(timer.instance);
  if (name === undefined) return;
  writer.text(name);
  if (!("id" in timer)) return;
  writer.text(timer.id);
  writer.double(timer.dueMs);
  const place = writer.beginBlock();
  writeMessage(writer, timer.message);
  writer.endBlock(place);
}

export function readTimer(reader: ByteReader): EncodedTimer {
  const form = reader.byte();
  const consumer = reader.text();
  const instance = reader.text();
  if (form === END_ALL) return { consumer, instance };
  const name = reader.text();
  if (form === END) return { consumer, instance, name };
  const id = reader.text();
  const dueMs = reader.double();
  return { consumer, instance, name, id, dueMs, message: reader.block() };
}

export function writeTimerRef(writer: ByteWriter, { consumer, instance, name }: TimerRef): void {
  writer.text(consumer);
  writer.text(instance);
  writer.text(name);
}

export function readTimerRef(reader: ByteReader): TimerRef {
  return { consumer: reader.text(), instance: reader.text(), name: reader.text() };
}
