/**
 * Puts a compacted file in the place of its segment, so that a power cut at any step leaves the one or
 * the other, and its boundary with it.
 *
 * 1. The new file is written beside the segment (`….clean`) and synced.
 * 2. A boundary with its length is written to the slot of the sidecar that does not tell of the present
 *    file. From now on the sidecar tells of both files, and their lengths say which one is there.
 * 3. The new file takes the segment's name, and the directory is synced.
 *
 * Recovery believes the boundary whose length the file has, and removes a `….clean` that is left. Where
 * the sidecar tells of neither (a slot was torn, then the other one lost), it reads the whole file.
 */

import { assert } from "../../../model/assert.ts";
import type { Disk } from "../disk.ts";
import { encodeBoundary, readSlots, slotOf, type GroupBoundary } from "../format/group-boundary.ts";
import type { LogEnvironment } from "../log-environment.ts";
import { initializeSidecar } from "../segment/segment-writer.ts";
import type { SegmentFacts } from "../segment/segment-facts.ts";
import { Segment } from "../segment/segment.ts";
import type { CompactedFile } from "./compact-segment.ts";

export function cleanPath({ path }: Segment): string {
  return path.replace(/log$/, "clean");
}

export interface Swap {
  readonly segment: Segment;
  readonly file: CompactedFile;
  /** Whether compaction is done with the segment, and not with a part of its keys alone. */
  readonly done: boolean;
}

/**
 * Returns the segment that stands for the new file from now on, or the same one where nothing in it
 * changed; the file at `cleanPath` is synced. While it runs, nobody else touches the log's files.
 */
export async function swapSegment(
  environment: LogEnvironment,
  directory: string,
  { segment, file, done }: Swap,
): Promise<Segment> {
  const { disk } = environment;
  const compacted = done ? { horizonMs: file.horizonMs } : undefined;
  const marked = compacted === undefined ? {} : { compacted };
  if (!file.changed) {
    await writeBoundary(environment, segment, { ...factsOf(segment), ...marked });
    segment.compacted = compacted;
    return segment;
  }
  const facts = { ...factsOf(segment), bytes: file.bytes, newestMs: file.newestMs };
  const { baseOffset } = segment;
  const fresh = new Segment(disk, directory, { ...facts, baseOffset });
  fresh.compacted = compacted;
  await segment.hold(async () => {
    await writeBoundary(environment, segment, { ...facts, ...marked });
    await disk.rename(cleanPath(segment), segment.path);
    await disk.syncDirectory(directory);
  });
  return fresh;
}

function factsOf(segment: Segment): Omit<SegmentFacts, "baseOffset"> {
  const { bytes, nextOffset, oldestMs, newestMs, producers } = segment;
  return { bytes, nextOffset, oldestMs, newestMs, producers };
}

async function writeBoundary(
  { disk, syncGate }: LogEnvironment,
  segment: Segment,
  told: Omit<GroupBoundary, "sequence" | "state">,
): Promise<void> {
  const slots = await slotsOf(disk, segment);
  const present = slots.find(({ state, bytes }) => state === "sealed" && bytes === segment.bytes);
  let sequence = (slots[0]?.sequence ?? 0) + 1;
  // The slot that tells of the present file stays.
  if (present !== undefined && sequence % 2 === present.sequence % 2) sequence++;
  const boundary: GroupBoundary = { ...told, sequence, state: "sealed", followed: true };
  const sidecar = await disk.open(segment.sidecarPath, { create: true });
  try {
    if (slots.length === 0) {
      const { baseOffset } = segment;
      await initializeSidecar(sidecar, { ...factsOf(segment), baseOffset });
      await syncGate.run(() => sidecar.sync());
    }
    const bytes = encodeBoundary(boundary);
    await syncGate.run(() => sidecar.writeSynced([bytes], slotOf(boundary)));
  } finally {
    await sidecar.close();
  }
}

async function slotsOf(disk: Disk, segment: Segment): Promise<readonly GroupBoundary[]> {
  assert(segment.nextOffset > segment.baseOffset, "an empty segment is not compacted");
  const sidecar = await disk.readFile(segment.sidecarPath);
  return sidecar === undefined ? [] : readSlots(sidecar);
}
