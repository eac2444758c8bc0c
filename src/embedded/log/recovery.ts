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
import { findIntactBatch, scanBatches, type Place } from "./segment/batch-scan.ts";
import { damagedActive, damagedError, DamageFound, type DamagedRange } from "./segment/damage.ts";
import type { DiskFile } from "./disk.ts";
import { readSidecar, type GroupBoundary } from "./format/group-boundary.ts";
import type { LogEnvironment } from "./log-environment.ts";
import { Segment, segmentName } from "./segment/segment.ts";
import type { SegmentedLogParts } from "./segmented-log.ts";
import { createSegment, initializeSidecar, SegmentWriter } from "./segment/segment-writer.ts";

const LOG_NAME = /^(\d{20})\.log$/;
const REWRITE_BYTES = 1024 * 1024;

export async function recoverPartition(
  environment: LogEnvironment,
  directory: string,
): Promise<SegmentedLogParts> {
  const { disk } = environment;
  await disk.makeDirectory(directory);
  const bases = await listSegments(environment, directory);
  const last = bases.pop();
  if (last === undefined) {
    const writer = await createSegment(environment, directory, 0);
    return { environment, segments: [writer.segment], writer, stopped: undefined };
  }
  const sealed: Segment[] = [];
  for (const [index, base] of bases.entries()) {
    sealed.push(await openSealed(environment, directory, base, bases[index + 1] ?? last));
  }
  const active = await openLast(environment, directory, last);
  return { environment, ...active, segments: [...sealed, ...active.segments] };
}

/** The base offsets, ascending. Removes what a crash left of segments that are gone. */
async function listSegments({ disk }: LogEnvironment, directory: string): Promise<number[]> {
  const names = await disk.list(directory);
  const bases = names.flatMap((name) => {
    const base = LOG_NAME.exec(name)?.[1];
    return base === undefined ? [] : [Number(base)];
  });
  const kept = new Set(bases.map(segmentName));
  for (const name of names) {
    const [stem = "", ...kind] = name.split(".");
    const ours =
      /^\d{20}$/.test(stem) && ["groups", "damage", "damage.new"].includes(kind.join("."));
    if (ours && (!kept.has(stem) || kind.length > 1)) await disk.remove(join(directory, name));
  }
  return bases.toSorted((a, b) => a - b);
}

/** A segment before the last one: complete, and followed by `nextBase`. */
async function openSealed(
  environment: LogEnvironment,
  directory: string,
  baseOffset: number,
  nextBase: number,
): Promise<Segment> {
  const { disk } = environment;
  const facts = { baseOffset, bytes: 0, nextOffset: baseOffset, oldestMs: 0, newestMs: 0 };
  const segment = new Segment(disk, directory, facts);
  await segment.loadDamage();
  const boundary = await readBoundary(environment, segment);
  if (boundary?.state === "sealed" && boundary.nextOffset === nextBase) {
    Object.assign(segment, reachedBy(boundary));
    return segment;
  }
  // Its sidecar is lost or contradicts its successor: only the bytes themselves can tell.
  const file = await disk.open(segment.path, {});
  try {
    const size = await file.size();
    const survey = await surveyTail(file, { position: 0, offset: baseOffset }, size);
    Object.assign(segment, { ...survey.facts, bytes: size, nextOffset: nextBase });
    if (survey.end.position < size || survey.end.offset < nextBase) {
      report(environment, segment, await segment.quarantine(survey.end));
    }
  } finally {
    await file.close();
  }
  return segment;
}

type LastSegment = Pick<SegmentedLogParts, "segments" | "writer" | "stopped">;

async function openLast(
  environment: LogEnvironment,
  directory: string,
  baseOffset: number,
): Promise<LastSegment> {
  const { disk, syncGate } = environment;
  const facts = { baseOffset, bytes: 0, nextOffset: baseOffset, oldestMs: 0, newestMs: 0 };
  const segment = new Segment(disk, directory, facts);
  const accepted = (await segment.loadDamage()) ? segment.damagedRanges.length : 0;
  const boundary = await readBoundary(environment, segment);
  if (boundary?.state === "sealed") {
    Object.assign(segment, reachedBy(boundary));
    const writer = await createSegment(environment, directory, boundary.nextOffset);
    return { segments: [segment, writer.segment], writer, stopped: undefined };
  }

  const log = await disk.open(segment.path, {});
  const sidecar = await disk.open(segment.sidecarPath, { create: true });
  const size = await log.size();
  if (boundary?.state === "clean" && boundary.bytes === size) {
    Object.assign(segment, reachedBy(boundary));
  } else {
    await recoverActive(environment, segment, { log, size, boundary });
  }
  if (boundary === undefined) await initializeSidecar(sidecar, facts);
  const sequence = boundary?.sequence ?? 0;
  const writer = new SegmentWriter({ segment, log, sidecar, syncGate, sequence });
  const [damage] = segment.damagedRanges;
  if (damage === undefined) {
    await writer.bound();
    return { segments: [segment], writer, stopped: undefined };
  }
  if (segment.damagedRanges.length > accepted) {
    return { segments: [segment], writer, stopped: damagedActive(segment.path, damage) };
  }
  // The loss was accepted: the damaged segment is left as it is and the log goes on behind it.
  await writer.bound("sealed");
  const next = await createSegment(environment, directory, writer.nextOffset);
  await writer.close();
  return { segments: [segment, next.segment], writer: next, stopped: undefined };
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
      await segment.scan({ verify: true, onBatch: () => undefined });
      whole = true;
    } catch (error) {
      if (!(error instanceof DamageFound)) throw error;
      report(environment, segment, await segment.quarantine(error));
    }
  }
}

interface Survey {
  readonly end: Place;
  readonly facts: { readonly oldestMs: number; readonly newestMs: number };
}

/** Follows whole batches from a place on, as far as they go. */
async function surveyTail(file: DiskFile, from: Place, endPosition: number): Promise<Survey> {
  let oldestMs = 0;
  let newestMs = 0;
  const end = await scanBatches(file, {
    from,
    endPosition,
    verify: true,
    onBatch: (header) => {
      oldestMs ||= header.baseMs;
      newestMs = Math.max(newestMs, header.newestMs);
    },
  });
  return { end, facts: { oldestMs, newestMs } };
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

function reachedBy({ bytes, nextOffset, oldestMs, newestMs }: GroupBoundary): Partial<Segment> {
  return { bytes, nextOffset, oldestMs, newestMs };
}

function report({ log }: LogEnvironment, segment: Segment, range: DamagedRange): void {
  const error = damagedError(segment.path, range);
  log.error({ code: error.code, ...error.details }, error.message);
}
