/**
 * How a command reaches the data: through the door of the process that has it open, or, when none
 * does, by opening the directory itself for the command's duration.
 *
 * The door file may be left over from a process that was killed. So a door that does not answer, or
 * answers as a stranger, is passed over, and the lock of the directory has the last word: if it is
 * held all the same, by a process that is only starting perhaps, it is waited for a few seconds; then
 * DIRECTORY_IN_USE tells by whom.
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { DATA_DIRECTORY } from "../host/config-file.ts";
import { readDoorFile, type DoorFile } from "../host/door-file.ts";
import type { Admin } from "../admin/admin.ts";
import { delay } from "../model/clock.ts";
import { isMillraceError, MillraceError } from "../model/errors.ts";
import type { CommandContext } from "./context.ts";
import { brokerDirectoryIn, dataGiven, loadProject, type Project } from "./project.ts";

/** How long a process that has the directory may take until its door is open. */
const STARTING_MS = 5_000;
const LOOK_AGAIN_MS = 100;

export interface Session extends AsyncDisposable {
  readonly admin: Admin;
  readonly through: "door" | "directory";
}

export interface SessionOptions {
  /** Create declared streams and queues that are missing: for commands that write. */
  readonly ensure?: boolean;
}

/**
 * Throws BAD_CONFIG, DIRECTORY_IN_USE, and BAD_ARGUMENT where there is neither a configuration nor a
 * data directory, or where a data directory that is only looked into was named and is not there.
 */
export async function openSession(
  context: CommandContext,
  { ensure = false }: SessionOptions = {},
): Promise<Session> {
  const { folder, options } = context;
  // A running process answers without the configuration, whose modules may take long to load.
  const nearest = brokerDirectoryIn(dataGiven(folder, options) ?? resolve(folder, DATA_DIRECTORY));
  if (options.config === undefined) {
    const session = await openThroughDoor(nearest, context);
    if (session !== undefined) return session;
  }
  const project = await loadProject(folder, options);
  if (project.brokerDirectory !== nearest || options.config !== undefined) {
    const session = await openThroughDoor(project.brokerDirectory, context);
    if (session !== undefined) return session;
  }
  // A configuration may keep its data elsewhere; a directory that was named and is not there is a slip.
  const named = dataGiven(folder, options) !== undefined && !ensure;
  if (!existsSync(project.data) && (named || project.loaded === undefined)) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `there is no data directory at ${project.data}; call the command in the project's folder, name it with --data, or make one with: millrace start`,
      { details: { directory: project.data } },
    );
  }
  return openDirectlyOrLate(project, context, ensure);
}

/**
 * Opens the directory; while another process has it, waits a little for that one's door, which opens
 * only when its services have started, or for its end. Throws DIRECTORY_IN_USE after that.
 */
async function openDirectlyOrLate(
  project: Project,
  context: CommandContext,
  ensure: boolean,
): Promise<Session> {
  const { openDirectory } = await import("./open-directory.ts");
  const { clock } = context.environment;
  const untilMs = clock.monotonic() + STARTING_MS;
  for (;;) {
    try {
      const opened = await openDirectory(project, context.environment, { ensure });
      return {
        admin: opened.admin,
        through: "directory",
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      };
    } catch (error) {
      const inUse = isMillraceError(error, "DIRECTORY_IN_USE");
      if (!inUse || clock.monotonic() >= untilMs) throw error;
    }
    const session = await openThroughDoor(project.brokerDirectory, context);
    if (session !== undefined) return session;
    await delay(clock, LOOK_AGAIN_MS, context.signal);
  }
}

async function openThroughDoor(
  directory: string,
  context: CommandContext,
): Promise<Session | undefined> {
  const door = await readDoorFile(directory);
  if (door === undefined) return undefined;
  const admin = await answering(door, context);
  if (admin === undefined) return undefined;
  return {
    admin,
    through: "door",
    [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose](),
  };
}

/** Undefined where nobody answers, or somebody who does not know our token. */
async function answering(door: DoorFile, context: CommandContext): Promise<Admin | undefined> {
  const { openAdminClient } = await import("../http/client.ts");
  await using opened = new AsyncDisposableStack();
  try {
    const admin = opened.use(await openAdminClient({ url: door.url, token: door.token }));
    await admin.lag();
    opened.move();
    return admin;
  } catch (error) {
    if (!isMillraceError(error, "UNREACHABLE") && !isMillraceError(error, "NOT_ALLOWED")) {
      throw error;
    }
    context.environment.log.debug({ error, url: door.url }, "the door file is left over");
    return undefined;
  }
}
