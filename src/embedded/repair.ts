/** Mends a directory that no process has open. */

import { join } from "node:path";
import type { Environment } from "../model/environment.ts";
import { isMillraceError } from "../model/errors.ts";
import { KeyedLog } from "./keyed-log.ts";
import { type DataDirectoryOptions, openDataDirectory } from "./log/directory/data-directory.ts";
import { createNodeDisk } from "./log/disks/node-disk.ts";
import type { Disk } from "./log/disk.ts";
import type { LogEnvironment } from "./log/log-environment.ts";
import {
  repairLogs,
  type LostRange,
  type Repair,
  type RepairRequest,
} from "./log/verify/repair-logs.ts";
import { madeLogs } from "./made-logs.ts";

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
  return repairOn(environment, { directory, disk: createNodeDisk() }, request);
}

/** The same on any disk. */
export async function repairOn(
  environment: Pick<Environment, "clock" | "ids" | "log">,
  place: DataDirectoryOptions,
  request: Omit<RepairRequest, "places">,
): Promise<readonly Repair[]> {
  await using data = await openDataDirectory(environment, place);
  const places = await placesOf(data.logs, data.path);
  return await repairLogs({ path: data.path, logs: data.logs }, { ...request, places });
}

/** What lies there, and what the state log says must. */
async function placesOf(logs: LogEnvironment, directory: string): Promise<RepairRequest["places"]> {
  const { disk } = logs;
  const made = await madeIn(logs, directory);
  const found = [
    join(directory, "state"),
    ...(await below(disk, join(directory, "queues"), 2)),
    ...(await below(disk, join(directory, "streams"), 3)),
  ];
  const all = [...new Set([...found, ...[...made.keys()].toSorted()])];
  return all.map((one) => ({ directory: one, madeUpTo: made.get(one) }));
}

/** The logs that were made, by their directories. */
async function madeIn(
  logs: LogEnvironment,
  directory: string,
): Promise<ReadonlyMap<string, number>> {
  const made = new Map<string, number>();
  const state = await openState(logs, directory);
  for (const kind of ["stream", "queue"] as const) {
    for (const [key, value] of state?.entries(`${kind}/`) ?? []) {
      const { incarnation }: { readonly incarnation: string } = JSON.parse(value);
      const own = join(directory, `${kind}s`, key.slice(kind.length + 1), incarnation);
      for (const [partition, madeUpTo] of madeLogs(state!, incarnation).entries()) {
        made.set(kind === "queue" ? own : join(own, String(partition)), madeUpTo);
      }
    }
  }
  await state?.close();
  return made;
}

/** Undefined where it is damaged itself: that is found out, and told, with the other logs. */
async function openState(logs: LogEnvironment, directory: string): Promise<KeyedLog | undefined> {
  try {
    return await KeyedLog.open(logs, join(directory, "state"));
  } catch (error) {
    if (isMillraceError(error, "LOG_DAMAGED")) return undefined;
    throw error;
  }
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
