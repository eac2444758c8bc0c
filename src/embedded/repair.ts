/** Mends a directory that no process has open. */

import { join } from "node:path";
import type { Environment } from "../model/environment.ts";
import { openDataDirectory } from "./log/directory/data-directory.ts";
import { createNodeDisk } from "./log/disks/node-disk.ts";
import type { Disk } from "./log/disk.ts";
import { repairLogs, type LostRange, type Repair } from "./log/verify/repair-logs.ts";

export type { LostRange, Repair } from "./log/verify/repair-logs.ts";

export interface RepairOptions {
  readonly environment: Environment;
  readonly directory: string;
  readonly accept: readonly LostRange[];
  readonly dryRun: boolean;
}

/** Throws DIRECTORY_IN_USE while a process has the directory, and DIRECTORY_VERSION. */
export async function repairDirectory({
  environment,
  directory,
  ...request
}: RepairOptions): Promise<readonly Repair[]> {
  const disk = createNodeDisk();
  await using data = await openDataDirectory(environment, { directory, disk });
  const directories = [
    join(directory, "state"),
    ...(await below(disk, join(directory, "queues"), 2)),
    ...(await below(disk, join(directory, "streams"), 3)),
  ];
  return await repairLogs({ path: directory, logs: data.logs }, { ...request, directories });
}

/** Directories so many levels below. */
async function below(disk: Disk, directory: string, levels: number): Promise<readonly string[]> {
  if (levels === 0) return [directory];
  const names = await disk.list(directory);
  const found = await Promise.all(
    names.map((name) => below(disk, join(directory, name), levels - 1)),
  );
  return found.flat();
}
