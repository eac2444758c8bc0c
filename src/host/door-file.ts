/**
 * `door.json` in a data directory: how the tools find the process that has the directory open. It is
 * readable by its owner alone, because the token in it opens the door.
 *
 * The file is a hint, never a lock: after a crash it stays behind. Who finds it must try the door, and
 * when nobody answers may open the directory, whose own lock decides.
 */

import { chmod, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface DoorFile {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
}

const FILE_NAME = "door.json";

/** Writes the file whole or not at all. */
export async function writeDoorFile(directory: string, door: DoorFile): Promise<void> {
  const path = join(directory, FILE_NAME);
  const draft = `${path}.${door.pid}`;
  await writeFile(draft, `${JSON.stringify(door)}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, path);
}

/** Undefined where there is no file, or one that this release cannot read. */
export async function readDoorFile(directory: string): Promise<DoorFile | undefined> {
  let found: unknown;
  try {
    found = JSON.parse(await readFile(join(directory, FILE_NAME), "utf8"));
  } catch (error) {
    const absent = error instanceof SyntaxError || isMissing(error);
    if (absent) return undefined;
    throw error;
  }
  const { url, token, pid }: Partial<Record<keyof DoorFile, unknown>> = Object(found);
  const whole = typeof url === "string" && typeof token === "string" && typeof pid === "number";
  return whole ? { url, token, pid } : undefined;
}

/** Removes the file if it is this process's own: a successor may have written its own by now. */
export async function removeDoorFile(directory: string, pid: number): Promise<void> {
  const door = await readDoorFile(directory);
  if (door?.pid === pid) await rm(join(directory, FILE_NAME), { force: true });
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "ENOENT" || error.code === "ENOTDIR")
  );
}
