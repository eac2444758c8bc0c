/**
 * A directory that grows under a name of its own (`TARGET.partial`, `DIRECTORY.restoring`) and gets the
 * one that is wanted when it is whole.
 *
 * A killed process leaves it behind, and the next one begins anew. But a name says nothing of whose a
 * directory is: somebody's data may lie there. So ours has a mark, made before anything else in it and
 * removed right before it is renamed; what has no mark is never removed. A directory that is whole and
 * was not renamed any more has none either: it stays, and `mv` finishes it.
 */

import { lstat, mkdir, readdir, realpath, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { MillraceError } from "../../../model/errors.ts";
import { errorCode } from "../disks/error-code.ts";
import { syncPath, writeFile } from "./copy-file.ts";

const MARK = "millrace.unfinished";
const MARK_TEXT = "Made by millrace, and not finished. The next try removes this directory.\n";

/**
 * Makes it, empty but for the mark, in place of what a killed process has left. Throws CONFLICT for
 * anything else of that name, having changed nothing.
 */
export async function beginDirectory(path: string): Promise<void> {
  await refuseForeign(path);
  await removeUnfinished(path);
  await mkdir(path, { mode: 0o750 });
  await writeFile(join(path, MARK), Buffer.from(MARK_TEXT));
}

/** Gives it its name, durable when it resolves. All that is in it must be synced. */
export async function finishDirectory(path: string, name: string): Promise<void> {
  await rm(join(path, MARK));
  await syncPath(path);
  await rename(path, name);
  await syncPath(dirname(name));
}

/** Only for what `beginDirectory` has made. The mark goes last: what is left half removed stays ours. */
export async function removeUnfinished(path: string): Promise<void> {
  const names = await readdir(path).catch(unlessMissing);
  if (names === undefined) return;
  for (const name of names.filter((one) => one !== MARK)) {
    await rm(join(path, name), { recursive: true, force: true });
  }
  await rm(join(path, MARK), { force: true });
  await rmdir(path);
}

/** Whether the two are one place, or one lies in the other; also by way of links. */
export async function overlap(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([placeOf(resolve(one)), placeOf(resolve(other))]);
  return isWithin(first, second) || isWithin(second, first);
}

async function refuseForeign(path: string): Promise<void> {
  const found = await lstat(path).catch(unlessMissing);
  if (found === undefined) return;
  if (found.isDirectory()) {
    const names = await readdir(path);
    // Killed before the mark was made; nothing is lost with it.
    if (names.length === 0 || names.includes(MARK)) return;
  }
  throw new MillraceError(
    "CONFLICT",
    `${path} is there and has no ${MARK}, so nothing says that a killed backup or restore left it, and ` +
      `it is not removed; move it away, or name another place`,
    { details: { directory: path } },
  );
}

/** With the links on its way followed as far as it exists. */
async function placeOf(path: string): Promise<string> {
  const found = await realpath(path).catch(unlessMissing);
  if (found !== undefined || dirname(path) === path) return found ?? path;
  return join(await placeOf(dirname(path)), basename(path));
}

function isWithin(outer: string, path: string): boolean {
  const way = relative(outer, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function unlessMissing(error: unknown): undefined {
  if (errorCode(error) === "ENOENT") return undefined;
  throw error;
}
