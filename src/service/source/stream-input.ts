/**
 * A partition of a stream as an input.
 *
 * What the broker's group knows of its progress is a mirror of the store for the tools. So taking over
 * begins with the store: the fencing epoch is claimed there before anything is read, and the position
 * is compared with the log that is found, because an offset of another log is another message. Where
 * the store knows nothing and the mirror does, the store was lost or removed: that is said aloud.
 *
 * The epoch is the assignment's, or one more than the store has seen where that is not higher: a
 * broker that counts from its own start must not lock a service out of its store.
 */

import type { AssignedPartition, StreamRecord } from "../../broker/streams.ts";
import { NO_PROGRESS } from "../../store/progress.ts";
import { GroupMirror } from "./group-mirror.ts";
import { runLog, type LogBatch, type LogSource, type TakenOver } from "./log-input.ts";
import { checkPosition, logOf } from "./log-position.ts";
import type { PartRuntime } from "./part-runtime.ts";

const FETCH_COUNT = 1024;

/** Works on the partition until it is revoked. Never rejects for what can happen to it. */
export function runPartition(runtime: PartRuntime, assigned: AssignedPartition): Promise<void> {
  const { stream, partition, revoked } = assigned;
  return runLog(runtime, revoked, (): LogSource => {
    const mirror = new GroupMirror(assigned, runtime.environment);
    return {
      input: `${stream}/${partition}`,
      partition: { stream, number: partition },
      ended: revoked,
      takeOver: () => takeOver(runtime, assigned),
      read: (offset) => read(assigned, offset),
      bounds: async () => {
        const { partitions } = await runtime.streams!.describeStream(stream);
        const { earliest, end } = partitions[partition]!;
        return { earliest, end };
      },
      settled: (position) => mirror.note(position),
      close: () => mirror.close(),
    };
  });
}

async function takeOver(
  { service, part, store, streams, environment }: PartRuntime,
  { stream, partition, epoch: assignedEpoch, committed }: AssignedPartition,
): Promise<TakenOver> {
  const input = `${stream}/${partition}`;
  const info = await streams!.describeStream(stream);
  const log = logOf(info);
  const found = info.partitions[partition]!;
  const before = await store.readProgress(part.consumer, input);
  if (before.progress === undefined) {
    const position = part.start === "latest" ? found.end : found.earliest;
    if (committed !== undefined && committed > found.earliest) {
      environment.log.warn(
        { service, part: part.name, input, position, mirrored: committed },
        `the store of ${service} knows nothing of ${input}, of which the broker says that ${part.name} was at ${committed}: the store is new, or was lost or replaced; unless you meant it, stop, bring the store back and start again`,
      );
    }
    if (position > 0 || part.start === "latest") {
      await store.seek(part.consumer, input, { position, log });
    }
  } else {
    checkPosition({ part: part.name, input, ...before.progress }, { log, end: found.end });
  }
  const epoch = assignedEpoch > before.epoch ? assignedEpoch : before.epoch + 1;
  const { progress, lanes } = await store.readProgress(part.consumer, input, { epoch });
  return { log, progress: progress ?? NO_PROGRESS, epoch, lanes };
}

async function* read(assigned: AssignedPartition, offset: number): AsyncIterable<LogBatch> {
  for await (const records of assigned.read({ offset }, { batchCount: FETCH_COUNT })) {
    yield batchOf(records);
  }
}

/** A stretch of a partition's records as a batch of its log. */
export function batchOf(records: readonly StreamRecord[]): LogBatch {
  return {
    records: records.map((raw) => {
      const { offset, partition, appendedMs: receivedMs } = raw;
      return { raw, offset, receivedMs, fallbackId: `${partition}@${offset}` };
    }),
    next: (records.at(-1)?.offset ?? -1) + 1,
  };
}
