/**
 * Fills the last column of docs/features.md from the comments `// proves: <slug>` above tests.
 * `--check` changes nothing and fails when the page is stale or a comment names no row.
 */

import { globSync, readFileSync, writeFileSync } from "node:fs";

const PAGE = "docs/features.md";

/** The tests that prove each slug: `path` -> titles, in the order of the files. */
function proofs(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const path of globSync([
    "src/**/*.ts",
    "test/**/*.ts",
    "examples/**/*.test.ts",
  ]).toSorted()) {
    for (const [, slugs = ""] of readFileSync(path, "utf8").matchAll(/^\s*\/\/ proves: (.+)$/gm)) {
      for (const slug of slugs.split(/[,\s]+/).filter((word) => word !== "")) {
        const paths = found.get(slug) ?? [];
        if (!paths.includes(path)) found.set(slug, [...paths, path]);
      }
    }
  }
  return found;
}

function fill(page: string, proven: Map<string, string[]>): string {
  const used = new Set<string>();
  const lines = page.split("\n").map((line) => {
    const [, slug, rest] = /^\| `([a-z-]+)` \|(.*)\|[^|]*\|$/.exec(line) ?? [];
    if (slug === undefined) return line;
    used.add(slug);
    const paths = proven.get(slug) ?? [];
    const shown = paths.length === 0 ? "not yet" : paths.map((path) => `\`${path}\``).join(", ");
    return `| \`${slug}\` |${rest}| ${shown} |`;
  });
  const strays = [...proven.keys()].filter((slug) => !used.has(slug));
  if (strays.length > 0) {
    throw new Error(`no row of ${PAGE} has the slug: ${strays.join(", ")}; mend the comment`);
  }
  return lines.join("\n");
}

const before = readFileSync(PAGE, "utf8");
const after = fill(before, proofs());
if (process.argv.includes("--check")) {
  if (before !== after) {
    console.error(`${PAGE} is stale; run: npm run features`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(PAGE, after);
}
