/** Recovery's reading of a queue's log: the newest checkpoint, and what happened after it. */

import type { LogRecord, PartitionLog } from "../log/open-log.ts";
import { decodeQueueRecord } from "./queue-record.ts";
import { contains, QueueReplay } from "./queue-replay.ts";

export interface ReplayedLog {
  readonly replay: QueueReplay;
  /** The first offset that was read. */
  readonly start: number;
  /** Of values behind the checkpoint. */
  readonly bytes: number;
}

const READ = { count: 5_000, bytes: 4 * 1024 * 1024 };

/**
 * Reads from the checkpoint, or all that is left where there is none. The checkpoint tells the state at
 * its first part, so records that stand between its parts are applied when all of them are loaded.
 */
export async function replayLog(
  log: PartitionLog,
  checkpoint: number | undefined,
): Promise<ReplayedLog> {
  const { lostRanges: lost } = log;
  // Without it all that is left is gone through: what was settled before may come once more.
  const known = checkpoint !== undefined && !lost.some(contains(checkpoint));
  const start = known ? checkpoint : log.earliest;
  const replay = new QueueReplay(start, lost);
  let from = start;
  if (known) from = await loadCheckpoint(log, { start, replay });
  let bytes = 0;
  for await (const records of recordsFrom(log, from)) {
    for (const record of records) {
      replay.apply(decodeQueueRecord(record), record);
      bytes += record.value?.length ?? 0;
    }
  }
  return { replay, start, bytes };
}

/** Loads all parts. Returns the offset of the first record that is none of them. */
async function loadCheckpoint(
  log: PartitionLog,
  { start, replay }: { readonly start: number; readonly replay: QueueReplay },
): Promise<number> {
  let other: number | undefined;
  for await (const records of recordsFrom(log, start)) {
    for (const record of records) {
      const decoded = decodeQueueRecord(record);
      if (decoded.kind === "checkpoint") {
        replay.load(decoded.part);
        if (decoded.part.backlog !== undefined) return other ?? record.offset + 1;
      } else {
        other ??= record.offset;
      }
    }
  }
  return other ?? log.end;
}

/** All records from the offset to the log's end, some thousands at a time. */
export async function* recordsFrom(
  log: PartitionLog,
  offset: number,
): AsyncGenerator<readonly LogRecord[]> {
  for (let from = offset; from < log.end;) {
    const { records, next } = await log.read(from, READ);
    yield records;
    from = next;
  }
}
