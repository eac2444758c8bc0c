/**
 * `npm test`: the tests of the tree, on all cores. The files are dealt into more hands than there are
 * cores, so a slow hand holds nobody up; a hand shares one process, because starting one for every
 * file would take longer than most files do. Arguments name files or patterns; without any, all run.
 */

import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";

const PATTERNS = ["src/**/*.test.ts", "test/*.test.ts", "examples/**/*.test.ts"];
const HANDS_PER_CORE = 5;
/** Many tests start workers, and half of a start is reading its sources. */
const COMPILE_CACHE = resolve("node_modules", ".cache", "node-compile");
const HAND = resolve(import.meta.dirname, "test-hand.ts");
const COUNTS = ["tests", "pass", "fail", "cancelled", "skipped", "todo"] as const;
const SUMMARY = /^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/;

interface Result {
  readonly counts: ReadonlyMap<string, number>;
  readonly failed: boolean;
}

/** Runs a hand of files and prints what it said, without its summary. */
function runHand(files: readonly string[]): Promise<Result> {
  const args = ["--conditions=source", HAND, ...files];
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE };
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env });
  const said: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const counts = new Map<string, number>();
      const lines = Buffer.concat(said).toString().trimEnd().split("\n");
      for (const line of lines) {
        const [, name, value] = SUMMARY.exec(line) ?? [];
        if (name === undefined) console.log(line);
        else counts.set(name, Number(value));
      }
      if (signal !== null) console.log(`✖ ended by ${signal}: ${files.join(" ")}`);
      if (code !== 0 && !counts.get("fail") && !counts.get("cancelled")) {
        console.log(
          `✖ an error that no test caught: node --test says whose, of ${files.join(" ")}`,
        );
      }
      resolve({ counts, failed: code !== 0 });
    });
  });
}

/** Deals files out one by one, so that neighbours, which are often alike, do not meet in one hand. */
function deal(files: readonly string[], hands: number): readonly (readonly string[])[] {
  const dealt = Array.from({ length: Math.min(hands, files.length) }, (): string[] => []);
  files.forEach((file, index) => dealt[index % dealt.length]!.push(file));
  return dealt;
}

const started = performance.now();
const asked = process.argv.slice(2);
const files = globSync(asked.length > 0 ? asked : PATTERNS).toSorted();
const cores = availableParallelism();
const hands = [...deal(files, cores * HANDS_PER_CORE)];
const results: Result[] = [];
await Promise.all(
  Array.from({ length: cores }, async () => {
    for (let hand = hands.shift(); hand !== undefined; hand = hands.shift()) {
      results.push(await runHand(hand));
    }
  }),
);

const total = (name: string): number =>
  results.reduce((sum, { counts }) => sum + (counts.get(name) ?? 0), 0);
for (const name of COUNTS) console.log(`ℹ ${name} ${total(name)}`);
console.log(`ℹ duration_ms ${Math.round(performance.now() - started)}`);
const nothing = total("pass") === 0;
if (nothing) console.log("✖ no test ran");
process.exitCode = nothing || results.some(({ failed }) => failed) ? 1 : 0;
