/** `millrace run`: the broker, its doors and the services of the configuration. */

import { openApp } from "../../../host/app.ts";
import { isMillraceError, MillraceError, type ExitCode } from "../../../model/errors.ts";
import type { Service } from "../../../service/part.ts";
import type { CommandContext } from "../../context.ts";
import { loadProject, type Project } from "../../project.ts";
import { brokersOf, storeOf } from "../../project-broker.ts";
import {
  announce,
  brokerDoors,
  checkContract,
  doorSettings,
  environmentOf,
  untilStopped,
  type StartOptions,
} from "./serving.ts";

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
