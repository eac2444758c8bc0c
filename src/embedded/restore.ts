/**
 * A broker's directory from a backup, made ready for a new life: nobody who had something from the life
 * that went on after the backup can pass for an owner in this one.
 *
 * Its generation jumps, so leases and assignments of the lost life are older than any of the new one's;
 * so does the number from which producers get their ids. What keeps messages of restored services from
 * looking like repeats is the epoch of their stores, which is the caller's to renew.
 */

import { join } from "node:path";
import type { Environment } from "../model/environment.ts";
import { GENERATION } from "./broker-directory.ts";
import { PRODUCER_IDS } from "./kafka/transactions/producer-ids.ts";
import { KeyedLog } from "./keyed-log.ts";
import { restoreBackup, type RestoreRequest, type Restored } from "./log/backup/restore-backup.ts";
import { createNodeDisk } from "./log/disks/node-disk.ts";
import { openDataDirectory, type DataDirectoryOptions } from "./log/directory/data-directory.ts";

/** More openings than a lost life can have had since its backup. */
const GENERATIONS = 65_536;
/** More ids than it can have given out. */
const IDS = 1_000_000_000;

export interface RestoreOptions extends Omit<RestoreRequest, "prepare"> {
  readonly environment: Environment;
  /** Makes the stores in the directory ready for their new life. */
  readonly renewStores: (directory: string) => Promise<void>;
}

/** Throws as `restoreBackup` does. */
export function restore({
  environment,
  renewStores,
  ...request
}: RestoreOptions): Promise<Restored> {
  return restoreBackup({
    ...request,
    prepare: async (gathered) => {
      const directory = join(gathered, "broker");
      await fenceLostLife(environment, { directory, disk: createNodeDisk() });
      await renewStores(join(gathered, "stores"));
    },
  });
}

/** Makes all that the lost life gave out older than what the directory gives out from now on. */
export async function fenceLostLife(
  environment: Pick<Environment, "clock" | "ids" | "log">,
  place: DataDirectoryOptions,
): Promise<void> {
  await using data = await openDataDirectory(environment, place);
  const state = await KeyedLog.open(data.logs, join(place.directory, "state"));
  try {
    await state.putAll([
      [GENERATION, String(Number(state.get(GENERATION) ?? 0) + GENERATIONS)],
      [PRODUCER_IDS, String(Number(state.get(PRODUCER_IDS) ?? 0) + IDS)],
    ]);
  } finally {
    await state.close();
  }
}
