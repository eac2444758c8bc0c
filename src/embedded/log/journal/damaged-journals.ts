/** Journals that were damaged when a start read them: they are kept beside the logs for people to look at. */

import type { Disk } from "../disk.ts";

export const LOOK_AT_JOURNAL: string =
  "what it held beside the damage is in its segments; see what else `millrace log verify` tells, restore a " +
  "backup where records are lost, then remove the file";

const DAMAGED = /^journal\.\d+\.damaged$/;

/** Of a journal with this newest entry. */
export function damagedName(sequence: number): string {
  return `journal.${sequence}.damaged`;
}

/** The names of those in a data directory. */
export async function damagedJournals(disk: Disk, directory: string): Promise<readonly string[]> {
  return (await disk.list(directory)).filter((name) => DAMAGED.test(name));
}
