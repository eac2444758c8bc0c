/**
 * What a backup is made of: `backup.json`, written last. Every file stands in it with its length and
 * its SHA-256, so what was lost, cut or changed since is found before anything is put in place.
 *
 *     TARGET/backup.json
 *     TARGET/broker/…        a broker's data directory, as after an orderly stop
 *     TARGET/stores/…        one SQLite file a service
 */

import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import { MillraceError } from "../../../model/errors.ts";
import { errorCode } from "../disks/error-code.ts";
import { DIRECTORY_FORMAT } from "../directory/description.ts";

export const MANIFEST = "backup.json";
export const BACKUP_FORMAT = 1;

export interface BackupFile {
  /** From the backup's own directory, with `/`. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly format: number;
  /** Of the broker's directory. */
  readonly directoryFormat: number;
  readonly cluster: string;
  /** The moment at which the logs were cut. */
  readonly takenMs: number;
  readonly files: readonly BackupFile[];
}

/** Throws BACKUP_DAMAGED for what is no whole backup, DIRECTORY_VERSION for one of a newer release. */
export async function readManifest(source: string): Promise<Manifest> {
  const path = join(source, MANIFEST);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) !== "ENOENT" && errorCode(error) !== "ENOTDIR") throw error;
    throw backupDamaged(
      source,
      `it has no ${MANIFEST}; name a directory that millrace backup has finished (one that ends in .partial was interrupted, and is none)`,
    );
  }
  const value = parse(text);
  const format = value?.["format"];
  const directoryFormat = value?.["directoryFormat"];
  if (isNewer(format, BACKUP_FORMAT) || isNewer(directoryFormat, DIRECTORY_FORMAT)) {
    throw new MillraceError(
      "DIRECTORY_VERSION",
      `the backup ${source} is of a newer release; restore it with the release that wrote it, or a later one`,
      { details: { directory: source } },
    );
  }
  const { cluster, takenMs, files } = value ?? {};
  if (
    typeof format !== "number" ||
    typeof directoryFormat !== "number" ||
    typeof cluster !== "string" ||
    typeof takenMs !== "number" ||
    !Array.isArray(files) ||
    !files.every(isFile)
  ) {
    throw backupDamaged(source, `its ${MANIFEST} is malformed; take another backup`);
  }
  return { format, directoryFormat, cluster, takenMs, files };
}

export function backupDamaged(source: string, why: string): MillraceError {
  return new MillraceError("BACKUP_DAMAGED", `${source} cannot be restored: ${why}`, {
    details: { directory: source },
  });
}

function isNewer(format: unknown, known: number): boolean {
  return typeof format === "number" && format > known;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** A path that leads out of the backup is nobody's that we wrote. */
function isFile(value: unknown): value is BackupFile {
  if (typeof value !== "object" || value === null) return false;
  if (!("path" in value && "bytes" in value && "sha256" in value)) return false;
  const { path, bytes, sha256 } = value;
  if (typeof path !== "string" || !Number.isSafeInteger(bytes)) return false;
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) return false;
  return /^(broker|stores)\/./.test(path) && normalize(path) === path && !path.includes("\0");
}
