/** `millrace start` and `millrace run`: servers, which go on until a signal stops them. */

import { createAdmin } from "../../../admin/create-admin.ts";
import { openBrokers } from "../../../host/brokers.ts";
import { channelsOf, ensureChannels } from "../../../host/channels.ts";
import { openDoor, type OpenDoor } from "../../../host/door.ts";
import type { DoorSettings } from "../../../host/options.ts";
import { aborted } from "../../../host/signals.ts";
import { EXIT, isMillraceError, MillraceError, type ExitCode } from "../../../model/errors.ts";
import { createRegistry } from "../../../schema/registry.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { brokersOf, storeOf } from "../../open-directory.ts";
import { loadProject, type Project } from "../../project.ts";

export interface StartOptions extends GlobalOptions {
  readonly port?: number;
  /** Started by `millrace dev`, which wants to know the modules, and with which this process ends. */
  readonly supervised?: boolean;
}

/** The broker and the door, without services: the configuration only tells what is declared. */
export async function start(context: CommandContext, options: StartOptions): Promise<ExitCode> {
  const { environment } = context;
  const project = await loadProject(context.folder, options);
  // The door's modules load while the broker waits for the disk.
  const doorLoaded = import("../../../http/serve.ts");
  await using opened = new AsyncDisposableStack();
  const brokers = opened.use(await openBrokers(brokersOf(project), environment));
  const channels = channelsOf(project.loaded?.config.services ?? []);
  await ensureChannels(channels, brokers);
  const registry = createRegistry(channels);
  const { streams, queues } = brokers;
  const admin = opened.use(createAdmin({ streams, queues, registry, environment }));
  const settings = doorSettings(project, options);
  await doorLoaded;
  const door = opened.use(
    await openDoor({ admin, environment, settings, directory: brokers.directory }),
  );
  await announce(context, door);
  return await untilStopped(context, options);
}

/** Broker, door and services. */
export async function run(context: CommandContext, options: StartOptions): Promise<ExitCode> {
  const { environment } = context;
  if (options.supervised === true) await serveSupervisor();
  const { openApp } = await import("../../../host/app.ts");
  const project = await loadProject(context.folder, options);
  const { data: _data, ...config } = requireConfig(project);
  await using app = await openApp({
    ...config,
    ...brokersOf(project),
    store: await storeOf(project),
    http: doorSettings(project, options),
    environment,
  });
  if (app.door !== undefined) await announce(context, app.door);
  return await untilStopped(context, options);
}

async function serveSupervisor(): Promise<void> {
  const { reportModules } = await import("../../module-report.ts");
  reportModules((path) => process.send?.({ module: path }));
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // Listening must not keep a process alive that has stopped.
  process.channel?.unref();
}

function requireConfig(project: Project): NonNullable<Project["loaded"]>["config"] {
  if (project.loaded !== undefined) return project.loaded.config;
  throw new MillraceError(
    "BAD_CONFIG",
    "there is no millrace.config.ts here, so there are no services to run; write one with `export default defineConfig({ services: […] })`, name it with --config, or run the broker alone: millrace start",
  );
}

/** The option goes before the configuration; a token may come by the environment, never by an option. */
function doorSettings({ loaded }: Project, { port }: StartOptions): DoorSettings {
  const configured = loaded?.config.http;
  const token = process.env["MILLRACE_TOKEN"];
  return {
    ...(configured === false ? {} : configured),
    ...(port !== undefined && { port }),
    ...(token !== undefined && token !== "" && { token }),
  };
}

/** The address is data: a script can read it from standard output. */
async function announce({ output, environment }: CommandContext, door: OpenDoor): Promise<void> {
  const { url, token } = door;
  const startedMs = Math.round(environment.clock.monotonic());
  const entry = `${url}/?token=${token}`;
  await output.result(
    { url, token, pid: process.pid, startedMs },
    `ready in ${startedMs} ms: ${entry}`,
  );
  process.send?.({ ready: { port: door.port, startedMs } });
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
