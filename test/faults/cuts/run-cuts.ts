/** The tests of power cuts, with all their states, or with the sample that `npm test` takes. */

import { spawn } from "node:child_process";
import { globSync } from "node:fs";

const TESTS = "src/embedded/**/power-cut.test.ts";
/** `✔ name (12.5ms)`, and what the tests themselves tell of their states. */
const TOLD = /^(power cut, .*|. \d+ states at \d+ steps)$/;
const PASSED = /^\u2714 /;
const FAILED = /^\u2716 (?!failing tests:)/;

export interface CutsResult {
  readonly tried: number;
  readonly broken: readonly string[];
}

/** Each file by itself, so that one is told as soon as it has ended. */
export async function runCuts(quick: boolean): Promise<CutsResult> {
  const results: CutsResult[] = [];
  for (const file of globSync(TESTS).toSorted()) {
    console.log(`cuts: ${file}`);
    results.push(await runFile(file, quick));
  }
  return {
    tried: results.reduce((sum, { tried }) => sum + tried, 0),
    broken: results.flatMap(({ broken }) => broken),
  };
}

async function runFile(file: string, quick: boolean): Promise<CutsResult> {
  const args = ["--conditions=source", "--test", "--test-isolation=none", file];
  const env = { ...process.env, ...(!quick && { MILLRACE_POWER_CUTS: "all" }) };
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const lines = said.split("\n");
  for (const line of lines) if (TOLD.test(line)) console.log(`  ${line}`);
  const failed = new Set(lines.filter((line) => FAILED.test(line)));
  const tried = lines.filter((line) => PASSED.test(line)).length + failed.size;
  const broken = code === 0 || failed.size > 0 ? [...failed] : ["ended with an error"];
  if (broken.length > 0) console.log(said);
  return { tried, broken: broken.map((line) => `${file}: ${line}`) };
}
