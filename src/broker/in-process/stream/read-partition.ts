/** Reading one partition: the loop behind `read` and behind a group member's partition. */

import { isMillraceError } from "../../../model/errors.ts";
import type { StartAt } from "../../../model/position.ts";
import type { StreamRecord } from "../../streams.ts";
import { checkWhole } from "../../validate.ts";
import type { LocalStream } from "./local-stream.ts";

export interface ReadPlan {
  readonly stream: LocalStream;
  readonly partition: number;
  readonly from: StartAt;
  readonly follow: boolean;
  readonly batchCount?: number | undefined;
  /** Ends the iteration quietly. */
  readonly stop?: AbortSignal | undefined;
  /** Ends the iteration with the signal's reason. */
  readonly closed: AbortSignal;
}

const BATCH_COUNT = 1_000;
const BATCH_BYTES = 1024 * 1024;

/**
 * Yields batches of durable records. The next batch is fetched when it is asked for, so a slow
 * reader slows the fetch and nothing piles up.
 */
export async function* readPartition(plan: ReadPlan): AsyncGenerator<readonly StreamRecord[]> {
  const { stream, partition, follow, stop, closed, batchCount = BATCH_COUNT } = plan;
  checkWhole("batchCount", batchCount, { min: 1 });
  const log = stream.log(partition);
  const ends = [closed, stream.gone];
  if (stop !== undefined) ends.push(stop);
  const ended = AbortSignal.any(ends);
  const limits = { count: batchCount, bytes: BATCH_BYTES };
  let offset = await stream.resolve(partition, plan.from);
  for (;;) {
    if (stop?.aborted) return;
    ended.throwIfAborted();
    if (offset < log.earliest) throw stream.outOfRange(partition, offset);
    if (offset >= log.visibleEnd) {
      if (!follow) return;
      try {
        await log.waitFor(offset, ended);
      } catch (error) {
        if (stop?.aborted) return;
        throw stream.gone.aborted ? stream.gone.reason : error;
      }
      continue;
    }
    const batch: StreamRecord[] = [];
    try {
      const { records, next } = await log.read(offset, limits);
      for (const record of records) {
        const { key, headers, value, appendedMs } = record;
        batch.push({ key, headers, value, partition, offset: record.offset, appendedMs });
      }
      offset = next;
    } catch (error) {
      if (isMillraceError(error, "OFFSET_OUT_OF_RANGE")) throw stream.outOfRange(partition, offset);
      throw error;
    }
    if (batch.length > 0) yield batch;
  }
}
