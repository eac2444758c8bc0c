/**
 * One writer per data directory, held by a lock of the operating system.
 *
 * A file with a process id in it cannot do this: after `kill -9` it stays, ids are used again, and two
 * processes that both find it stale can both take it over. The kernel frees its own file locks with
 * the process, whatever ended it, but Node has no call for them. SQLite, which is part of Node, takes
 * them on every platform (fcntl on POSIX, LockFileEx on Windows) and knows their pitfalls, among them
 * two openings in one process. So the lock is an empty SQLite database in an exclusive transaction.
 *
 * `writer.json` beside it only tells a second opener whom to look for; nothing depends on it.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MillraceError } from "../../../model/errors.ts";

export interface WriterLock {
  release(): void;
}

const LOCK_FILE = "writer.lock";
const WRITER_FILE = "writer.json";
/** SQLite's primary result codes (https://sqlite.org/rescode.html). */
const BUSY = 5;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** A database that nobody refers to is collected, closed, and its lock is gone: so they stay here. */
const held = new Set<DatabaseSync>();

/**
 * Takes the lock of a directory that exists. Throws DIRECTORY_IN_USE with the holder's process id,
 * DISK_FULL, and DISK_FAILED where the lock's file cannot be opened or written.
 */
export function lockDirectory(directory: string): WriterLock {
  const path = join(directory, LOCK_FILE);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec("BEGIN EXCLUSIVE");
    const writer = `${JSON.stringify({ pid: process.pid })}\n`;
    writeFileSync(join(directory, WRITER_FILE), writer, { mode: 0o640 });
  } catch (error) {
    database?.close();
    throw lockFailure(directory, error);
  }
  const own = database;
  held.add(own);
  const release = (): void => {
    if (held.delete(own)) own.close();
  };
  return { release };
}

/** What an error of SQLite means for the lock; an error of anything else as it is. */
export function lockFailure(directory: string, error: unknown): unknown {
  const code = resultCode(error);
  if (code === undefined) return error;
  return code === BUSY ? inUse(directory) : notLockable(join(directory, LOCK_FILE), error, code);
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error && "errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

function notLockable(path: string, cause: unknown, code: number): MillraceError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError(
    code === FULL ? "DISK_FULL" : "DISK_FAILED",
    `the lock ${path} cannot be taken (${why}); ${remedyOf(code)}`,
    { cause, details: { file: path } },
  );
}

function remedyOf(code: number): string {
  if (code === FULL) return "free some space: even looking into a directory takes its lock";
  if (code === NOT_A_DATABASE)
    return "it is no lock of ours: remove the file while no process has the directory open";
  return "let the user of this process write to its directory, or choose another directory";
}

function inUse(directory: string): MillraceError {
  const pid = holder(directory);
  const who = pid === undefined ? "another process" : `process ${pid}`;
  return new MillraceError(
    "DIRECTORY_IN_USE",
    `the data directory ${directory} is open in ${who}; stop that process, reach it through its HTTP ` +
      `door, or choose another directory`,
    { details: pid === undefined ? { directory } : { directory, pid } },
  );
}

function holder(directory: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(join(directory, WRITER_FILE), "utf8");
  } catch {
    // The holder has the lock but has not said who it is yet.
    return undefined;
  }
  const pid = /"pid":(\d+)/.exec(text)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
