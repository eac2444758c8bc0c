/** Runs a program to its end, keeping what it wrote. */

import { spawn } from "node:child_process";

export interface ProgramOptions {
  readonly cwd?: string;
  /** Laid over this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is closed behind it. */
  readonly input?: string | Uint8Array;
  /** The program and all that it started are killed after it; five minutes unless said. */
  readonly timeoutMs?: number;
  /** Any exit code is an answer, not a failure. */
  readonly anyExit?: boolean;
  /** Kills the program as the timeout does. */
  readonly signal?: AbortSignal;
}

export interface ProgramOutput {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 300_000;
const KEPT_CHARACTERS_MAX = 64 * 1024 * 1024;

export class ProgramFailed extends Error {
  override readonly name = "ProgramFailed";
  readonly output: ProgramOutput;

  constructor(text: string, output: ProgramOutput) {
    super(`${text}\n${output.stdout}${output.stderr}`.trimEnd());
    this.output = output;
  }
}

/** Throws ProgramFailed, with all output, for an exit code other than 0 and for a timeout. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramOutput> {
  const { cwd, env, input, timeoutMs = TIMEOUT_MS, anyExit = false, signal } = options;
  // Leader of a group of its own, so that what it started can be ended with it.
  const child = spawn(command, args, {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  let killed: string | undefined;
  const kill = (why: string): void => {
    killed ??= why;
    if (child.pid !== undefined && child.exitCode === null) endGroup(child.pid);
  };
  const onAbort = (): void => kill("was stopped");
  const timer = setTimeout(() => kill(`did not end within ${timeoutMs} ms`), timeoutMs);
  signal?.addEventListener("abort", onAbort);
  // A program may end without having read its input.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code));
    });
    const output = { exitCode, stdout: stdout(), stderr: stderr() };
    const shown = [command, ...args].join(" ");
    if (killed !== undefined) throw new ProgramFailed(`${shown} ${killed}`, output);
    if (exitCode !== 0 && !anyExit) {
      throw new ProgramFailed(`${shown} ended with ${exitCode ?? "a signal"}`, output);
    }
    return output;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    if (text.length < KEPT_CHARACTERS_MAX) text += chunk;
  });
  return () => text;
}
