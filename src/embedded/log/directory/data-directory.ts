/**
 * A data directory: everything that one embedded broker keeps.
 *
 * `millrace.json` names the format's version and the cluster: the id that positions carry, so that a
 * position of one directory is never taken for one of another. It is written once and never changed
 * but by an upgrade. `docs/formats/log.md` shows what else lies in the directory.
 */

import { join } from "node:path";
import type { Environment } from "../../../model/environment.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { Disk } from "../disk.ts";
import { crc32c } from "../format/crc32c.ts";
import { openLogEnvironment, type LogEnvironment } from "../log-environment.ts";
import { lockDirectory, type WriterLock } from "./writer-lock.ts";

export const DIRECTORY_FORMAT = 1;
export const DESCRIPTION = "millrace.json";
/** Made only after the description is durable; `state` holds what exists, the others hold messages. */
const CONTENTS: readonly string[] = ["state", "streams", "queues"];

export interface DataDirectoryOptions {
  readonly directory: string;
  readonly disk: Disk;
  /** Appends are refused while less than this is free. */
  readonly freeBytesMin?: number;
  /** How the directory is kept from a second writer; a disk in memory needs no lock. */
  readonly lock?: (directory: string) => WriterLock;
}

export interface DataDirectory extends AsyncDisposable {
  readonly path: string;
  /** The id that was given to it when it was made. */
  readonly cluster: string;
  /** What its partitions share; hand it to `openPartitionLog`. */
  readonly logs: LogEnvironment;
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
  { directory, disk, freeBytesMin, lock = lockDirectory }: DataDirectoryOptions,
): Promise<DataDirectory> {
  await disk.makeDirectory(directory);
  // Before the lock, which writes: what a newer release has written stays as it is.
  await readCluster(disk, directory);
  const held = lock(directory);
  try {
    const { clock, log, ids } = environment;
    const cluster =
      (await readCluster(disk, directory)) ?? (await create(disk, directory, ids.newId()));
    const logs = await openLogEnvironment({
      disk,
      clock,
      log,
      directory,
      ...(freeBytesMin === undefined ? {} : { freeBytesMin }),
    });
    const close = async (): Promise<void> => held.release();
    return { path: directory, cluster, logs, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    held.release();
    throw error;
  }
}

async function readCluster(disk: Disk, directory: string): Promise<string | undefined> {
  const path = join(directory, DESCRIPTION);
  const bytes = await disk.readFile(path);
  if (bytes === undefined) return undefined;
  const { format, cluster, crc32c: checksum } = parse(Buffer.from(bytes).toString());
  // Of a newer format nothing but its number is known.
  if (typeof format === "number" && format > DIRECTORY_FORMAT) {
    throw new MillraceError(
      "DIRECTORY_VERSION",
      `the data directory ${directory} has format ${format}, and this release reads up to ` +
        `${DIRECTORY_FORMAT}; start the newer release that wrote it`,
      { details: { directory, format, supported: DIRECTORY_FORMAT } },
    );
  }
  const named = typeof cluster === "string" && cluster !== "" ? cluster : undefined;
  // The first releases wrote no checksum.
  const whole = named !== undefined && (checksum === undefined || checksum === checksumOf(named));
  if (format === DIRECTORY_FORMAT && whole) return named;
  throw new MillraceError(
    "LOG_DAMAGED",
    `${path} is malformed; restore it from a backup: it names the cluster that all positions refer to`,
    { details: { file: path } },
  );
}

/** One wrong letter would be another cluster, and every position kept elsewhere nonsense. */
function checksumOf(cluster: string): string {
  return crc32c(Buffer.from(cluster)).toString(16).padStart(8, "0");
}

/** Whatever the text is; what is not there, or no JSON, is undefined. */
function parse(text: string): {
  readonly format?: unknown;
  readonly cluster?: unknown;
  readonly crc32c?: unknown;
} {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
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

/** Under another name first, so that a power cut leaves either no description or a whole one. */
async function create(disk: Disk, directory: string, cluster: string): Promise<string> {
  await refuseContents(disk, directory);
  const temporary = join(directory, `${DESCRIPTION}.new`);
  const file = await disk.open(temporary, { create: true });
  try {
    await file.truncate(0);
    const description = { format: DIRECTORY_FORMAT, cluster, crc32c: checksumOf(cluster) };
    await file.write([Buffer.from(`${JSON.stringify(description)}\n`)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, join(directory, DESCRIPTION));
  await disk.syncDirectory(directory);
  return cluster;
}
