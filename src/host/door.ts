/** Opens the HTTP door of a process and leaves its address where the tools look for it. */

import type { Admin } from "../admin/admin.ts";
import type { Access } from "../broker/doors.ts";
import type { Environment } from "../model/environment.ts";
import { isMillraceError } from "../model/errors.ts";
import { checkToken, createToken } from "../http/token.ts";
import { listenAt, type HeldPort } from "../http/serving/held-port.ts";
import type { ProcessFacts } from "../http/metrics/collect.ts";
import type { ServedDoor } from "../http/serving/serve.ts";
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
  readonly environment: Environment;
  readonly settings: DoorSettings;
  readonly access: Access;
  /** The data directory, where there is one on this machine. */
  readonly directory: string | undefined;
}

/** What the door shows. */
export interface Shown {
  readonly admin: Admin;
  /** None where no services are. */
  readonly registry?: Registry;
}

/** A port that is open, where what answers is still missing: whoever connects waits. */
export interface DoorBefore extends OpenDoor {
  /** Answers from now on. Throws BAD_CONFIG and BAD_DECLARATION for what is wrong in the settings. */
  serve(shown: Shown): Promise<void>;
}

/**
 * Without a port in the settings it takes the usual one, or any free one where that is taken.
 * Throws BAD_CONFIG for a port of the settings that is taken, and for a token that could be guessed.
 */
export async function openDoor({
  admin,
  registry,
  ...place
}: DoorPlace & Shown): Promise<OpenDoor> {
  await using opened = new AsyncDisposableStack();
  const door = opened.use(await prepareDoor(place));
  await door.serve({ admin, ...(registry !== undefined && { registry }) });
  opened.move();
  return door;
}

/** As `openDoor`, but leaves the answering to `serve`: its code takes longer to load than a broker. */
export async function prepareDoor(place: DoorPlace): Promise<DoorBefore> {
  const { environment, settings, directory, access } = place;
  const { token = createToken(environment.random), port: wanted, ...gate } = settings;
  checkToken(token);
  await using opened = new AsyncDisposableStack();
  const held = await holdPort(wanted);
  let served: ServedDoor | undefined;
  opened.defer(() => (served ?? held).close());
  if (directory !== undefined) {
    await writeDoorFile(directory, { url: held.url, token, pid: process.pid });
    opened.defer(() => removeDoorFile(directory, process.pid));
  }
  const kept = opened.move();
  const { url, port } = held;
  return {
    url,
    port,
    token,
    async serve({ admin, registry }) {
      const { serveHeld } = await import("../http/serving/serve.ts");
      served = await serveHeld(held, {
        ...gate,
        ...(access.signIn !== undefined && { signIn: access.signIn }),
        ...(access.rules !== undefined && { rules: access.rules }),
        admin,
        token,
        environment,
        processFacts,
        ...(registry !== undefined && { registry }),
      });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function holdPort(wanted: number | undefined): Promise<HeldPort> {
  if (wanted !== undefined) return listenAt(wanted);
  try {
    return await listenAt(DOOR_PORT);
  } catch (error) {
    if (!isMillraceError(error, "BAD_CONFIG") || error.details["key"] !== "port") throw error;
    return listenAt(0);
  }
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
