/** Every sample runs in the build: no file of `examples` is there that no test runs. */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const SAMPLES = globSync("examples/**/*.ts").toSorted();
const TESTS = [...SAMPLES, ...globSync("test/*.test.ts")].filter((path) =>
  path.endsWith(".test.ts"),
);
const IMPORT = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;
/** Programs are started by their path, and a folder's configuration by its name. */
const NAMED = /"([^"\s]*\.ts)"/g;

/** The samples that a file imports, or names in a text as the program that it starts. */
function ranBy(path: string): readonly string[] {
  const source = readFileSync(path, "utf8");
  const imported = [...source.matchAll(IMPORT)].map(([, to = ""]) => join(dirname(path), to));
  const named = [...source.matchAll(NAMED)].flatMap(([, to = ""]) =>
    SAMPLES.filter((sample) => `/${sample}`.endsWith(`/${to.replace(/^(?:\.\.?\/)*/, "")}`)),
  );
  return [...imported, ...named].filter((to) => SAMPLES.includes(to));
}

function reached(roots: readonly string[]): ReadonlySet<string> {
  const found = new Set(roots);
  // A set that grows is walked to its end.
  for (const path of found) for (const next of ranBy(path)) found.add(next);
  return found;
}

// proves: learning-material
test("every file of every sample is run by a test", () => {
  const ran = reached(TESTS);
  const left = SAMPLES.filter((path) => !ran.has(path));
  assert.deepEqual(left, []);
  assert.ok(SAMPLES.length > 40, `only ${SAMPLES.length} files were looked at`);
});

test("every sample has a place in the list of samples, and the reading list is reached from it", () => {
  const list = readFileSync("examples/README.md", "utf8");
  const folders = new Set(SAMPLES.map((path) => path.split("/")[1] ?? ""));
  const missing = [...folders].filter((name) => !list.includes(name));
  assert.deepEqual(missing, []);
  assert.match(list, /\(\.\.\/docs\/reading\.md\)/);
  assert.match(readFileSync("docs/reading.md", "utf8"), /^- \[.+\]\(https:/m);
});
