/**
 * A data directory: everything that one embedded broker keeps. `docs/formats/directory.md` shows what
 * lies in it; `description.ts` tells what its format promises.
 */

import { join } from "node:path";
import type { Environment } from "../../../model/environment.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { Disk } from "../disk.ts";
import {
  CommitJournal,
  JOURNAL_SETTINGS,
  type JournalSettings,
} from "../journal/commit-journal.ts";
import { replayJournal } from "../journal/replay-journal.ts";
import { openLogEnvironment, type LogEnvironment } from "../log-environment.ts";
import {
  DESCRIPTION,
  DIRECTORY_FORMAT,
  readDescription,
  writeDescription,
  type Description,
} from "./description.ts";
import { lockDirectory, type WriterLock } from "./writer-lock.ts";

/** Made only after the description is durable; `state` holds what exists, the others hold messages. */
const CONTENTS: readonly string[] = ["state", "streams", "queues"];

export interface DataDirectoryOptions {
  readonly directory: string;
  readonly disk: Disk;
  /** Appends are refused while less than this is free. */
  readonly freeBytesMin?: number;
  /** How the directory is kept from a second writer; a disk in memory needs no lock. */
  readonly lock?: (directory: string) => WriterLock;
  readonly journal?: JournalSettings;
}

export interface DataDirectory extends AsyncDisposable {
  readonly path: string;
  /** The id that was given to it when it was made. */
  readonly cluster: string;
  /** What its partitions share; hand it to `openPartitionLog`. */
  readonly logs: LogEnvironment;
  /**
   * Gives the directory this release's format, durable when it resolves: from then on no older release
   * opens it. To be called before the first thing is written that an older one would misread.
   */
  upgrade(): Promise<void>;
  /** Gives the lock back. Close the partitions first. */
  close(): Promise<void>;
}

/**
 * Opens the directory and keeps others from writing to it; makes it where it is missing.
 *
 * Throws DIRECTORY_IN_USE while another process, or another opening of this one, has it;
 * DIRECTORY_VERSION, having changed nothing, where a newer release has written it; LOG_DAMAGED where
 * the description is malformed, or missing beside contents; and Node's own errors.
 */
export async function openDataDirectory(
  environment: Pick<Environment, "clock" | "ids" | "log">,
  {
    directory,
    disk,
    freeBytesMin,
    lock = lockDirectory,
    journal: settings = JOURNAL_SETTINGS,
  }: DataDirectoryOptions,
): Promise<DataDirectory> {
  await disk.makeDirectory(directory);
  // Before the lock, which writes: what a newer release has written stays as it is.
  await readDescription(disk, directory);
  const held = lock(directory);
  try {
    const { clock, log, ids } = environment;
    const description =
      (await readDescription(disk, directory)) ?? (await create(disk, directory, ids.newId()));
    await replayJournal(disk, log, directory);
    const shared = await openLogEnvironment({
      disk,
      clock,
      log,
      directory,
      ...(freeBytesMin === undefined ? {} : { freeBytesMin }),
    });
    const { freeSpace } = shared;
    const journal = new CommitJournal({ disk, clock, log, ids, freeSpace, directory, settings });
    const logs = { ...shared, journal };
    const { cluster, format } = description;
    const upgrade = async (): Promise<void> => {
      if (format === DIRECTORY_FORMAT) return;
      await writeDescription(disk, directory, { format: DIRECTORY_FORMAT, cluster });
      log.info({ directory, from: format, to: DIRECTORY_FORMAT }, "upgraded the data directory");
    };
    const close = async (): Promise<void> => {
      try {
        await journal.close();
      } finally {
        held.release();
      }
    };
    return { path: directory, cluster, logs, upgrade, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** A new cluster over contents that exist would turn every position kept elsewhere into nonsense. */
async function refuseContents(disk: Disk, directory: string): Promise<void> {
  const names = await disk.list(directory);
  const found = CONTENTS.filter((name) => names.includes(name));
  if (found.length === 0) return;
  const path = join(directory, DESCRIPTION);
  throw new MillraceError(
    "LOG_DAMAGED",
    `${directory} has contents (${found.join(", ")}) but no ${DESCRIPTION}; restore it from a backup: ` +
      `it names the cluster that all positions refer to. To start with nothing, choose another directory`,
    { details: { file: path } },
  );
}

async function create(disk: Disk, directory: string, cluster: string): Promise<Description> {
  await refuseContents(disk, directory);
  const description = { format: DIRECTORY_FORMAT, cluster };
  await writeDescription(disk, directory, description);
  return description;
}
