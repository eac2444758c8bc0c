/**
 * The data directory as streams and queues see it: the locked directory, the state log in it, and
 * the number of this opening.
 */

import { dirname, join } from "node:path";
import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import { KeyedLog } from "./keyed-log.ts";
import { type DataDirectoryOptions, openDataDirectory } from "./log/directory/data-directory.ts";
import { type Disk, type LogEnvironment, throwAfter, unlessMissing } from "./log/open-log.ts";

export interface BrokerDirectory {
  readonly path: string;
  /** The id that the directory was given when it was made. */
  readonly cluster: string;
  readonly logs: LogEnvironment;
  readonly state: KeyedLog;
  /** Grows by one with every opening. */
  readonly generation: number;
  /**
   * Removes a directory of logs, given relative to `path`; `levels` of directories lie above the
   * files. A removal that a crash interrupts is finished at the next opening, and so is one that the
   * disk refuses, after DISK_FAILED.
   */
  removeLogs(relative: string, levels: number): Promise<void>;
  close(): Promise<void>;
}

export const GENERATION = "generation";
const GONE = "gone/";

export async function openBrokerDirectory(
  environment: Pick<Environment, "clock" | "ids" | "log">,
  options: DataDirectoryOptions,
): Promise<BrokerDirectory> {
  const data = await openDataDirectory(environment, options);
  try {
    const { path, cluster, logs } = data;
    const state = await KeyedLog.open(logs, join(path, "state"));
    if (state.get(GENERATION) === undefined) await refuseNameless(logs.disk, path);
    // What cannot be opened stays as it was; what can is this release's from here on.
    await data.upgrade();
    const generation = Number(state.get(GENERATION) ?? 0) + 1;
    await state.put(GENERATION, String(generation));

    const remove = async (relative: string, levels: number): Promise<void> => {
      await logs.open.change(() => removeTree(logs.disk, join(path, relative), levels));
      await state.put(`${GONE}${relative}`, undefined);
    };
    for (const [key, levels] of Array.from(state.entries(GONE))) {
      await remove(key.slice(GONE.length), Number(levels));
    }
    return {
      path,
      cluster,
      logs,
      state,
      generation,
      async removeLogs(relative, levels) {
        await state.put(`${GONE}${relative}`, String(levels));
        await remove(relative, levels).catch((error: unknown) => {
          throw removalFailure(join(path, relative), error);
        });
      },
      async close() {
        try {
          await state.close();
        } finally {
          await data.close();
        }
      },
    };
  } catch (error) {
    return await throwAfter(error, data.close());
  }
}

/** The first thing in a state log is its generation, so none stands before a stream or queue does. */
async function refuseNameless(disk: Disk, path: string): Promise<void> {
  for (const kind of ["streams", "queues"]) {
    if ((await disk.list(join(path, kind))).length === 0) continue;
    throw new MillraceError(
      "LOG_DAMAGED",
      `${join(path, kind)} has contents, and the state log ${join(path, "state")} that names them is ` +
        `empty; restore it from a backup. To start with nothing, choose another directory`,
      { details: { directory: path } },
    );
  }
}

function removalFailure(directory: string, cause: unknown): unknown {
  if (cause instanceof MillraceError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError(
    "DISK_FAILED",
    `${directory} is deleted, but its files could not be removed (${reason}); check the disk, then ` +
      `restart the process: it removes them at its start`,
    { cause, details: { directory } },
  );
}

/**
 * Removes the directory, and its parent where that is empty then. What is gone already went with an
 * earlier try, of whose end the state log was not told.
 */
async function removeTree(disk: Disk, directory: string, levels: number): Promise<void> {
  await removeDirectory(disk, directory, levels);
  const parent = dirname(directory);
  if ((await disk.list(parent)).length === 0) await unlessMissing(disk.removeDirectory(parent));
  else await disk.syncDirectory(parent);
}

async function removeDirectory(disk: Disk, directory: string, levels: number): Promise<void> {
  for (const name of await disk.list(directory)) {
    const path = join(directory, name);
    if (levels > 0) await removeDirectory(disk, path, levels - 1);
    else await unlessMissing(disk.remove(path));
  }
  await unlessMissing(disk.removeDirectory(directory));
}
