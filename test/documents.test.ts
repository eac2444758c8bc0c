/**
 * What the pages show is what runs: a code block under `<!-- path#region -->` is that region of that
 * file, under `<!-- path -->` all of it, links lead somewhere, and the program of the README does what it says.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const PAGES = globSync(["*.md", "docs/**/*.md", "examples/**/*.md"]);

/** Without a name, the whole file. */
function regionOf(path: string, name: string): string {
  const lines = readFileSync(path, "utf8").split("\n");
  if (name === "") return lines.join("\n").trimEnd();
  const from = lines.indexOf(`// #region ${name}`);
  const to = lines.indexOf("// #endregion", from);
  assert.ok(from >= 0 && to > from, `${path} has no region ${name}`);
  return lines.slice(from + 1, to).join("\n");
}

test("code blocks that name a file or a region of it show just that", () => {
  const shown = PAGES.flatMap((page) =>
    [
      ...readFileSync(page, "utf8").matchAll(
        /<!-- ([^\s#]+)(?:#(\S+))? -->\n+```ts\n(?:\/\/ \S+\n)?([\s\S]*?)\n```/g,
      ),
    ].map(([, path = "", name = "", block = ""]) => ({ page, path, name, block })),
  );
  for (const { page, path, name, block } of shown) {
    assert.equal(block, regionOf(path, name), `${page} shows ${path}#${name} otherwise`);
  }
  assert.ok(shown.length >= 10, `only ${shown.length} blocks were compared`);
});

test("every program of the tutorial is a file that runs", () => {
  const blocks = readFileSync("docs/tutorial.md", "utf8").match(/^.*\n```ts$/gm) ?? [];
  const loose = blocks.filter((block) => !/^<!-- \S+\/\S+ -->\n/.test(block));
  assert.deepEqual(loose, []);
  assert.ok(blocks.length >= 5, `only ${blocks.length} programs were found`);
});

test("what init writes is the example before its second service", () => {
  const template = "src/cli/templates/hello";
  const written = globSync(`${template}/*.ts.tmpl`).map((path) => basename(path, ".tmpl"));
  for (const name of written.filter((each) => each !== "millrace.config.ts")) {
    assert.equal(
      readFileSync(join(template, `${name}.tmpl`), "utf8"),
      readFileSync(join("examples/hello", name), "utf8"),
      `${name} differs`,
    );
  }
  assert.ok(written.length >= 4, `only ${written.length} files were compared`);
  const config = readFileSync(join(template, "millrace.config.ts.tmpl"), "utf8")
    .replace('"./hello.ts";\n', (line) => `${line}import { postcards } from "./postcards.ts";\n`)
    .replace("[hello]", "[hello, postcards]");
  assert.equal(config, readFileSync("examples/hello/millrace.config.ts", "utf8"));
});

test("links of the pages lead to files that exist", () => {
  const links = PAGES.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
      ([, target = ""]) => ({ page, target }),
    ),
  );
  const broken = links.filter(({ page, target }) => !existsSync(resolve(dirname(page), target)));
  assert.deepEqual(broken, []);
  assert.ok(links.length > 5, `only ${links.length} links were followed`);
});

test("the program of the README runs in an empty folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-readme-"));
  try {
    const main = resolve("examples/orders/main.ts");
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", main], {
      cwd: folder,
    });
    assert.deepEqual(stdout.trim().split("\n").toSorted(), [
      "receipt for o1",
      "{ total: 5, status: 'paid' }",
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
