import type { Disk } from "./log/open-log.ts";

/**
 * Makes a directory durably, once for all that ask: it lies above those that are made side by side, and
 * to make one of them durable does not tell whether this one is yet. Tried again where it failed.
 */
export function sharedPlace(disk: Disk, directory: string): () => Promise<void> {
  let made: Promise<void> | undefined;
  return () =>
    (made ??= disk.makeDirectory(directory).catch((error: unknown) => {
      made = undefined;
      throw error;
    }));
}
