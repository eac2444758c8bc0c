/**
 * The frame around every command: signals, output, errors and the exit code.
 *
 * A command returns its exit code, or throws. Standard output that nobody reads any more (`| head`)
 * ends the command quietly. A signal makes the command stop in good order; the exit code is then 130,
 * whatever the command returned, unless it said itself how it ended.
 */

import { userInfo } from "node:os";
import { createLog, SILENT_LOG } from "../host/logger.ts";
import { createRealClock, holdProcess } from "../host/real-clock.ts";
import { createRealEnvironment } from "../host/real-environment.ts";
import { listenForSignals } from "../host/signals.ts";
import { EXIT, isMillraceError, type ExitCode } from "../model/errors.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";
import { reportFailure } from "./terminal/failure-report.ts";
import { createOutput } from "./terminal/output.ts";

export type Command = (context: CommandContext) => Promise<ExitCode>;

export interface RunSettings {
  readonly options: GlobalOptions;
  /** Servers log; commands that answer and end keep quiet unless `--debug` is given. */
  readonly logs: boolean;
}

export async function runCommand(
  command: Command,
  { options, logs }: RunSettings,
): Promise<ExitCode> {
  const json = options.json === true;
  const debug = options.debug === true;
  using signals = listenForSignals();
  using pipe = listenForBrokenPipe();
  using _hold = heldProcess();
  const level = debug ? "debug" : logs ? "info" : "warn";
  const clock = createRealClock();
  const log = logs || debug ? createLog({ level, now: () => clock.now() }) : SILENT_LOG;
  let stdin: NodeJS.ReadStream | undefined;
  const context: CommandContext = {
    options,
    output: createOutput({ stdout: process.stdout, stderr: process.stderr, json }),
    environment: createRealEnvironment(log),
    signal: AbortSignal.any([signals.signal, pipe.signal]),
    by: callerName(),
    folder: process.cwd(),
    // Opened by whoever reads it: a server does not.
    get stdin() {
      return (stdin ??= process.stdin);
    },
    stderr: process.stderr,
  };
  try {
    const exit = await command(context);
    context.output.progress("");
    return exit;
  } catch (error) {
    context.output.progress("");
    if (pipe.signal.aborted) return EXIT.ok;
    const stopped = signals.received !== undefined && isStop(error);
    if (stopped) return EXIT.interrupted;
    const report = reportFailure(error, { json, debug });
    process.stderr.write(`${report.text}\n`);
    return report.exit;
  } finally {
    if (stdin?.destroyed === false) stdin.pause();
    stdin?.unref?.();
  }
}

/** The system's user; a container may have none by that number. */
function callerName(): string {
  try {
    return `${userInfo().username} (millrace)`;
  } catch {
    return "millrace";
  }
}

function isStop(error: unknown): boolean {
  return (
    isMillraceError(error, "CANCELLED") || (error instanceof Error && error.name === "AbortError")
  );
}

function heldProcess(): Disposable {
  const hold = holdProcess();
  return { [Symbol.dispose]: () => hold.cancel() };
}

/** Aborts when the reader of standard output has gone. Any other failure to write is thrown. */
function listenForBrokenPipe(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const listen = (error: NodeJS.ErrnoException): void => {
    if (error.code !== "EPIPE") throw error;
    controller.abort(error);
  };
  process.stdout.on("error", listen);
  return { signal: controller.signal, [Symbol.dispose]: () => {} };
}
