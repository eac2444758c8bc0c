/** Snapshots of producers on the disk, one file each, named by their offset. */

import { join } from "node:path";
import type { Disk } from "../disk.ts";
import type { SyncGate } from "../commit/sync-gate.ts";
import { segmentName } from "../segment/segment-facts.ts";
import { decodeSnapshot, encodeSnapshot, type ProducerSnapshot } from "./producer-snapshot.ts";

export function snapshotPath(directory: string, offset: number): string {
  return join(directory, `${segmentName(offset)}.producers`);
}

/** Undefined where it is missing, not whole, or another one's. */
export async function readSnapshot(
  disk: Disk,
  directory: string,
  offset: number,
): Promise<ProducerSnapshot | undefined> {
  const bytes = await disk.readFile(snapshotPath(directory, offset));
  const snapshot = bytes === undefined ? undefined : decodeSnapshot(bytes);
  return snapshot?.offset === offset ? snapshot : undefined;
}

/**
 * Its contents are durable when it resolves. Its name need not be: one that is lost is made again from
 * the log.
 */
export async function writeSnapshot(
  { disk, syncGate }: { readonly disk: Disk; readonly syncGate: SyncGate },
  directory: string,
  snapshot: ProducerSnapshot,
): Promise<void> {
  const file = await disk.open(snapshotPath(directory, snapshot.offset), { create: true });
  try {
    await file.truncate(0);
    await file.write([encodeSnapshot(snapshot)], 0);
    await syncGate.run(() => file.sync());
  } finally {
    await file.close();
  }
}
