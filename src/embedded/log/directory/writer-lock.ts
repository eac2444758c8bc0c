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
/** SQLite's SQLITE_BUSY. */
const BUSY = 5;

/** Takes the lock of a directory that exists. Throws DIRECTORY_IN_USE with the holder's process id. */
export function lockDirectory(directory: string): WriterLock {
  const database = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === BUSY) {
      throw inUse(directory);
    }
    throw error;
  }
  writeFileSync(join(directory, WRITER_FILE), `${JSON.stringify({ pid: process.pid })}\n`);
  return { release: () => database.close() };
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
