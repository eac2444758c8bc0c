/**
 * Brings a backup's files to a directory that is empty or not there: all of them, each as it was
 * written, or nothing. They are gathered in `DIRECTORY.restoring`, which gets its name last.
 */

import { mkdir, readdir, rename, rm, rmdir, statfs } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { MillraceError } from "../../../model/errors.ts";
import { DESCRIPTION } from "../directory/description.ts";
import { errorCode } from "../disks/error-code.ts";
import { copyFile, sumFile, syncPath, type FileSum } from "./copy-file.ts";
import { backupDamaged, readManifest, type BackupFile, type Manifest } from "./manifest.ts";

export interface RestoreRequest {
  readonly source: string;
  /** The data directory: `broker` and `stores` come to lie in it. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly progress: (doneBytes: number, totalBytes: number) => void;
  /** Makes of the files, where they are gathered, what a new life may go on with. */
  readonly prepare: (gathered: string) => Promise<void>;
}

export interface Restored {
  readonly manifest: Manifest;
  readonly bytes: number;
}

/**
 * Throws BACKUP_DAMAGED and DIRECTORY_VERSION for the backup, CONFLICT where the directory holds
 * anything, DISK_FULL before anything is copied, and what `prepare` throws.
 */
export async function restoreBackup(request: RestoreRequest): Promise<Restored> {
  const { source, signal, prepare } = request;
  const directory = resolve(request.directory);
  await refuseContents(directory);
  refuseInside(source, directory);
  const manifest = await readManifest(source);
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  let done = 0;
  const copied = (some: number): void => {
    done += some;
    request.progress(done, 2 * bytes);
  };
  for (const file of manifest.files) {
    const sum = await summed(source, file, () =>
      sumFile(join(source, file.path), { signal, copied }),
    );
    refuseOther(source, file, sum);
  }
  await mkdir(dirname(directory), { recursive: true, mode: 0o750 });
  await refuseLittleRoom(dirname(directory), bytes);
  const gathered = `${directory}.restoring`;
  // What a restore that was killed has left.
  await rm(gathered, { recursive: true, force: true });
  try {
    await copyAll(manifest.files, { source, gathered, signal, copied });
    await prepare(gathered);
    await rmdir(directory).catch(unlessMissing);
    await rename(gathered, directory);
    await syncPath(dirname(directory));
  } catch (error) {
    await rm(gathered, { recursive: true, force: true });
    throw error;
  }
  return { manifest, bytes };
}

async function copyAll(
  files: readonly BackupFile[],
  {
    source,
    gathered,
    ...pace
  }: {
    readonly source: string;
    readonly gathered: string;
    readonly signal: AbortSignal;
    readonly copied: (bytes: number) => void;
  },
): Promise<void> {
  const directories = new Set([gathered, join(gathered, "broker"), join(gathered, "stores")]);
  for (const directory of directories) await mkdir(directory, { recursive: true, mode: 0o750 });
  // Contents without a description are refused, so nobody starts on half of them.
  const description = `broker/${DESCRIPTION}`;
  const isLast = ({ path }: BackupFile): number => Number(path === description);
  for (const file of files.toSorted((a, b) => isLast(a) - isLast(b))) {
    const to = join(gathered, file.path);
    for (let above = dirname(to); !directories.has(above); above = dirname(above)) {
      directories.add(above);
    }
    await mkdir(dirname(to), { recursive: true, mode: 0o750 });
    const sum = await summed(source, file, () => copyFile(join(source, file.path), to, pace));
    refuseOther(source, file, sum);
  }
  for (const directory of directories) await syncPath(directory);
}

async function summed(
  source: string,
  { path }: BackupFile,
  sum: () => Promise<FileSum>,
): Promise<FileSum> {
  try {
    return await sum();
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    throw backupDamaged(source, `${path} is missing; bring it back, or restore an older backup`);
  }
}

function refuseOther(source: string, file: BackupFile, found: FileSum): void {
  if (found.bytes === file.bytes && found.sha256 === file.sha256) return;
  throw backupDamaged(
    source,
    `${file.path} is not what was backed up (${found.bytes} bytes, sha256 ${found.sha256.slice(0, 12)}…; ` +
      `it was ${file.bytes} bytes, ${file.sha256.slice(0, 12)}…); restore an older backup`,
  );
}

async function refuseContents(directory: string): Promise<void> {
  const found = await readdir(directory).catch(unlessMissing);
  if (found === undefined || found.length === 0) return;
  throw new MillraceError(
    "CONFLICT",
    `${directory} is not empty; name another directory with --data, or move this one away first: mv ${directory} ${directory}.old`,
    { details: { directory } },
  );
}

function refuseInside(source: string, directory: string): void {
  const inside = relative(resolve(source), directory);
  if (inside.startsWith("..")) return;
  throw new MillraceError(
    "BAD_ARGUMENT",
    `${directory} lies in the backup itself; name a directory elsewhere with --data`,
    { details: { argument: "data" } },
  );
}

async function refuseLittleRoom(parent: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(parent);
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new MillraceError(
    "DISK_FULL",
    `the backup takes ${needed} bytes, and ${free} are free at ${parent}; free some space, or choose another disk`,
    { details: { directory: parent, needed, free } },
  );
}

function unlessMissing(error: unknown): undefined {
  if (errorCode(error) === "ENOENT") return undefined;
  throw error;
}
