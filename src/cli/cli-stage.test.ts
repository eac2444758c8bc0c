/** The command as a process of its own, from the sources. */

import { spawn, type ChildProcess } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

export const ROOT = resolve(import.meta.dirname, "../..");
export const MAIN = resolve(ROOT, "src/cli/main.ts");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly folder: string;
  readonly input?: string;
  /** Laid over the environment. */
  readonly env?: NodeJS.ProcessEnv;
}

export function startCli(
  args: readonly string[],
  { folder, env = {} }: Omit<CliOptions, "input">,
): ChildProcess {
  return spawn(process.execPath, ["--conditions=source", MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
}

/** Resolves when it has ended. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<Ended> {
  const child = startCli(args, options);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin?.on("error", () => undefined).end(options.input ?? "");
  const code = await exitOf(child);
  return { code, stdout, stderr };
}

export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => {
    child.once("close", (code) => done(code));
  });
}

/** The first line of standard output that fits. */
export function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((found, failed) => {
    const lines = createInterface({ input: child.stdout! });
    lines.on("line", (line) => {
      if (pattern.test(line)) found(line);
    });
    lines.once("close", () => failed(new Error(`standard output ended without ${pattern}`)));
  });
}
