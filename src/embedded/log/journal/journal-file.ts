/** The journal's one file: making it, and removing it when all it says is in the segments. */

import { join } from "node:path";
import type { Disk, DiskFile } from "../disk.ts";
import { removeExisting } from "../disks/remove-existing.ts";
import { ALIGNED_BYTES, encodeHead, type JournalHead } from "./journal-entry.ts";

export const JOURNAL = "journal";
/** Of a journal that is being made: a crash may leave it. */
export const NEW_JOURNAL = "journal.new";
const ZEROS_BYTES = 1024 * 1024;

export function journalBytes(halfBytes: number): number {
  return ALIGNED_BYTES + 2 * halfBytes;
}

/**
 * Makes a journal of zeros, durable with its name: its entries then change neither the file's size nor
 * its blocks, so syncing one is writing it. Undefined where `signal` has ended it; nothing is left then,
 * nor where it throws.
 */
export async function makeJournalFile(
  disk: Disk,
  directory: string,
  { signal, ...head }: JournalHead & { readonly signal: AbortSignal },
): Promise<DiskFile | undefined> {
  const temporary = join(directory, NEW_JOURNAL);
  const path = join(directory, JOURNAL);
  let made: DiskFile | undefined;
  const file = await disk.open(temporary, { create: true });
  try {
    const size = journalBytes(head.halfBytes);
    const zeros = Buffer.alloc(Math.min(ZEROS_BYTES, size));
    for (let at = 0; at < size && !signal.aborted; at += zeros.length) {
      await file.write([zeros.subarray(0, Math.min(zeros.length, size - at))], at);
    }
    if (signal.aborted) return undefined;
    await file.write([encodeHead(head)], 0);
    await file.sync();
    await disk.rename(temporary, path);
    await disk.syncDirectory(directory);
    // Under its name: a file may be opened once more for synced writes.
    made = await disk.open(path, {});
    return made;
  } finally {
    await file.close();
    if (made === undefined) {
      await removeExisting(disk, temporary);
      await removeJournalFile(disk, directory);
    }
  }
}

/**
 * Removes the journal, durably: one that came back after a power cut would speak of a life whose
 * unfinished end the next one has written over.
 */
export async function removeJournalFile(disk: Disk, directory: string): Promise<void> {
  await removeExisting(disk, join(directory, JOURNAL));
  await disk.syncDirectory(directory);
}
