/**
 * Opens a partition, whatever the last process and the power left of it.
 *
 * What a sidecar's boundary covers was synced: anything wrong there is damage, which is noted and
 * reported and never cut. What lies behind the last boundary may be half-written: it is kept as far
 * as it is whole, and the rest is cut.
 *
 * What is kept of it is written once more and synced before the partition opens. The page cache may
 * hold bytes that a failed sync never brought to the disk; served to a reader and then lost in a power
 * cut, they would have been an offset that means two things.
 *
 * Sealed segments are believed by their boundary and verified when read, so that a start does not
 * read the whole log; so is the last segment after an orderly stop.
 */

import { join } from "node:path";
import type { MillraceError } from "../../model/errors.ts";
import { findIntactBatch, scanBatches, type Place } from "./segment/batch-scan.ts";
import { damagedActive, DamageFound } from "./segment/damage.ts";
import type { DiskFile } from "./disk.ts";
import {
  encodeBoundary,
  readSidecar,
  readSlots,
  slotOf,
  type GroupBoundary,
} from "./format/group-boundary.ts";
import type { LogEnvironment } from "./log-environment.ts";
import { standInForLost } from "./lost-files.ts";
import type { PartitionLogOptions } from "./partition-log.ts";
import { emptySnapshot, PartitionProducers } from "./producers/partition-producers.ts";
import { restoreProducers } from "./producers/restore-producers.ts";
import { emptyFacts, segmentName, type SegmentFacts } from "./segment/segment-facts.ts";
import { Segment } from "./segment/segment.ts";
import { noteDamage } from "./segment/note-damage.ts";
import type { RestoredProducers } from "./producers/snapshot-keeper.ts";
import {
  createSegment,
  followerOf,
  initializeSidecar,
  SegmentWriter,
} from "./segment/segment-writer.ts";

const LOG_NAME = /^(\d{20})\.log$/;
/** What may stand beside a segment. */
const SIDE_KINDS: readonly string[] = ["groups", "damage", "damage.new", "producers", "clean"];
/** Halves of something that a crash has cut short. */
const LEFT_KINDS: readonly string[] = ["damage.new", "clean"];
const REWRITE_BYTES = 1024 * 1024;
/** Sealed segments of one partition that are opened side by side. */
const OPENED_TOGETHER = 16;

export interface RecoveredPartition {
  readonly environment: LogEnvironment;
  /** The oldest first; the last one is `writer`'s. */
  readonly segments: readonly Segment[];
  readonly writer: SegmentWriter;
  /** Damage that was found in the segment that was being written. */
  readonly stopped: MillraceError | undefined;
  readonly restored: RestoredProducers;
}

export async function recoverPartition(
  environment: LogEnvironment,
  { directory, madeUpTo }: Pick<PartitionLogOptions, "directory" | "madeUpTo">,
): Promise<RecoveredPartition> {
  const { disk } = environment;
  await disk.makeDirectory(directory);
  await standInForLost(environment, directory, madeUpTo);
  const { bases, snapshots, noted } = await listSegments(environment, directory);
  const last = bases.pop();
  if (last === undefined) {
    const beginning = { baseOffset: 0, producers: false, logStart: 0 };
    const writer = await createSegment(environment, directory, beginning);
    const segments = [writer.segment];
    const { producerKeepMs: keepMs } = environment;
    const producers = new PartitionProducers({ snapshot: emptySnapshot(0), keepMs });
    const restored = { producers, snapshotAt: undefined };
    return { environment, segments, writer, stopped: undefined, restored };
  }
  const sealed: Segment[] = [];
  for (let first = 0; first < bases.length; first += OPENED_TOGETHER) {
    const opening = bases.slice(first, first + OPENED_TOGETHER).map((baseOffset, index) => {
      const nextBase = bases[first + index + 1] ?? last;
      const isNoted = noted.has(baseOffset);
      return openSealed(environment, directory, { baseOffset, nextBase, isNoted });
    });
    sealed.push(...(await Promise.all(opening)));
  }
  const active = await openLast(environment, directory, {
    baseOffset: last,
    producers: snapshots.length > 0,
    isNoted: noted.has(last),
    oldest: sealed[0],
  });
  const segments = [...sealed, ...active.segments];
  const restored = await restoreProducers(environment, { directory, segments, snapshots });
  return { environment, ...active, segments, restored };
}

interface Listing {
  /** First offsets of segments, ascending. */
  readonly bases: number[];
  /** Offsets of snapshots of producers, ascending. */
  readonly snapshots: readonly number[];
  /** First offsets of segments in which damage was found. */
  readonly noted: ReadonlySet<number>;
}

/** Removes what a crash left of segments that are gone. */
async function listSegments({ disk }: LogEnvironment, directory: string): Promise<Listing> {
  const names = await disk.list(directory);
  const bases = names.flatMap((name) => {
    const base = LOG_NAME.exec(name)?.[1];
    return base === undefined ? [] : [Number(base)];
  });
  const kept = new Set(bases.map(segmentName));
  const last = segmentName(Math.max(0, ...bases));
  const snapshots: number[] = [];
  const noted = new Set<number>();
  for (const name of names) {
    const [stem = "", ...kinds] = name.split(".");
    const kind = kinds.join(".");
    if (!/^\d{20}$/.test(stem) || !SIDE_KINDS.includes(kind)) continue;
    // The snapshot of an orderly stop lies within the last segment.
    const useful = kept.has(stem) || (kind === "producers" && stem > last);
    if (!useful || LEFT_KINDS.includes(kind)) await disk.remove(join(directory, name));
    else if (kind === "producers") snapshots.push(Number(stem));
    else if (kind === "damage") noted.add(Number(stem));
  }
  return { bases: bases.toSorted((a, b) => a - b), snapshots, noted };
}

interface SealedPlace {
  readonly baseOffset: number;
  readonly nextBase: number;
  readonly isNoted: boolean;
}

/** A segment before the last one: complete, and followed by `nextBase`. */
async function openSealed(
  environment: LogEnvironment,
  directory: string,
  { baseOffset, nextBase, isNoted }: SealedPlace,
): Promise<Segment> {
  const { disk } = environment;
  const segment = new Segment(disk, directory, emptyFacts(baseOffset, false));
  if (isNoted) await segment.loadDamage();
  const boundary = await readSealed(environment, segment, nextBase);
  if (boundary !== undefined) {
    Object.assign(segment, reachedBy(boundary));
    return segment;
  }
  // Its sidecar is lost or contradicts its file or its successor: only the bytes themselves can tell.
  const file = await disk.open(segment.path, {});
  try {
    const size = await file.size();
    const survey = await surveyTail(file, { position: 0, offset: baseOffset }, size);
    Object.assign(segment, { ...survey.facts, bytes: size, nextOffset: nextBase });
    if (survey.end.position < size || survey.end.offset < nextBase) {
      await noteDamage(environment.log, segment, survey.end);
    }
  } finally {
    await file.close();
  }
  return segment;
}

type LastSegment = Pick<RecoveredPartition, "segments" | "writer" | "stopped">;

interface LastPlace extends Pick<SegmentFacts, "baseOffset" | "producers"> {
  readonly isNoted: boolean;
  /** Undefined where the last one is the only one. */
  readonly oldest: Segment | undefined;
}

async function openLast(
  environment: LogEnvironment,
  directory: string,
  place: LastPlace,
): Promise<LastSegment> {
  const { disk, syncGate } = environment;
  const { baseOffset, producers, isNoted } = place;
  const facts = emptyFacts(baseOffset, producers);
  const segment = new Segment(disk, directory, facts);
  const { oldest = segment } = place;
  const accepted = isNoted && (await segment.loadDamage()) ? segment.damagedRanges.length : 0;
  const boundary = await readBoundary(environment, segment);
  if (boundary?.state === "sealed") {
    Object.assign(segment, reachedBy(boundary));
    segment.producers ||= producers;
    const writer = await createSegment(environment, directory, followerOf(segment, oldest));
    await tellFollowed(environment, segment, boundary);
    return { segments: [segment, writer.segment], writer, stopped: undefined };
  }

  const log = await disk.open(segment.path, {});
  const sidecar = await disk.open(segment.sidecarPath, { create: true });
  const size = await log.size();
  // Whatever is appended from here on makes the file longer than this boundary says.
  const isClean = boundary?.state === "clean" && boundary.bytes === size;
  if (isClean) {
    Object.assign(segment, reachedBy(boundary));
  } else {
    await recoverActive(environment, segment, { log, size, boundary });
  }
  segment.producers ||= producers;
  const logStart = oldest.baseOffset;
  if (boundary === undefined) await initializeSidecar(sidecar, facts, logStart);
  const sequence = boundary?.sequence ?? 0;
  const writer = new SegmentWriter({ segment, log, sidecar, syncGate, sequence, logStart });
  const [damage] = segment.damagedRanges;
  if (damage === undefined) {
    if (!isClean) await writer.bound();
    return { segments: [segment], writer, stopped: undefined };
  }
  if (segment.damagedRanges.length > accepted) {
    const stopped = damagedActive(segment.path, damage);
    environment.log.error({ code: stopped.code, ...stopped.details }, stopped.message);
    return { segments: [segment], writer, stopped };
  }
  // The loss was accepted: the damaged segment is left as it is and the log goes on behind it.
  await writer.bound("sealed");
  const next = await createSegment(environment, directory, followerOf(segment, oldest));
  await writer.follow();
  await writer.close();
  return { segments: [segment, next.segment], writer: next, stopped: undefined };
}

/** A crash came between the end of the segment and the next one's beginning, which is there now. */
async function tellFollowed(
  { disk, syncGate }: LogEnvironment,
  { sidecarPath }: Segment,
  boundary: GroupBoundary,
): Promise<void> {
  const sidecar = await disk.open(sidecarPath, {});
  try {
    const next = { ...boundary, sequence: boundary.sequence + 1, followed: true };
    await syncGate.run(() => sidecar.writeSynced([encodeBoundary(next)], slotOf(next)));
  } finally {
    await sidecar.close();
  }
}

interface ActiveFile {
  readonly log: DiskFile;
  readonly size: number;
  readonly boundary: GroupBoundary | undefined;
}

/** Verifies all of the segment, cuts its tail, notes its damage. */
async function recoverActive(
  environment: LogEnvironment,
  segment: Segment,
  { log, size, boundary }: ActiveFile,
): Promise<void> {
  const start: Place = { position: 0, offset: segment.baseOffset };
  const bounded: Place =
    boundary === undefined
      ? await boundedByContents(log, start, size)
      : { position: boundary.bytes, offset: boundary.nextOffset };
  Object.assign(segment, {
    bytes: bounded.position,
    nextOffset: bounded.offset,
    oldestMs: boundary?.oldestMs ?? 0,
    newestMs: boundary?.newestMs ?? 0,
    producers: boundary?.producers ?? false,
  });
  await verifyBounded(environment, segment);

  const tail = await surveyTail(log, bounded, size);
  await makeDurable(environment, log, { bounded, end: tail.end, size });
  if (tail.end.position < size) {
    environment.log.warn(
      { file: segment.path, from: tail.end.position, bytes: size - tail.end.position },
      "cut the unfinished end of a segment; nothing in it was acknowledged as durable",
    );
  }
  segment.bytes = tail.end.position;
  segment.nextOffset = tail.end.offset;
  segment.oldestMs ||= tail.facts.oldestMs;
  segment.newestMs = Math.max(segment.newestMs, tail.facts.newestMs);
  segment.producers ||= tail.facts.producers;
  segment.index = undefined;
}

/**
 * Without a sidecar: whole batches that others follow were synced, for a group is written only after
 * the sync of the one before; so what is wrong in front of an intact batch is damage.
 */
async function boundedByContents(log: DiskFile, start: Place, size: number): Promise<Place> {
  let { end } = await surveyTail(log, start, size);
  for (;;) {
    const next = await findIntactBatch(log, end, size);
    if (next === undefined) return end;
    ({ end } = await surveyTail(log, next, size));
  }
}

/** Reads everything that was synced, and notes what is damaged. */
async function verifyBounded(environment: LogEnvironment, segment: Segment): Promise<void> {
  for (let whole = false; !whole;) {
    try {
      await segment.scan({
        verify: true,
        onBatch: ({ producerId }) => (segment.producers ||= producerId >= 0),
      });
      whole = true;
    } catch (error) {
      if (!(error instanceof DamageFound)) throw error;
      await noteDamage(environment.log, segment, error);
    }
  }
}

interface Survey {
  readonly end: Place;
  readonly facts: Pick<SegmentFacts, "oldestMs" | "newestMs" | "producers">;
}

/** Follows whole batches from a place on, as far as they go. */
async function surveyTail(file: DiskFile, from: Place, endPosition: number): Promise<Survey> {
  let oldestMs = 0;
  let newestMs = 0;
  let producers = false;
  const end = await scanBatches(file, {
    from,
    endPosition,
    verify: true,
    onBatch: (header) => {
      oldestMs ||= header.baseMs;
      newestMs = Math.max(newestMs, header.newestMs);
      producers ||= header.producerId >= 0;
    },
  });
  return { end, facts: { oldestMs, newestMs, producers } };
}

/** Writes what was in doubt once more, cuts what is behind it, and syncs. */
async function makeDurable(
  { syncGate }: LogEnvironment,
  log: DiskFile,
  { bounded, end, size }: { readonly bounded: Place; readonly end: Place; readonly size: number },
): Promise<void> {
  for (let at = bounded.position; at < end.position; at += REWRITE_BYTES) {
    const bytes = await log.read(at, Math.min(REWRITE_BYTES, end.position - at));
    await log.write([bytes], at);
  }
  if (end.position < size) await log.truncate(end.position);
  await syncGate.run(() => log.sync());
}

async function readBoundary(
  { disk }: LogEnvironment,
  segment: Segment,
): Promise<GroupBoundary | undefined> {
  const sidecar = await disk.readFile(segment.sidecarPath);
  const boundary = sidecar === undefined ? undefined : readSidecar(sidecar);
  const plausible = boundary !== undefined && boundary.nextOffset >= segment.baseOffset;
  return plausible ? boundary : undefined;
}

/**
 * The boundary of a segment that ended. Compaction tells of two files: the one of the file's length is
 * meant. Otherwise a look at the file is spared.
 */
async function readSealed(
  { disk }: LogEnvironment,
  segment: Segment,
  nextBase: number,
): Promise<GroupBoundary | undefined> {
  const sidecar = await disk.readFile(segment.sidecarPath);
  const slots = sidecar === undefined ? [] : readSlots(sidecar);
  const sealed = slots.filter(
    ({ state, nextOffset }) => state === "sealed" && nextOffset === nextBase,
  );
  if (
    slots.length === 2 &&
    sealed.length > 0 &&
    sealed.every(({ bytes }) => bytes === sealed[0]!.bytes)
  ) {
    return sealed[0];
  }
  const file = await disk.open(segment.path, {});
  try {
    const size = await file.size();
    return sealed.find(({ bytes }) => bytes === size);
  } finally {
    await file.close();
  }
}

function reachedBy(boundary: GroupBoundary): Partial<Segment> {
  const { bytes, nextOffset, oldestMs, newestMs, producers, compacted } = boundary;
  return { bytes, nextOffset, oldestMs, newestMs, producers, compacted };
}
