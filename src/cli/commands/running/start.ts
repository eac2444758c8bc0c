/** `millrace start` and `millrace run`: servers, which go on until a signal stops them. */

import { basename } from "node:path";
import { createAdmin } from "../../../admin/create-admin.ts";
import type { BrokerAddress } from "../../../broker/broker.ts";
import type { WantedDoors } from "../../../broker/doors.ts";
import { openBrokers } from "../../../host/brokers.ts";
import { channelsOf, ensureChannels } from "../../../service/start/channels.ts";
import { openDoor, type OpenDoor } from "../../../host/door.ts";
import { createLog } from "../../../host/logger.ts";
import { doorsOf, type DoorSettings } from "../../../host/options.ts";
import { aborted } from "../../../host/signals.ts";
import { EXIT, isMillraceError, MillraceError, type ExitCode } from "../../../model/errors.ts";
import type { Environment } from "../../../model/environment.ts";
import { createRegistry } from "../../../schema/registry.ts";
import type { Service } from "../../../service/part.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { checkLockedContract } from "../../locked-contract.ts";
import { brokersOf, storeOf } from "../../open-directory.ts";
import { loadProject, type Project } from "../../project.ts";

export interface StartOptions extends GlobalOptions {
  readonly httpPort?: number;
  readonly kafkaPort?: number;
  readonly amqpPort?: number;
  /** Start although a reader of the locked contract would break. */
  readonly yes?: boolean;
  /** Started by `millrace dev`, which wants to know the modules, and with which this process ends. */
  readonly supervised?: boolean;
}

/** The broker and the door, without services: the configuration only tells what is declared. */
export async function start(context: CommandContext, options: StartOptions): Promise<ExitCode> {
  const project = await loadProject(context.folder, options);
  const environment = environmentOf(context, project, options);
  await checkContract(context, project, options);
  // The door's modules load while the broker waits for the disk.
  const doorLoaded = import("../../../http/serve.ts");
  await using opened = new AsyncDisposableStack();
  const doors = brokerDoors(project, options);
  const brokers = opened.use(await openBrokers({ ...brokersOf(project), ...doors }, environment));
  const channels = channelsOf(project.loaded?.config.services ?? []);
  await ensureChannels(channels, brokers);
  const registry = createRegistry(channels);
  const { streams, queues, upkeep } = brokers;
  const admin = opened.use(createAdmin({ streams, queues, upkeep, registry, environment }));
  const settings = doorSettings(project, options);
  await doorLoaded;
  const door = opened.use(
    await openDoor({ admin, environment, settings, access: doors, directory: brokers.directory }),
  );
  await announce(context, door, brokers.addresses);
  return await untilStopped(context, options);
}

/** Broker, door and services; one of them alone where it is named. */
export async function run(
  context: CommandContext,
  options: StartOptions,
  service?: string,
): Promise<ExitCode> {
  if (options.supervised !== true) return runServices(context, options, service);
  await serveSupervisor();
  try {
    return await runServices(context, options, service);
  } catch (error) {
    // Before the process ends: what is sent while it does may be lost.
    await tellSupervisor({ failed: isMillraceError(error) ? error.code : "" });
    throw error;
  }
}

async function runServices(
  context: CommandContext,
  options: StartOptions,
  service: string | undefined,
): Promise<ExitCode> {
  const { openApp } = await import("../../../host/app.ts");
  const project = await loadProject(context.folder, options);
  const { data: _data, log: _log, contracts: _lock, ...config } = requireConfig(project);
  const environment = environmentOf(context, project, options);
  await checkContract(context, project, options);
  await using app = await openApp({
    ...config,
    services: service === undefined ? config.services : [serviceOf(config.services, service)],
    ...brokersOf(project),
    ...brokerDoors(project, options),
    store: await storeOf(project),
    http: doorSettings(project, options),
    contractBreaks: options.yes === true ? "warn" : "refuse",
    environment,
  });
  if (app.door !== undefined) await announce(context, app.door, app.addresses);
  return await untilStopped(context, options);
}

function serviceOf(services: readonly Service[], name: string): Service {
  const found = services.find((service) => service.name === name);
  if (found !== undefined) return found;
  const names = services.map((service) => service.name);
  throw new MillraceError(
    "NOT_FOUND",
    `the configuration has no service ${JSON.stringify(name.slice(0, 100))}; it has ${names.join(", ") || "none"}`,
    { details: { service: name.slice(0, 100), known: names } },
  );
}

/** Law 13, at start. */
async function checkContract(
  { output }: CommandContext,
  project: Project,
  { yes }: StartOptions,
): Promise<void> {
  const report = await checkLockedContract(project, { yes });
  if (report === undefined || project.loaded === undefined) return;
  const file = basename(project.loaded.contracts);
  if (report.verdict !== "compatible") {
    output.note(`started although readers of ${file} would break`);
  } else if (report.changes.length > 0) {
    output.note(`the declarations have moved on from ${file}; write it: millrace contract lock`);
  }
}

/** With the log as the configuration wants it; `--debug` goes before its level. */
function environmentOf(
  { environment }: CommandContext,
  { loaded }: Project,
  { debug = false }: StartOptions,
): Environment {
  const log = loaded?.config.log;
  if (log === undefined) return environment;
  if ("warn" in log) return { ...environment, log };
  const now = (): number => environment.clock.now();
  return { ...environment, log: createLog({ ...log, ...(debug && { level: "debug" }), now }) };
}

async function serveSupervisor(): Promise<void> {
  const { reportModules } = await import("../../module-report.ts");
  reportModules((path) => process.send?.({ module: path }));
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // Listening must not keep a process alive that has stopped.
  process.channel?.unref();
}

function tellSupervisor(told: Readonly<Record<string, unknown>>): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(told, undefined, undefined, () => resolve());
    else resolve();
  });
}

function requireConfig(project: Project): NonNullable<Project["loaded"]>["config"] {
  if (project.loaded !== undefined) return project.loaded.config;
  throw new MillraceError(
    "BAD_CONFIG",
    "there is no millrace.config.ts here, so there are no services to run; write one with `export default defineConfig({ services: […] })`, name it with --config, or run the broker alone: millrace start",
  );
}

/** The option goes before the configuration; a token may come by the environment, never by an option. */
function doorSettings({ loaded }: Project, { httpPort: port }: StartOptions): DoorSettings {
  const configured = loaded?.config.http;
  const token = process.env["MILLRACE_TOKEN"];
  return {
    ...(configured === false ? {} : configured),
    ...(port !== undefined && { port }),
    ...(token !== undefined && token !== "" && { token }),
  };
}

/** The doors of the broker as configured, at the ports of the options where they are given. */
function brokerDoors({ loaded }: Project, { kafkaPort, amqpPort }: StartOptions): WantedDoors {
  const configured = doorsOf(loaded?.config ?? {});
  return {
    ...configured,
    ...(kafkaPort !== undefined && { kafka: { ...configured.kafka, port: kafkaPort } }),
    ...(amqpPort !== undefined && { amqp: { ...configured.amqp, port: amqpPort } }),
  };
}

/** The address is data: a script can read it from standard output. */
async function announce(
  { output, environment }: CommandContext,
  door: OpenDoor,
  addresses: readonly BrokerAddress[],
): Promise<void> {
  const { url, token } = door;
  const startedMs = Math.round(environment.clock.monotonic());
  const entry = `${url}/?token=${token}`;
  const clients = addresses.map(
    ({ protocol, host, port }) => `${protocol}: ${hostPort(host, port)}`,
  );
  await output.result(
    { url, token, pid: process.pid, startedMs, addresses },
    [`ready in ${startedMs} ms: ${entry}`, ...clients].join("\n"),
  );
  process.send?.({ ready: { port: door.port, addresses, startedMs } });
}

function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** SIGTERM is how a server is asked to end; Ctrl-C interrupts it. */
async function untilStopped(
  { signal, output }: CommandContext,
  { supervised = false }: StartOptions,
): Promise<ExitCode> {
  await aborted(signal);
  // Under `millrace dev` nobody has pressed anything: a file has changed.
  if (!supervised) output.note("stopping; again to end at once");
  const { reason }: { readonly reason: unknown } = signal;
  const terminated = isMillraceError(reason) && reason.details["signal"] === "SIGTERM";
  return terminated ? EXIT.ok : EXIT.interrupted;
}
