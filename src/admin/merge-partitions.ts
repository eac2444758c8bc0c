/**
 * Reads several partitions as one sequence, back-pressured and bounded: at most one batch a
 * partition is held, and the next is fetched when that one is used up.
 *
 * Each partition keeps its order. Among the records at hand the one appended first goes first; a
 * bounded read waits until every partition has something at hand or has ended, so its order by time
 * of appending is exact. A following read cannot wait for a silent partition and gives what there is.
 */

import type { StreamRecord, Streams } from "../broker/streams.ts";
import type { Located } from "./locate.ts";

/** Records fetched at a time from one partition. */
const BATCH_COUNT = 256;

interface Source {
  readonly batches: AsyncIterator<readonly StreamRecord[]>;
  batch: readonly StreamRecord[];
  used: number;
  /** The fetch under way; resolves when the batch is filled or the partition has ended. */
  fetching: Promise<void> | undefined;
  ended: boolean;
}

export interface MergeOptions {
  readonly from: readonly Located[];
  readonly follow: boolean;
  /** Ends the sequence where it is; a caller that leaves while it waits at the end needs it. */
  readonly signal: AbortSignal;
}

export async function* mergePartitions(
  streams: Pick<Streams, "read">,
  stream: string,
  { from, follow, signal: ending }: MergeOptions,
): AsyncGenerator<StreamRecord, void, undefined> {
  const left = new AbortController();
  const signal = AbortSignal.any([ending, left.signal]);
  const sources = from.map(({ partition, offset }): Source => {
    const options = { partition, from: { offset }, follow, batchCount: BATCH_COUNT, signal };
    const batches = streams.read(stream, options)[Symbol.asyncIterator]();
    return { batches, batch: [], used: 0, fetching: undefined, ended: false };
  });
  try {
    while (!signal.aborted) {
      const fetching = sources.flatMap((source) => fetchWhereEmpty(source, signal));
      const next = earliest(sources);
      if (next !== undefined && (follow || fetching.length === 0)) yield next.batch[next.used++]!;
      else if (fetching.length === 0) return;
      else await (follow ? Promise.race(fetching) : Promise.all(fetching));
    }
  } finally {
    left.abort();
    await Promise.all(sources.map(leave));
  }
}

/** The fetch that the source waits for; none where records are at hand or the partition has ended. */
function fetchWhereEmpty(source: Source, signal: AbortSignal): Promise<void>[] {
  if (source.ended || source.used < source.batch.length) return [];
  if (source.fetching === undefined) {
    source.fetching = fetchBatch(source, signal);
    // It may fail while other partitions are still being handed out; whoever awaits it next throws.
    source.fetching.catch(() => undefined);
  }
  return [source.fetching];
}

async function fetchBatch(source: Source, signal: AbortSignal): Promise<void> {
  const result = await nextUnlessAborted(source.batches, signal);
  source.ended = result === undefined;
  source.batch = result ?? [];
  source.used = 0;
  source.fetching = undefined;
}

async function nextUnlessAborted(
  batches: AsyncIterator<readonly StreamRecord[]>,
  signal: AbortSignal,
): Promise<readonly StreamRecord[] | undefined> {
  try {
    const result = await batches.next();
    return result.done === true ? undefined : result.value;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

function earliest(sources: readonly Source[]): Source | undefined {
  let first: Source | undefined;
  let firstMs = Number.POSITIVE_INFINITY;
  for (const source of sources) {
    const record = source.batch[source.used];
    if (record !== undefined && record.appendedMs < firstMs) {
      first = source;
      firstMs = record.appendedMs;
    }
  }
  return first;
}

/** The signal has aborted: an open fetch ends at once. What made the sequence end is thrown elsewhere. */
async function leave(source: Source): Promise<void> {
  await source.fetching?.catch(() => undefined);
  await source.batches.return?.();
}
