/**
 * `npm run package-trial`: a stranger's first day with the packed package. It packs what is here,
 * plays docs/tutorial.md in an empty folder, runs the command under an older Node, and compiles the
 * packed types under the compilers that users have. It reaches the package registry and nothing else.
 */

import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { tryOldNode } from "./package-trial/old-node.ts";
import { packPackage } from "./package-trial/pack-package.ts";
import { checkPackedTypes } from "./package-trial/packed-types.ts";
import { playTutorial } from "./package-trial/play-tutorial.ts";
import { Trial } from "./package-trial/trial.ts";

const root = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "millrace-trial-"));
const trial = new Trial();
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${trial.passed} passed, ${trial.failed} failed`);
process.exitCode = trial.failed === 0 && trial.passed > 0 ? 0 : 1;

async function main(): Promise<void> {
  // The tutorial finds the package here, beside the reader's own folder.
  const shelf = join(folder, "millrace");
  mkdirSync(shelf);
  let archive = "";
  const packed = await trial.step("the package is built and packed", () => {
    archive = packPackage(root, shelf);
  });
  if (!packed) return;
  const project = await playTutorial(trial, join(root, "docs/tutorial.md"), folder);
  await trial.step("no file names a path of the machine that made it", () => namesNoPlace(project));
  await tryOldNode(trial, project);
  await checkPackedTypes(trial, { root, archive, folder: join(folder, "types") });
}

/** Neither what was packed, nor what was written for the user. */
function namesNoPlace(project: string): void {
  const files = globSync(["*", "node_modules/millrace/**/*.{js,ts,json,map,tmpl}"], {
    cwd: project,
    exclude: ["node_modules/millrace/node_modules/**"],
  }).filter((name) => /\.\w+$/.test(name));
  const telling = files.filter((name) => {
    const text = readFileSync(join(project, name), "utf8");
    return text.includes(root) || text.includes(folder);
  });
  if (files.length < 100) throw new Error(`only ${files.length} files were looked at`);
  if (telling.length > 0) throw new Error(`these do: ${telling.slice(0, 10).join(", ")}`);
}
