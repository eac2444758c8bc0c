import type { Disk } from "../disk.ts";
import { removeExisting } from "../disks/remove-existing.ts";
import type { Segment } from "./segment.ts";

/** The segment's end is durable before what stands beside it goes: recovery removes what a crash leaves. */
export async function removeSegmentFiles(
  disk: Disk,
  directory: string,
  { path, sidecarPath, damagePath }: Segment,
): Promise<void> {
  await removeExisting(disk, path);
  await disk.syncDirectory(directory);
  await removeExisting(disk, sidecarPath);
  await removeExisting(disk, damagePath);
}
