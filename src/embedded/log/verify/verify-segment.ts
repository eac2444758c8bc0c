/** One segment, read whole: checksums, offsets without a gap, its sidecar and what is noted of damage. */

import { join } from "node:path";
import type { LogProblem } from "../../../broker/upkeep/upkeep.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { errorCode } from "../disks/error-code.ts";
import { readSlots } from "../format/group-boundary.ts";
import type { SegmentCut } from "../log-registry.ts";
import { decodeSnapshot } from "../producers/producer-snapshot.ts";
import { findIntactBatch, scanBatches, type Place } from "../segment/batch-scan.ts";
import {
  isMissing,
  readDamageNote,
  type DamagedRange,
  type DamageNote,
} from "../segment/damage.ts";
import { segmentName } from "../segment/segment-facts.ts";
import { Segment } from "../segment/segment.ts";

export type Found = Omit<LogProblem, "log" | "partition">;

export interface SegmentPlace {
  readonly disk: Disk;
  readonly directory: string;
  readonly facts: SegmentCut;
  /** The first offset of the next segment, where there is one. */
  readonly follower: number | undefined;
}

export interface SegmentFindings {
  readonly found: readonly Found[];
  readonly batches: number;
  readonly records: number;
}

export async function verifySegment(place: SegmentPlace): Promise<SegmentFindings> {
  const { disk, directory, facts } = place;
  const segment = new Segment(disk, directory, facts);
  let file: DiskFile;
  try {
    file = await disk.open(segment.path, {});
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    const { baseOffset: offset, nextOffset } = facts;
    const found = { offset, nextOffset, file: segment.path, message: "the segment is missing" };
    return { found: [found], batches: 0, records: 0 };
  }
  try {
    const note = await readDamageNote(disk, segment.damagePath);
    const contents = await verifyContents(file, segment, { facts, note });
    const found = [...contents.found, ...(await verifySidecar(place, segment))];
    return { ...contents, found };
  } finally {
    await file.close();
  }
}

async function verifyContents(
  file: DiskFile,
  { path }: Segment,
  { facts, note }: { readonly facts: SegmentCut; readonly note: DamageNote },
): Promise<SegmentFindings> {
  const found: Found[] = [];
  const endPosition = facts.bytes;
  let batches = 0;
  let records = 0;
  let place: Place = { position: 0, offset: facts.baseOffset };
  for (;;) {
    const { position: at, offset } = place;
    const known = note.ranges.find((one) => one.position === at && one.nextOffset > offset);
    if (known !== undefined) {
      if (!note.accepted) found.push(lost(path, known));
      place = { position: known.nextPosition, offset: known.nextOffset };
      continue;
    }
    if (at >= endPosition) break;
    const noted = note.ranges.find(({ position }) => position > place.position)?.position;
    const end = noted ?? endPosition;
    const reached = await scanBatches(file, {
      from: place,
      endPosition: end,
      verify: true,
      onBatch: ({ count }) => {
        batches++;
        records += count;
      },
    });
    place = reached;
    if (reached.position >= end) continue;
    const next = await findIntactBatch(file, reached, end);
    place = next ?? { position: end, offset: facts.nextOffset };
    found.push(lost(path, rangeOf(reached, place)));
  }
  if (place.offset !== facts.nextOffset) {
    found.push(lost(path, rangeOf(place, { ...place, offset: facts.nextOffset })));
  }
  return { found, batches, records };
}

function rangeOf(from: Place, to: Place): DamagedRange {
  const positions = { position: from.position, nextPosition: to.position };
  return { ...positions, firstOffset: from.offset, nextOffset: to.offset };
}

function lost(file: string, range: DamagedRange): Found {
  const { firstOffset: offset, nextOffset } = range;
  const what = isMissing(range) ? "are missing: the files that held them are gone" : "are damaged";
  return { offset, nextOffset, file, message: `offsets ${offset} to ${nextOffset - 1} ${what}` };
}

async function verifySidecar(
  { disk, facts, follower }: SegmentPlace,
  { sidecarPath: file }: Segment,
): Promise<readonly Found[]> {
  const { nextOffset: offset } = facts;
  const problem = (message: string): readonly Found[] => [
    { offset, nextOffset: offset, file, message },
  ];
  const bytes = await disk.readFile(file);
  const slots = bytes === undefined ? [] : readSlots(bytes);
  if (slots.length === 0)
    return problem("the sidecar is missing, or neither of its slots is whole");
  if (follower === undefined) return [];
  if (follower !== facts.nextOffset) {
    return problem(`the next segment begins at ${follower}, and this one ends at ${offset}`);
  }
  const right = slots.some(
    (slot) => slot.state === "sealed" && slot.bytes === facts.bytes && slot.nextOffset === offset,
  );
  return right ? [] : problem("the sidecar says otherwise than the segment");
}

/** Of what is known of producers; a snapshot that is torn is made up for by reading the log. */
export async function verifySnapshots(
  disk: Disk,
  directory: string,
): Promise<{ readonly count: number; readonly found: readonly Found[] }> {
  const found: Found[] = [];
  let count = 0;
  for (const name of await disk.list(directory)) {
    if (!name.endsWith(".producers")) continue;
    const file = join(directory, name);
    const bytes = await disk.readFile(file);
    if (bytes === undefined) continue;
    count++;
    const offset = Number(name.slice(0, 20));
    const snapshot = decodeSnapshot(bytes);
    if (snapshot !== undefined && name.startsWith(segmentName(snapshot.offset))) continue;
    const message = "the snapshot of producers is not whole";
    found.push({ offset, nextOffset: offset, file, message });
  }
  return { count, found };
}
