/**
 * What a partition knew of producers, found again at a start.
 *
 * A log to which no producer with an id ever wrote reads nothing: its boundaries say so, and no snapshot
 * lies there. Otherwise each segment's end has a snapshot, which tells the transactions aborted in that
 * segment; the newest one also tells the producers, and the headers behind it are read. Where one is
 * missing or torn, the headers of its segment are read instead, from the snapshot before on.
 */

import type { LogEnvironment } from "../log-environment.ts";
import { noteDamage } from "../segment/note-damage.ts";
import { DamageFound } from "../segment/damage.ts";
import type { Segment } from "../segment/segment.ts";
import type { AbortedWithStable } from "./aborted-transactions.ts";
import { emptySnapshot, PartitionProducers } from "./partition-producers.ts";
import type { ProducerSnapshot } from "./producer-snapshot.ts";
import type { RestoredProducers } from "./snapshot-keeper.ts";
import { readSnapshot, snapshotPath } from "./snapshot-files.ts";

export interface RestoreOptions {
  readonly directory: string;
  readonly segments: readonly Segment[];
  /** The offsets of the snapshots that there are, ascending. */
  readonly snapshots: readonly number[];
}

export async function restoreProducers(
  environment: LogEnvironment,
  { directory, segments, snapshots }: RestoreOptions,
): Promise<RestoredProducers> {
  const { disk } = environment;
  const first = segments[0]!.baseOffset;
  const end = segments.at(-1)!.nextOffset;
  const usable = snapshots.filter((offset) => offset <= end);
  await removeBeyond(environment, directory, snapshots.slice(usable.length));
  let known = usable.includes(first);
  let reached = known ? await readSnapshot(disk, directory, first) : undefined;
  reached ??= emptySnapshot(first);
  const aborted: AbortedWithStable[] = [];
  let snapshotAt: number | undefined;
  for (const [index, segment] of segments.entries()) {
    const segmentEnd = segments[index + 1]?.baseOffset ?? end;
    for (const offset of usable.toReversed()) {
      if (offset > segmentEnd || offset <= segment.baseOffset) continue;
      const snapshot = await readSnapshot(disk, directory, offset);
      if (snapshot === undefined) continue;
      known = true;
      snapshotAt = offset;
      reached = snapshot;
      aborted.push(...snapshot.aborted);
      break;
    }
    if (reached.offset === segmentEnd) continue;
    known ||= segment.producers;
    if (!known) {
      reached = emptySnapshot(segmentEnd);
      continue;
    }
    const read = await readOn(environment, segment, reached);
    aborted.push(...read.aborted.endedFrom(reached.offset));
    reached = { ...read.snapshot(segmentEnd, environment.clock.now()), offset: segmentEnd };
  }
  const { producerKeepMs: keepMs } = environment;
  return { producers: new PartitionProducers({ snapshot: reached, aborted, keepMs }), snapshotAt };
}

/** Folds the batches of the segment that lie behind the snapshot. */
async function readOn(
  environment: LogEnvironment,
  segment: Segment,
  from: ProducerSnapshot,
): Promise<PartitionProducers> {
  const { producerKeepMs: keepMs } = environment;
  const nowMs = environment.clock.now();
  for (;;) {
    const producers = new PartitionProducers({ snapshot: from, keepMs });
    try {
      await segment.scan({
        verify: false,
        onBatch: (header, _position, batch) => {
          if (header.baseOffset >= from.offset) producers.replay(header, batch, nowMs);
        },
      });
      return producers;
    } catch (error) {
      if (!(error instanceof DamageFound)) throw error;
      await noteDamage(environment.log, segment, error);
    }
  }
}

/**
 * A snapshot of what the log no longer holds must not be believed when later batches are given its
 * offsets.
 */
async function removeBeyond(
  { disk }: LogEnvironment,
  directory: string,
  offsets: readonly number[],
): Promise<void> {
  for (const offset of offsets) await disk.remove(snapshotPath(directory, offset));
  if (offsets.length > 0) await disk.syncDirectory(directory);
}
