/** What `millrace start` and `millrace run` share: servers, which go on until a signal stops them. */

import { flushCompileCache } from "node:module";
import { basename } from "node:path";
import type { BrokerAddress } from "../../../broker/broker.ts";
import type { WantedDoors } from "../../../broker/doors.ts";
import type { OpenDoor } from "../../../host/door.ts";
import { createLog } from "../../../host/logger.ts";
import type { DoorSettings } from "../../../host/options.ts";
import { aborted } from "../../../host/signals.ts";
import { doorsOf } from "../../../host/settings/wanted-doors.ts";
import type { Environment } from "../../../model/environment.ts";
import { EXIT, isMillraceError, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import type { Project } from "../../project.ts";

export interface StartOptions extends GlobalOptions {
  readonly httpPort?: number;
  readonly kafkaPort?: number;
  readonly amqpPort?: number;
  /** Start although a reader of the locked contract would break. */
  readonly yes?: boolean;
  /** Started by `millrace dev`, which wants to know the modules, and with which this process ends. */
  readonly supervised?: boolean;
}

/** Law 13, at start. */
export async function checkContract(
  { output }: CommandContext,
  project: Project,
  { yes }: StartOptions,
): Promise<void> {
  if (project.loaded === undefined) return;
  const { checkLockedContract } = await import("../../locked-contract.ts");
  const report = await checkLockedContract(project, { yes });
  if (report === undefined) return;
  const file = basename(project.loaded.contracts);
  if (report.verdict !== "compatible") {
    output.note(`started although readers of ${file} would break`);
  } else if (report.changes.length > 0) {
    output.note(`the declarations have moved on from ${file}; write it: millrace contract lock`);
  }
}

/** With the log as the configuration wants it; `--debug` goes before its level. */
export function environmentOf(
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

/** The option goes before the configuration; a token may come by the environment, never by an option. */
export function doorSettings({ loaded }: Project, { httpPort: port }: StartOptions): DoorSettings {
  const configured = loaded?.config.http;
  const token = process.env["MILLRACE_TOKEN"];
  return {
    ...(configured === false ? {} : configured),
    ...(port !== undefined && { port }),
    ...(token !== undefined && token !== "" && { token }),
  };
}

/** The doors of the broker as configured, at the ports of the options where they are given. */
export function brokerDoors(
  { loaded }: Project,
  { kafkaPort, amqpPort }: StartOptions,
): WantedDoors {
  const configured = doorsOf(loaded?.config ?? {});
  return {
    ...configured,
    ...(kafkaPort !== undefined && { kafka: { ...configured.kafka, port: kafkaPort } }),
    ...(amqpPort !== undefined && { amqp: { ...configured.amqp, port: amqpPort } }),
  };
}

/** The address is data: a script can read it from standard output. */
export async function announce(
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

/** When a start is over, and what answers behind the doors is compiled too. */
const COMPILED_AFTER_MS = 5_000;

/** SIGTERM is how a server is asked to end; Ctrl-C interrupts it. */
export async function untilStopped(
  { signal, output, environment }: CommandContext,
  { supervised = false }: StartOptions,
): Promise<ExitCode> {
  // Node keeps compiled code for the next start when a process ends, which one that is killed does not.
  const keeping = environment.clock.after(COMPILED_AFTER_MS, flushCompileCache);
  await aborted(signal);
  keeping.cancel();
  // Under `millrace dev` nobody has pressed anything: a file has changed.
  if (!supervised) output.note("stopping; again to end at once");
  const { reason }: { readonly reason: unknown } = signal;
  const terminated = isMillraceError(reason) && reason.details["signal"] === "SIGTERM";
  return terminated ? EXIT.ok : EXIT.interrupted;
}
