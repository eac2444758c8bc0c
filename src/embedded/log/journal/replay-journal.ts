/**
 * Brings what a crash left in the journal to the segments, before any partition is opened.
 *
 * Each batch is written to its place again, also where it stands already: what the journal holds is
 * right, and so it mends what has rotted since. Behind that the segment is synced and gets a boundary at
 * the end of what was acknowledged, so a hole that damage in the journal leaves is found as damage and
 * not cut as an unfinished end. Then the journal goes. A crash on the way leaves it, and all of this is
 * done again.
 *
 * Only the last segment of a log is written to, and only where it has not ended: what has was synced as
 * a whole, and may have been compacted since. A log or a segment that is not there was deleted.
 */

import { join } from "node:path";
import type { Log } from "../../../model/environment.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { removeExisting } from "../disks/remove-existing.ts";
import {
  encodeBoundary,
  readSidecar,
  slotOf,
  type GroupBoundary,
} from "../format/group-boundary.ts";
import { readDamageNote } from "../segment/damage.ts";
import { segmentName } from "../segment/segment-facts.ts";
import { readJournal, type JournalContents, type JudgedPart } from "./journal-contents.ts";
import { damagedName, LOOK_AT_JOURNAL } from "./damaged-journals.ts";
import { JOURNAL, NEW_JOURNAL, removeJournalFile } from "./journal-file.ts";

/** Segments that are mended side by side. */
const TOGETHER = 4;
const LAST_SEGMENT = /^\d{20}\.log$/;

/** Throws Node's own errors; the journal is still there then. */
export async function replayJournal(disk: Disk, log: Log, directory: string): Promise<void> {
  await removeExisting(disk, join(directory, NEW_JOURNAL));
  const path = join(directory, JOURNAL);
  const bytes = await disk.readFile(path);
  if (bytes === undefined) {
    // The process that removed it may have ended before that was durable.
    await disk.syncDirectory(directory);
    return;
  }
  const contents = readJournal(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  const { entries, damage } = contents;
  const left = [...bySegment(contents)];
  const count = left.length;
  const mend = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      await mendSegment(disk, directory, next);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, mend));
  if (damage.length === 0) {
    await removeJournalFile(disk, directory);
    log.info(
      { file: path, entries: entries.length, segments: count },
      "replayed the commit journal",
    );
    return;
  }
  const kept = join(directory, damagedName(entries.at(-1)?.sequence ?? 0));
  await disk.rename(path, kept);
  await disk.syncDirectory(directory);
  log.error(
    { code: "LOG_DAMAGED", file: kept, damage },
    `the commit journal is damaged (${damage.join("; ")}); what it held beside that is in its segments. ` +
      `${kept}: ${LOOK_AT_JOURNAL}`,
  );
}

/** Parts of one segment, the oldest first. */
function bySegment({ entries }: JournalContents): Iterable<readonly JudgedPart[]> {
  const segments = new Map<string, JudgedPart[]>();
  for (const part of entries.flatMap(({ parts }) => parts)) {
    const key = `${part.path}/${part.baseOffset}`;
    const parts = segments.get(key);
    if (parts === undefined) segments.set(key, [part]);
    else parts.push(part);
  }
  return segments.values();
}

async function mendSegment(
  disk: Disk,
  directory: string,
  parts: readonly JudgedPart[],
): Promise<void> {
  const { path, baseOffset } = parts[0]!;
  const log = join(directory, ...path.split("/"));
  const name = segmentName(baseOffset);
  const names = await disk.list(log);
  if (names.findLast((one) => LAST_SEGMENT.test(one)) !== `${name}.log`) return;
  const sidecar = await disk.readFile(join(log, `${name}.groups`));
  const boundary = sidecar === undefined ? undefined : readSidecar(sidecar);
  if (boundary?.state === "sealed") return;
  await withFile(disk, join(log, `${name}.log`), async (file) => {
    for (const { batches, position, intact } of parts) {
      if (intact) await file.write([batches], position);
    }
    await file.sync();
  });
  await forgetDamage(disk, join(log, `${name}.damage`), boundary);
  const { position, bytes, nextOffset, oldestMs, newestMs, producers } = parts.at(-1)!;
  const end = position + bytes;
  // Without a boundary at all the recovery of the log tells by the batches themselves.
  if (boundary === undefined || boundary.bytes >= end) return;
  const facts = { bytes: end, nextOffset, oldestMs, newestMs, producers };
  const { sequence, logStart } = boundary;
  const next = { ...facts, sequence: sequence + 1, state: "open" as const, logStart };
  await withFile(disk, join(log, `${name}.groups`), (file) =>
    file.writeSynced([encodeBoundary(next)], slotOf(next)),
  );
}

/**
 * What was damaged may be whole now: the recovery of the log reads all of the segment and notes what is
 * not. A loss that somebody accepted stays as it is.
 */
async function forgetDamage(
  disk: Disk,
  path: string,
  boundary: GroupBoundary | undefined,
): Promise<void> {
  if (boundary?.state === "clean") return;
  const { ranges, accepted } = await readDamageNote(disk, path);
  if (ranges.length > 0 && !accepted) await removeExisting(disk, path);
}

async function withFile(
  disk: Disk,
  path: string,
  use: (file: DiskFile) => Promise<void>,
): Promise<void> {
  const file = await disk.open(path, {});
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
