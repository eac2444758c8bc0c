/**
 * Damage: bytes that were synced, and perhaps acknowledged, and are no longer what was written.
 *
 * The segment is left as it is. A note beside it (`….damage`, JSON) says which offsets are gone; reads
 * of them are refused with LOG_DAMAGED, all others go on. Where the damage lies in the segment that
 * is being written, nobody can say what the disk does next, so appends stop until a person has
 * looked: restored the partition from a backup, or accepted the loss.
 *
 * A checksum covers the ranges: one wrong digit would withhold records that are intact. It does not
 * cover `accepted`, which a person may set by hand; no single flipped bit makes `true` of `false`.
 */

import { MillraceError } from "../../../model/errors.ts";
import { dirname, join } from "node:path";
import type { Disk } from "../disk.ts";
import { replaceWhole } from "../disks/write-whole.ts";
import { crc32c } from "../format/crc32c.ts";

export interface DamagedRange {
  readonly position: number;
  readonly nextPosition: number;
  readonly firstOffset: number;
  /** The first offset that is readable again. */
  readonly nextOffset: number;
}

/** Whether nothing stands where the records were: their file is gone, or the files of the whole log. */
export function isMissing({ position, nextPosition }: DamagedRange): boolean {
  return position === nextPosition;
}

export interface DamageNote {
  readonly ranges: readonly DamagedRange[];
  /** Somebody accepted that these records are lost. */
  readonly accepted: boolean;
}

const NOTE_SUFFIX = ".damage";

export async function readDamageNote(disk: Disk, path: string): Promise<DamageNote> {
  const bytes = await disk.readFile(path);
  if (bytes === undefined) return { ranges: [], accepted: false };
  const note: unknown = parse(bytes);
  if (isDamageNote(note) && isWhole(note)) return { ranges: note.ranges, accepted: note.accepted };
  throw new MillraceError(
    "LOG_DAMAGED",
    `the note of damage ${path} is malformed; remove it, and it is written anew when the damage is met`,
    { details: { file: path } },
  );
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

function isDamageNote(note: unknown): note is DamageNote {
  if (typeof note !== "object" || note === null) return false;
  if (!("accepted" in note) || typeof note.accepted !== "boolean") return false;
  return "ranges" in note && Array.isArray(note.ranges) && note.ranges.every(isRange);
}

const RANGE_FIELDS = ["position", "nextPosition", "firstOffset", "nextOffset"] as const;

function isRange(range: unknown): range is DamagedRange {
  if (typeof range !== "object" || range === null) return false;
  const fields = new Map<string, unknown>(Object.entries(range));
  return RANGE_FIELDS.every((field) => Number.isSafeInteger(fields.get(field)));
}

/** The first releases wrote no checksum. */
function isWhole(note: DamageNote & { readonly crc32c?: unknown }): boolean {
  return note.crc32c === undefined || note.crc32c === checksumOf(note);
}

/** Of the numbers, in the order of `RANGE_FIELDS`, so that spaces and the order of keys do not matter. */
function checksumOf({ ranges }: DamageNote): string {
  const numbers = ranges.map((range) => RANGE_FIELDS.map((field) => range[field]).join(" "));
  return crc32c(Buffer.from(numbers.join("\n")))
    .toString(16)
    .padStart(8, "0");
}

/** Durable when it resolves, and no power cut leaves half a note. */
export async function writeDamageNote(disk: Disk, path: string, note: DamageNote): Promise<void> {
  const contents = { ...note, crc32c: checksumOf(note) };
  await replaceWhole(disk, path, Buffer.from(`${JSON.stringify(contents, null, 2)}\n`));
}

/**
 * Accepts the loss of every damaged range of a partition that is not open: from its next opening on
 * it takes appends again; reads of the lost offsets stay refused. Returns the number of ranges.
 */
export async function acceptDamage(disk: Disk, directory: string): Promise<number> {
  let count = 0;
  for (const name of await disk.list(directory)) {
    if (!name.endsWith(NOTE_SUFFIX)) continue;
    const path = join(directory, name);
    const { ranges } = await readDamageNote(disk, path);
    await writeDamageNote(disk, path, { ranges, accepted: true });
    count += ranges.length;
  }
  return count;
}

/** Damage that has no note yet begins here. */
export class DamageFound extends Error {
  override readonly name = "DamageFound";
  readonly position: number;
  readonly offset: number;

  constructor(position: number, offset: number) {
    super(`no intact batch at byte ${position}`);
    this.position = position;
    this.offset = offset;
  }
}

export function damagedError(path: string, range: DamagedRange): MillraceError {
  const { firstOffset, nextOffset, position, nextPosition } = range;
  const what = isMissing(range)
    ? `offsets ${firstOffset} to ${nextOffset - 1} are missing: the files that held them are gone from ` +
      `${dirname(path)}; restore a backup, accept the loss (millrace log repair says how), delete the ` +
      `stream or queue`
    : `offsets ${firstOffset} to ${nextOffset - 1} in ${path} are damaged (bytes ${position} to ` +
      `${nextPosition}); restore a backup`;
  return new MillraceError("LOG_DAMAGED", `${what}, or read on from offset ${nextOffset}`, {
    details: {
      file: path,
      firstOffset: range.firstOffset,
      nextOffset: range.nextOffset,
    },
  });
}

/** Why a partition whose last segment is damaged takes no appends. */
export function damagedActive(path: string, range: DamagedRange): MillraceError {
  const offsets = `offsets ${range.firstOffset} to ${range.nextOffset - 1}`;
  const what = isMissing(range)
    ? `the files that held ${offsets} are gone from ${dirname(path)}; restore a backup, delete the ` +
      `stream or queue`
    : `${offsets} in ${path}, the segment being written, are damaged; check the disk, then restore a ` +
      `backup`;
  return new MillraceError(
    "LOG_DAMAGED",
    `the partition takes no appends: ${what}, or stop the process and accept the loss (millrace log ` +
      `repair says how)`,
    { details: { file: path, firstOffset: range.firstOffset, nextOffset: range.nextOffset } },
  );
}
