/**
 * Feeds the queue of a durable subscription from its stream: a loop for each partition, from the place
 * that the state log keeps.
 *
 * A record is first durable in the queue, then its place is put down; a crash between the two feeds it
 * again, and the queue's window of ids, which outlasts a batch, tells the repetition. So every record has
 * an id: its own, or its place in the stream.
 *
 * Where the queue takes nothing for now (full, or the disk is) the loop waits and tries again from the
 * first record that was not taken. Where retention was faster, it goes on at the oldest kept record.
 */

import { dedupeId, MESSAGE_ID_HEADER } from "../../../broker/dedupe-window.ts";
import { readPartition } from "../../../broker/in-process/stream/read-partition.ts";
import type { QueueSend } from "../../../broker/queues.ts";
import type { StreamRecord } from "../../../broker/streams.ts";
import { delay } from "../../../model/clock.ts";
import { isMillraceError } from "../../../model/errors.ts";
import type { RawMessage } from "../../../model/message.ts";
import type { Engine } from "../../engine.ts";

const BATCH_COUNT = 500;
const AGAIN_MS = 500;

export interface FeedOptions {
  readonly engine: Engine;
  readonly queue: string;
  readonly stream: string;
  readonly chooses: (message: RawMessage) => boolean;
  /** The offset of the next record, by partition; changed as it goes. */
  readonly positions: number[];
  /** Puts the positions down. */
  readonly save: () => Promise<void>;
  readonly stop: AbortSignal;
}

/** Runs until it is stopped, or its stream or queue is gone. */
export async function feed(options: FeedOptions): Promise<void> {
  await Promise.all(options.positions.map((_, partition) => feedPartition(options, partition)));
}

async function feedPartition(options: FeedOptions, partition: number): Promise<void> {
  const { engine, queue, stream, stop } = options;
  const { clock, log } = engine.environment;
  while (!stop.aborted) {
    try {
      await readOn(options, partition);
    } catch (error) {
      if (stop.aborted) return;
      const gone = ["UNKNOWN_STREAM", "UNKNOWN_QUEUE", "CLOSED"] as const;
      if (gone.some((code) => isMillraceError(error, code))) return;
      if (isMillraceError(error, "OFFSET_OUT_OF_RANGE")) {
        const earliest = engine.streams.stream(stream).log(partition).earliest;
        const missed = earliest - options.positions[partition]!;
        log.warn({ queue, stream, partition, missed }, "a subscription missed what was not kept");
        options.positions[partition] = earliest;
        continue;
      }
      log.warn(
        { queue, stream, partition, error: String(error) },
        "a subscription waits to be fed",
      );
      await delay(clock, AGAIN_MS, stop).catch(() => {});
    }
  }
}

async function readOn(options: FeedOptions, partition: number): Promise<void> {
  const { engine, queue, positions, chooses, save, stop } = options;
  const stream = engine.streams.stream(options.stream);
  const batches = readPartition({
    stream,
    partition,
    from: { offset: positions[partition]! },
    follow: true,
    batchCount: BATCH_COUNT,
    stop,
    closed: stream.gone,
  });
  for await (const batch of batches) {
    const records = batch.filter(chooses);
    const outcomes =
      records.length === 0 ? [] : await engine.queues.queue(queue).send(records.map(toSend));
    const failed = outcomes.findIndex((outcome) => !outcome.ok && mayPass(outcome.error.code));
    positions[partition] = failed < 0 ? batch.at(-1)!.offset + 1 : records[failed]!.offset;
    await save();
    const outcome = outcomes[failed];
    if (outcome?.ok === false) throw outcome.error;
  }
}

/** A record that its queue never takes, being too large with its id, is left out. */
function mayPass(code: string): boolean {
  return code !== "TOO_LARGE";
}

function toSend({ key, headers, value, partition, offset }: StreamRecord): QueueSend {
  const message = { key, headers, value };
  if (dedupeId(message) !== undefined) return { message };
  const id = [MESSAGE_ID_HEADER, `o:${partition}/${offset}`] as const;
  return { message: { ...message, headers: [...headers, id] } };
}
