/**
 * `millrace dev`: `millrace run`, again whenever a source file changes.
 *
 * A parent watches and one child runs everything: broker, door and services. A restart is a clean stop
 * and a new process, so no module of the old code can linger, and what is kept is exactly what a real
 * deployment keeps: the data directory and the stores. The child reports each module that it loads,
 * so the parent watches the very files that matter, wherever they stand, and also those of a start
 * that failed. The door keeps its port and its token, so an open page stays good.
 *
 * The child leads a process group of its own: Ctrl-C reaches the parent alone, which passes it on once.
 * If the parent dies, the child sees the channel close and stops.
 */

import { fork, type ChildProcess } from "node:child_process";
import { relative } from "node:path";
import type { BrokerAddress } from "../../../broker/broker.ts";
import { CONFIG_FILES, findConfig } from "../../../host/config-file.ts";
import { checkToken, createToken } from "../../../http/token.ts";
import { delay } from "../../../model/clock.ts";
import { ERROR_CODES, EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext } from "../../context.ts";
import { FileWatch } from "../../watch-files.ts";
import type { StartOptions } from "./serving.ts";

/** How long a child may take to stop before it is ended: it loses nothing, it only recovers longer. */
const STOP_MS = 15_000;

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a child tells: see `run.ts`. */
interface Told {
  readonly module?: string;
  readonly ready?: {
    readonly port: number;
    readonly addresses: readonly BrokerAddress[];
    readonly startedMs: number;
  };
  /** The code of the error with which it ends; empty for a defect. */
  readonly failed?: string;
}

export async function dev(context: CommandContext, options: StartOptions): Promise<ExitCode> {
  const { folder, output, environment, signal } = context;
  const { clock } = environment;
  // Set to nothing it counts as not set, as everywhere. All the starts of this run share one token.
  const token = checkToken(process.env["MILLRACE_TOKEN"] || createToken(environment.random));
  const file = options.config ?? findConfig(folder);
  if (file === undefined) {
    throw new MillraceError(
      "BAD_CONFIG",
      `there is no ${CONFIG_FILES[0]} in ${folder}; write one, or name it with --config`,
    );
  }
  // What was any free port is the same one again: clients are connected to it.
  let ports: Ports = portsOf(options);
  for (let why = ""; ;) {
    const startedMs = clock.monotonic();
    using watch = new FileWatch(clock);
    watch.add(file);
    const child = startChild({ ...options, ...ports }, token);
    const exited = exitOf(child);
    let failed: string | undefined;
    child.on("message", ({ module, ready, ...told }: Told) => {
      failed ??= told.failed;
      if (module !== undefined) watch.add(module);
      if (ready === undefined) return;
      ports = portsAgain(ports, ready);
      if (why !== "")
        output.note(`${why}; ready again in ${elapsed(clock.monotonic() - startedMs)}`);
    });

    const first = await Promise.race([exited, watch.changed, stopped(signal)]);
    if (first === "stopped") {
      await stopChild(context, child, exited);
      return EXIT.interrupted;
    }
    if ("code" in first) {
      // Another process has the data, which no change of a file ends. The child has told which.
      if (failed === "DIRECTORY_IN_USE") return ERROR_CODES[failed].exit;
      output.note(
        `the program ended (${first.signal ?? `exit code ${first.code}`}); waiting for a change`,
      );
    }
    const paths = "code" in first ? await Promise.race([watch.changed, stopped(signal)]) : first;
    if (paths === "stopped") return EXIT.interrupted;
    why = `${paths.map((path) => relative(folder, path)).join(", ")} changed`;
    await stopChild(context, child, exited);
  }
}

type Ports = Pick<StartOptions, "httpPort" | "kafkaPort" | "amqpPort">;

function portsOf({ httpPort, kafkaPort, amqpPort }: StartOptions): Ports {
  return {
    ...(httpPort !== undefined && { httpPort }),
    ...(kafkaPort !== undefined && { kafkaPort }),
    ...(amqpPort !== undefined && { amqpPort }),
  };
}

/** Ports of options are kept as they came out; those of the configuration may change with it. */
function portsAgain(ports: Ports, { port, addresses }: NonNullable<Told["ready"]>): Ports {
  const found = (protocol: BrokerAddress["protocol"]): number | undefined =>
    addresses.find((address) => address.protocol === protocol)?.port;
  const kafkaPort = ports.kafkaPort === 0 ? found("kafka") : ports.kafkaPort;
  const amqpPort = ports.amqpPort === 0 ? found("amqp") : ports.amqpPort;
  return {
    httpPort: port,
    ...(kafkaPort !== undefined && { kafkaPort }),
    ...(amqpPort !== undefined && { amqpPort }),
  };
}

function startChild(options: StartOptions, token: string): ChildProcess {
  const [, main = ""] = process.argv;
  const flags = [
    ...(options.json === true ? ["--json"] : []),
    ...(options.debug === true ? ["--debug"] : []),
    ...(options.data === undefined ? [] : ["--data", options.data]),
    ...(options.config === undefined ? [] : ["--config", options.config]),
    ...(options.yes === true ? ["--yes"] : []),
    ...(options.httpPort === undefined ? [] : ["--http-port", String(options.httpPort)]),
    ...(options.kafkaPort === undefined ? [] : ["--kafka-port", String(options.kafkaPort)]),
    ...(options.amqpPort === undefined ? [] : ["--amqp-port", String(options.amqpPort)]),
  ];
  return fork(main, ["run", "--supervised", ...flags], {
    detached: true,
    env: { ...process.env, MILLRACE_TOKEN: token },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

async function stopChild(
  { environment, output }: CommandContext,
  child: ChildProcess,
  exited: Promise<Exit>,
): Promise<void> {
  const gone = new AbortController();
  const late = delay(environment.clock, STOP_MS, gone.signal).then(
    () => "late",
    () => "gone",
  );
  child.kill("SIGTERM");
  const first = await Promise.race([exited, late]);
  gone.abort();
  if (first !== "late") return;
  output.note(`the program did not stop within ${STOP_MS / 1_000} s and is ended; nothing is lost`);
  child.kill("SIGKILL");
  await exited;
}

function stopped(signal: AbortSignal): Promise<"stopped"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("stopped");
    else signal.addEventListener("abort", () => resolve("stopped"), { once: true });
  });
}

function elapsed(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
