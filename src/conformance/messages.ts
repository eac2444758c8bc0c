/** Messages that the cases send, and the forms in which they compare what came back. */

import type { Header, RawMessage } from "../model/message.ts";
import type { StreamRecord, Streams } from "../broker/streams.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytes = (text: string): Uint8Array => encoder.encode(text);

/** Bytes that are no UTF-8, with every value a byte can have. */
export const binary: Uint8Array = Uint8Array.from({ length: 512 }, (_, at) => (at * 7 + 255) % 256);

export interface MessageParts {
  readonly key?: string | Uint8Array | null;
  /** The id by which brokers recognise a repetition: CloudEvents' `id` as a header. */
  readonly id?: string;
  readonly headers?: readonly Header[];
}

/** A message that carries `text`. */
export function message(
  text: string,
  { key = null, id, headers = [] }: MessageParts = {},
): RawMessage {
  const idHeader: readonly Header[] = id === undefined ? [] : [["ce_id", id]];
  return { key, headers: [...idHeader, ...headers], value: bytes(text) };
}

/** `count` messages `stem-0`, `stem-1`, …; keys repeat after `keys`, or are absent. */
export function messages(
  count: number,
  { stem = "m", keys = 0 }: { readonly stem?: string; readonly keys?: number } = {},
): RawMessage[] {
  return Array.from({ length: count }, (_, index) =>
    message(`${stem}-${index}`, { key: keys === 0 ? null : `key-${index % keys}` }),
  );
}

export function textOf({ value }: RawMessage): string {
  return value === null ? "(null)" : decoder.decode(value);
}

/** A message in a form that tells text from bytes and compares by content. */
export function plain({ key, headers, value }: RawMessage): object {
  return {
    key: plainValue(key),
    headers: headers.map(([name, content]) => [name, plainValue(content)]),
    value: plainValue(value),
  };
}

function plainValue(value: string | Uint8Array | null): string | null {
  if (value === null) return null;
  return typeof value === "string" ? `text:${value}` : `bytes:${hexOf(value)}`;
}

function hexOf(content: Uint8Array): string {
  return Array.from(content, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Everything that a partition keeps, read from `from` to the end. */
export async function readAll(
  streams: Streams,
  stream: string,
  {
    partition = 0,
    from = 0,
  }: { readonly partition?: number; readonly from?: number | "earliest" } = {},
): Promise<StreamRecord[]> {
  const all: StreamRecord[] = [];
  const start = from === "earliest" ? from : { offset: from };
  for await (const batch of streams.read(stream, { partition, from: start })) all.push(...batch);
  return all;
}

/** All partitions of a stream, one after another, each from its oldest kept record. */
export async function readStream(streams: Streams, stream: string): Promise<StreamRecord[]> {
  const { partitions } = await streams.describeStream(stream);
  const reads = partitions.map(({ partition }) =>
    readAll(streams, stream, { partition, from: "earliest" }),
  );
  return (await Promise.all(reads)).flat();
}
