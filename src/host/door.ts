/** Opens the HTTP door of a process and leaves its address where the tools look for it. */

import type { Admin } from "../admin/admin.ts";
import type { Access } from "../broker/doors.ts";
import type { Environment } from "../model/environment.ts";
import { isMillraceError } from "../model/errors.ts";
import type { ProcessFacts } from "../http/metrics/collect.ts";
import type { ServedDoor } from "../http/serve.ts";
import type { Registry } from "../schema/registry.ts";
import { removeDoorFile, writeDoorFile } from "./door-file.ts";
import type { DoorSettings } from "./options.ts";

export const DOOR_PORT = 4370;

export interface OpenDoor extends AsyncDisposable {
  /** `http://127.0.0.1:4370`, without the token. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
}

export interface DoorPlace {
  readonly admin: Admin;
  readonly environment: Environment;
  /** None where no services are. */
  readonly registry?: Registry;
  readonly settings: DoorSettings;
  readonly access: Access;
  /** The data directory, where there is one on this machine. */
  readonly directory: string | undefined;
}

/**
 * Without a port in the settings it takes the usual one, or any free one where that is taken.
 * Throws BAD_CONFIG for a port of the settings that is taken, and for a token that could be guessed.
 */
export async function openDoor(place: DoorPlace): Promise<OpenDoor> {
  const { admin, environment, registry, settings, directory, access } = place;
  const [{ serve }, { createToken }] = await Promise.all([
    import("../http/serve.ts"),
    import("../http/gate.ts"),
  ]);
  const { token = createToken(environment.random), port: wanted, ...gate } = settings;
  const open = (port: number): Promise<ServedDoor> =>
    serve({
      ...gate,
      ...(access.signIn !== undefined && { signIn: access.signIn }),
      ...(access.rules !== undefined && { rules: access.rules }),
      admin,
      token,
      environment,
      port,
      processFacts,
      ...(registry !== undefined && { registry }),
    });
  await using opened = new AsyncDisposableStack();
  const door = opened.use(
    wanted === undefined
      ? await open(DOOR_PORT).catch((error: unknown) => {
          if (isMillraceError(error, "BAD_CONFIG") && error.details["key"] === "port")
            return open(0);
          throw error;
        })
      : await open(wanted),
  );
  if (directory !== undefined) {
    await writeDoorFile(directory, { url: door.url, token, pid: process.pid });
    opened.defer(() => removeDoorFile(directory, process.pid));
  }
  const kept = opened.move();
  return {
    url: door.url,
    port: door.port,
    token,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const MICROSECONDS = 1e6;

function processFacts(): ProcessFacts {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    cpuSeconds: (user + system) / MICROSECONDS,
    upSeconds: process.uptime(),
  };
}
