/**
 * Unpacks batches where it keeps nobody waiting.
 *
 * Thirty kilobytes of gzip can be thirty megabytes, with millions of records in them; to unpack them and to
 * look at every length takes a third of a second, in which this process's only thread would answer
 * nobody. So a batch is tried here, up to `LIGHT_BYTES`, which nearly all stay below, and one that becomes
 * more goes to a thread of its own, the same for the whole process: one at a time, so that not more than
 * one is unpacked in memory that nobody has asked for yet. The thread is started with the first such
 * batch, and keeps no process alive.
 */

import { Worker } from "node:worker_threads";
import { DecompressionFailed } from "../../../codecs/compression/decompression-failed.ts";
import { COMPRESSION_MASK } from "../format/batch-layout.ts";
import type { BatchHeader } from "../format/batch-decoder.ts";
import { openContents, UnreadableBatch, type BatchContents } from "../format/batch-contents.ts";
import type { BrokenRecords, RecordBounds } from "./record-bounds.ts";
import type { UnpackAnswer, UnpackResult, UnpackTask } from "./unpack-task.ts";

/** A millisecond's work. */
const LIGHT_BYTES = 256 * 1024;

const WORKER_URL = new URL(
  import.meta.url.endsWith(".ts") ? "./unpack-worker.ts" : "./unpack-worker.js",
  import.meta.url,
);

export function isCompressed({ attributes, count }: BatchHeader): boolean {
  return (attributes & COMPRESSION_MASK) !== 0 && count > 0;
}

/** The contents of a batch that is not compressed, or not to much; else undefined. Throws `UnreadableBatch`. */
export function openLight(batch: Buffer, header: BatchHeader): BatchContents | undefined {
  try {
    return openContents(batch, 0, header, LIGHT_BYTES);
  } catch (error) {
    const cause = error instanceof UnreadableBatch ? error.cause : undefined;
    if (cause instanceof DecompressionFailed && cause.failure === "too-large") return undefined;
    throw error;
  }
}

/** The contents, unpacked here where that keeps nobody waiting. Rejects with `UnreadableBatch`. */
export async function openAnywhere(batch: Buffer, header: BatchHeader): Promise<BatchContents> {
  return openLight(batch, header) ?? (await openApart(batch, header));
}

/** The contents, in memory of their own; every length in them was looked at. Rejects with `UnreadableBatch`. */
export async function openApart(batch: Buffer, header: BatchHeader): Promise<BatchContents> {
  const result = await ask({ bytes: new Uint8Array(batch), header });
  if (result.kind !== "contents") throw unreadable(result);
  const { buffer, byteOffset, length } = result.bytes;
  return { buffer: Buffer.from(buffer, byteOffset, length), start: 0, end: length };
}

/** Which records do not keep to the bounds. Rejects with `UnreadableBatch`. */
export async function lookApart(
  batch: Buffer,
  header: BatchHeader,
  bounds: RecordBounds,
): Promise<BrokenRecords> {
  const result = await ask({ bytes: new Uint8Array(batch), header, bounds });
  if (result.kind !== "looked") throw unreadable(result);
  return result.broken;
}

function unreadable(result: UnpackResult): UnreadableBatch {
  return new UnreadableBatch(
    result.kind === "unreadable" ? result.text : "an answer to another task",
  );
}

interface Asked {
  readonly resolve: (result: UnpackResult) => void;
  readonly reject: (error: unknown) => void;
}

const asked = new Map<number, Asked>();
let worker: Worker | undefined;
let lastId = 0;

function ask(task: Omit<UnpackTask, "id">): Promise<UnpackResult> {
  const id = ++lastId;
  worker ??= start();
  // While an answer is due the process must not end.
  worker.ref();
  worker.postMessage({ ...task, id } satisfies UnpackTask, [task.bytes.buffer]);
  return new Promise((resolve, reject) => asked.set(id, { resolve, reject }));
}

function start(): Worker {
  // Options of the main program, such as --input-type, are not for a worker's module.
  const started = new Worker(WORKER_URL, { execArgv: [] });
  started.on("message", ({ id, ...result }: UnpackAnswer) => {
    asked.get(id)?.resolve(result);
    asked.delete(id);
    if (asked.size === 0) started.unref();
  });
  // A defect, or no memory for a thread: whoever asked is told, and the next task starts another.
  const gone = (error: unknown): void => {
    // An error is followed by an exit; by then what is asked may be another thread's.
    if (worker !== started) return;
    worker = undefined;
    for (const { reject } of asked.values()) reject(error);
    asked.clear();
  };
  started.on("error", gone);
  started.on("exit", () => gone(new Error("the thread that unpacks batches ended")));
  return started;
}
