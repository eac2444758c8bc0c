import type { Disk } from "../disk.ts";
import { errorCode } from "./error-code.ts";

/** Somebody may have removed it before us, by hand. */
export async function removeExisting(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}
