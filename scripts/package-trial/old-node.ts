/** What the command says under a Node that is too old. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { searchPath } from "./surroundings.ts";
import type { Trial } from "./trial.ts";

const OLDEST = 24;

/** One sentence with the remedy, nothing else, and exit code 1; left out where no older Node is. */
export async function tryOldNode(trial: Trial, project: string): Promise<void> {
  const old = oldNode();
  if (old === undefined) {
    trial.note(`left out: no Node older than ${OLDEST} is on the path, so none can be tried`);
    return;
  }
  await trial.step(`Node ${old.version} is told what to do`, () => {
    const main = join(project, "node_modules/millrace/dist/cli/main.js");
    const { status, stdout, stderr } = spawnSync(old.path, [main, "describe"], {
      encoding: "utf8",
    });
    const sentence =
      /^millrace: this is Node [\d.]+, and millrace needs Node 24 or newer; install .+\n$/;
    if (status !== 1 || stdout !== "" || !sentence.test(stderr)) {
      throw new Error(`exit code ${status}\n${stdout}${stderr}`);
    }
    trial.note(stderr.trimEnd());
  });
}

function oldNode(): { readonly path: string; readonly version: string } | undefined {
  const paths = ["/usr/local/bin", ...searchPath()].map((folder) => join(folder, "node"));
  for (const path of paths.filter((each) => existsSync(each))) {
    const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
    const version = stdout.trim().slice(1);
    if (Number.parseInt(version, 10) < OLDEST) return { path, version };
  }
  return undefined;
}
