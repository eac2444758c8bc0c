/** What a stranger's shell has: Node 24 in front, and nothing of this repository or of npm's own run. */

import { spawnSync } from "node:child_process";
import { delimiter, dirname } from "node:path";

/** Set by npm for its scripts: a nested npm would take this repository for its project. */
const NPM_OWN =
  /^(npm_(package|lifecycle|command|execpath|node_execpath|config_local_prefix)|INIT_CWD|NODE$)/;
const OURS = /^(MILLRACE_|NODE_OPTIONS$|NODE_TEST_CONTEXT$|FORCE_COLOR$)/;

/** Folders of the search path where a stranger's programs are. */
export function searchPath(): readonly string[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.filter((folder) => !folder.includes("node_modules"));
}

export function strangersEnvironment(
  more: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !NPM_OWN.test(name) && !OURS.test(name),
  );
  const PATH = [dirname(process.execPath), ...searchPath()].join(delimiter);
  return { ...Object.fromEntries(kept), PATH, NO_COLOR: "1", ...more };
}

export interface Said {
  readonly status: number | null;
  /** What was printed as data, and below it all else. */
  readonly text: string;
}

/** Runs lines as a shell would that stops at the first that fails. */
export function shell(lines: string, cwd: string, env = strangersEnvironment()): Said {
  const { status, stdout, stderr, error } = spawnSync("sh", ["-e", "-c", lines], {
    cwd,
    env,
    encoding: "utf8",
    timeout: 300_000,
  });
  return { status, text: `${stdout}\n${stderr}${error?.message ?? ""}` };
}

/** As `shell`; throws what was said where it fails. */
export function mustRun(lines: string, cwd: string): string {
  const { status, text } = shell(lines, cwd);
  if (status !== 0) throw new Error(`${lines}\nexit code ${status}\n${text}`);
  return text;
}
