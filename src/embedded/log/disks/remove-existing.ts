import type { Disk } from "../disk.ts";
import { unlessMissing } from "./unless-missing.ts";

/** Somebody may have removed it before us, by hand. */
export async function removeExisting(disk: Disk, path: string): Promise<void> {
  await unlessMissing(disk.remove(path));
}
