/** The checks behind `millrace doctor`, in the order in which a start would meet them. */

import { existsSync } from "node:fs";
import { access, constants, open, rm, stat, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { DOOR_PORT } from "../host/door.ts";
import { readDoorFile } from "../host/door-file.ts";
import type { Log } from "../model/environment.ts";
import { isMillraceError } from "../model/errors.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";
import { loadProject, type Project } from "./project.ts";

export interface Finding {
  readonly check: string;
  /** `note` is worth knowing and no obstacle. */
  readonly state: "ok" | "note" | "problem";
  readonly found: string;
}

type Found = readonly [state: Finding["state"], found: string];

const SYNCS = 32;
const SYNC_BYTES = 4_096;
/** A disk that needs longer than this is a disk that everything waits for. */
const SLOW_SYNC_MS = 20;
const FREE_BYTES_LOW = 512 * 1024 * 1024;

export async function runChecks(
  context: CommandContext,
  options: GlobalOptions,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const check = async (name: string, look: () => Promise<Found>): Promise<void> => {
    const [state, found] = await look().catch((error: unknown): Found => [
      "problem",
      textOf(error),
    ]);
    findings.push({ check: name, state, found });
  };
  let project: Project | undefined;
  await check("node", async () => ["ok", `${process.versions.node} at ${process.execPath}`]);
  await check("configuration", async () => {
    project = await loadProject(context.folder, options);
    const { loaded } = project;
    if (loaded === undefined)
      return ["note", "no millrace.config.ts here; start runs the broker alone"];
    const names = loaded.config.services.map(({ name }) => name);
    return ["ok", `${loaded.file}, services: ${names.join(", ") || "none"}`];
  });
  if (project === undefined) return findings;
  const { data, brokerDirectory } = project;
  const place = existsSync(data) ? data : dirname(data);
  const running = await runningDoor(brokerDirectory);

  await check("data directory", () => checkDirectory(data, place));
  await check("free space", () => checkSpace(place));
  await check("disk sync", () => checkSync(context, place));
  await check("running process", async () =>
    running === undefined ? ["note", "none"] : ["ok", `pid ${running.pid} at ${running.url}`],
  );
  if (running === undefined) {
    const settings = project.loaded?.config.http;
    const port = (settings === false ? undefined : settings?.port) ?? DOOR_PORT;
    await check("port", () => checkPort(port, settings !== false && settings?.port !== undefined));
    if (existsSync(brokerDirectory)) await check("broker", () => checkBroker(context, project!));
  }
  return findings;
}

async function checkDirectory(data: string, place: string): Promise<Found> {
  const stats = await stat(place);
  if (!stats.isDirectory())
    return ["problem", `${place} is not a directory; move it away or set --data`];
  await access(place, constants.R_OK | constants.W_OK | constants.X_OK);
  return place === data ? ["ok", data] : ["ok", `${data}; it is made by the first start`];
}

async function checkSpace(place: string): Promise<Found> {
  const { bavail, bsize } = await statfs(place);
  const freeBytes = bavail * bsize;
  const text = `${shownSize(freeBytes)} free`;
  if (freeBytes >= FREE_BYTES_LOW) return ["ok", text];
  return [
    "problem",
    `${text}; the embedded broker refuses appends below 256 MiB unless its freeBytesMin says otherwise: free some space`,
  ];
}

function shownSize(bytes: number): string {
  const gibibytes = bytes / 1024 ** 3;
  return gibibytes < 1 ? `${Math.floor(gibibytes * 1024)} MiB` : `${gibibytes.toFixed(1)} GiB`;
}

/** What every durable publish waits for, measured where the data is. */
async function checkSync({ environment }: CommandContext, place: string): Promise<Found> {
  const { clock } = environment;
  const path = join(place, `.millrace-doctor-${process.pid}`);
  const file = await open(path, "wx");
  try {
    const block = Buffer.alloc(SYNC_BYTES, 1);
    const times: number[] = [];
    for (let round = 0; round < SYNCS; round++) {
      await file.write(block, 0, SYNC_BYTES, round * SYNC_BYTES);
      const startedMs = clock.monotonic();
      await file.datasync();
      times.push(clock.monotonic() - startedMs);
    }
    const medianMs = times.toSorted((a, b) => a - b)[SYNCS / 2]!;
    const text = `${medianMs.toFixed(2)} ms a sync, ${Math.round(1_000 / medianMs)} a second one by one`;
    return [medianMs > SLOW_SYNC_MS ? "note" : "ok", text];
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

async function checkPort(port: number, required: boolean): Promise<Found> {
  if (port === 0) return ["ok", "any free one"];
  const free = await isFree(port);
  if (free) return ["ok", `${port} is free`];
  if (!required) return ["note", `${port} is taken; the door will take another one`];
  return ["problem", `${port} is taken; stop the program that has it, or set http.port`];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** The process that has the data open, if its door answers. */
async function runningDoor(
  directory: string,
): Promise<{ readonly url: string; readonly pid: number } | undefined> {
  const door = await readDoorFile(directory);
  if (door === undefined) return undefined;
  const { openAdminClient } = await import("../http/client.ts");
  try {
    await using admin = await openAdminClient({ url: door.url, token: door.token });
    await admin.lag();
    return door;
  } catch (error) {
    if (isMillraceError(error)) return undefined;
    throw error;
  }
}

/** Opening recovers the log, so what a power cut left behind shows here. */
async function checkBroker({ environment }: CommandContext, project: Project): Promise<Found> {
  const { openDirectory } = await import("./open-directory.ts");
  const damage: string[] = [];
  const log: Log = {
    ...environment.log,
    error: ({ code }, text) => void (code === "LOG_DAMAGED" && damage.push(text)),
  };
  await using opened = await openDirectory(project, { ...environment, log }, { ensure: false });
  const streams = await opened.admin.listStreams();
  const stopped = streams.flatMap(({ spec, partitions }) =>
    partitions
      .filter((partition) => partition.stopped !== undefined)
      .map(({ partition, stopped: why }) => `${spec.name}[${partition}]: ${why}`),
  );
  const problems = [...stopped, ...damage];
  if (problems.length > 0) {
    return ["problem", `${problems.join("; ")}; look at all of it with: millrace log verify`];
  }
  const partitions = streams.reduce((sum, { spec }) => sum + spec.partitions, 0);
  return ["ok", `opens; ${streams.length} streams with ${partitions} partitions, none stopped`];
}

function textOf(error: unknown): string {
  if (isMillraceError(error)) return `${error.message} (${error.code})`;
  return error instanceof Error ? error.message : String(error);
}
