/**
 * Mends a broker's directory that nobody has open: what can be told again from the segments is told
 * again, and a loss is accepted where a person names it. No record is changed.
 *
 * A segment that has ended gets a sidecar that says what its bytes say; a snapshot of producers that is
 * torn is removed, for the next start reads the log instead. Damage is noted, as the read that meets it
 * would do; its note is `accepted` when all the ranges in it were named.
 */

import { join, relative, sep } from "node:path";
import { removeExisting } from "../disks/remove-existing.ts";
import { writeWhole } from "../disks/write-whole.ts";
import { encodeBoundary, SIDECAR_BYTES, slotOf } from "../format/group-boundary.ts";
import { damagedJournals, LOOK_AT_JOURNAL } from "../journal/damaged-journals.ts";
import type { LogEnvironment } from "../log-environment.ts";
import { openPartitionLog, type PartitionLogOptions } from "../open-log.ts";
import type { SegmentCut } from "../log-registry.ts";
import { DamageFound, readDamageNote, writeDamageNote } from "../segment/damage.ts";
import { Segment } from "../segment/segment.ts";
import { noteDamage } from "../segment/note-damage.ts";
import { logNameOf, shownLog } from "./log-name.ts";
import { verifySegment, verifySnapshots } from "./verify-segment.ts";

/** Offsets from `offset` up to, without, `nextOffset`, in the log that is shown so. */
export interface LostRange {
  readonly log: string;
  readonly partition: number;
  readonly offset: number;
  readonly nextOffset: number;
}

export interface Repair {
  readonly log: string;
  readonly partition: number;
  readonly file: string;
  readonly what: string;
  /** False for what needs a word of a person first. */
  readonly mended: boolean;
}

export interface RepairRequest {
  /** Every log of the directory, also those whose files are gone. */
  readonly places: readonly Pick<PartitionLogOptions, "directory" | "madeUpTo">[];
  readonly accept: readonly LostRange[];
  readonly dryRun: boolean;
}

/** The directory is locked and `path` is its own. */
export async function repairLogs(
  { path, logs }: { readonly path: string; readonly logs: LogEnvironment },
  { places, accept, dryRun }: RepairRequest,
): Promise<readonly Repair[]> {
  const repairs: Repair[] = [];
  for (const { directory, madeUpTo } of places) {
    const name = logNameOf(relative(path, directory).split(sep));
    const log = shownLog(name);
    const { partition } = name;
    const told = (file: string, what: string, mended: boolean): void => {
      repairs.push({ log, partition, file, what, mended });
    };
    const own = accept.filter((range) => range.log === log && range.partition === partition);
    for (const [segment, follower] of await segmentsOf(logs, { directory, madeUpTo })) {
      const place = { disk: logs.disk, directory, facts: segment, follower };
      const { found } = await verifySegment(place);
      const lost = found.filter(({ nextOffset, offset }) => nextOffset > offset);
      if (lost.length < found.length) {
        const { sidecarPath } = new Segment(logs.disk, directory, segment);
        const what =
          follower === undefined
            ? "the next start reads the last segment and writes its sidecar anew"
            : "the sidecar is written anew from the segment";
        told(sidecarPath, what, true);
        if (!dryRun && follower !== undefined) await writeSidecar(logs, sidecarPath, segment);
      }
      if (lost.length === 0) continue;
      const isState = name.kind === "state";
      const named = !isState && lost.every((range) => own.some((one) => isSame(one, range)));
      for (const { file, offset, nextOffset, message } of lost) {
        const range = `${log}/${partition}@${offset}-${nextOffset - 1}`;
        const remedy = isState
          ? "restore a backup: nothing stands in for what the broker knows of itself"
          : `restore a backup, or accept the loss: --accept ${range}`;
        const what = named ? `the loss of ${range} is accepted` : `${message}; ${remedy}`;
        told(file, what, named);
      }
      if (named && !dryRun) await acceptLoss(logs, new Segment(logs.disk, directory, segment));
    }
    for (const { file } of (await verifySnapshots(logs.disk, directory)).found) {
      told(file, "the torn snapshot of producers is removed; the next start reads the log", true);
      if (!dryRun) await removeExisting(logs.disk, file);
    }
  }
  for (const name of await damagedJournals(logs.disk, path)) {
    const what = `the commit journal was damaged when it was read; ${LOOK_AT_JOURNAL}`;
    repairs.push({ log: "journal", partition: 0, file: join(path, name), what, mended: false });
  }
  return repairs;
}

type Offsets = Pick<LostRange, "offset" | "nextOffset">;

function isSame(a: Offsets, b: Offsets): boolean {
  return a.offset === b.offset && a.nextOffset === b.nextOffset;
}

type Listed = readonly [segment: SegmentCut, follower: number | undefined];

/** As an opening finds them: it cuts an unfinished end, and notes damage in the last segment. */
async function segmentsOf(
  logs: LogEnvironment,
  place: RepairRequest["places"][number],
): Promise<readonly Listed[]> {
  const { directory } = place;
  const log = await openPartitionLog(logs, {
    ...place,
    durability: { mode: "fsync" },
    retention: {},
  });
  const segments = logs.open.cut().find((cut) => cut.directory === directory)?.segments ?? [];
  await log.close();
  return segments.map((segment, at) => [segment, segments[at + 1]?.baseOffset] as const);
}

async function acceptLoss(logs: LogEnvironment, segment: Segment): Promise<void> {
  await segment.loadDamage();
  const end = { position: segment.bytes, offset: segment.nextOffset };
  for (let whole = false; !whole;) {
    try {
      await segment.scan({ verify: true, onBatch: () => {} });
      whole = true;
    } catch (error) {
      if (!(error instanceof DamageFound) || error.position >= end.position) throw error;
      await noteDamage(logs.log, segment, error);
    }
  }
  await segment.release();
  const { ranges } = await readDamageNote(logs.disk, segment.damagePath);
  await writeDamageNote(logs.disk, segment.damagePath, { ranges, accepted: true });
}

async function writeSidecar(
  { disk }: LogEnvironment,
  path: string,
  { compacted, ...facts }: SegmentCut,
): Promise<void> {
  const marked = compacted === undefined ? {} : { compacted };
  const boundary = { ...facts, ...marked, sequence: 1, state: "sealed" as const, followed: true };
  const contents = Buffer.alloc(SIDECAR_BYTES);
  encodeBoundary(boundary).copy(contents, slotOf(boundary));
  await writeWhole(disk, path, contents);
  await disk.syncDirectory(join(path, ".."));
}
