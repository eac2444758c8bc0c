import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test, type TestContext } from "node:test";
import { createRealEnvironment } from "../../../host/real-environment.ts";
import { SILENT_LOG } from "../../../host/logger.ts";
import type { CommandContext } from "../../context.ts";
import { createOutput } from "../../terminal/output.ts";
import { init } from "./init.ts";

const ROOT = resolve(import.meta.dirname, "../../../..");

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-init-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function contextIn(folder: string): { readonly context: CommandContext; readonly said: string[] } {
  const said: string[] = [];
  const sink = {
    write: (text: string) => said.push(text) > 0,
    once: () => undefined,
    off: () => undefined,
  };
  const context: CommandContext = {
    options: {},
    output: createOutput({ stdout: sink, stderr: sink, json: false }),
    environment: createRealEnvironment(SILENT_LOG),
    signal: new AbortController().signal,
    by: "test",
    folder,
    stdin: process.stdin,
    stderr: process.stderr,
  };
  return { context, said };
}

test("a new project says what to do next, and its first test is green", async (t) => {
  const folder = await folderFor(t);
  const { context, said } = contextIn(folder);
  assert.equal(await init(context, { template: "hello" }, "My Shop"), 0);
  assert.match(
    said.join(""),
    /next:\n {2}cd "My Shop"\n {2}npm install\n {2}npm test\n {2}npm run dev/,
  );
  const project = join(folder, "My Shop");
  const manifest = JSON.parse(await readFile(join(project, "package.json"), "utf8"));
  assert.equal(manifest.name, "my-shop");
  assert.ok((await readdir(project)).includes(".gitignore"));

  await mkdir(join(project, "node_modules/@types"), { recursive: true });
  await symlink(ROOT, join(project, "node_modules/millrace"));
  for (const name of ["zod", "@types/node"]) {
    await symlink(join(ROOT, "node_modules", name), join(project, "node_modules", name));
  }
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const cases = spawnSync(
    process.execPath,
    ["--conditions=source", "--test", "--test-isolation=none"],
    { cwd: project, env, encoding: "utf8" },
  );
  assert.equal(cases.status, 0, cases.stdout + cases.stderr);
  assert.match(cases.stdout, /pass 3\n/);
});

test("a folder where the package was installed is taken, and its package.json keeps what it says", async (t) => {
  const folder = await folderFor(t);
  const before = {
    name: "theirs",
    type: "commonjs",
    scripts: { test: 'echo "Error: no test specified" && exit 1', lint: "mine" },
    dependencies: { millrace: "file:millrace-0.0.0.tgz" },
  };
  await writeFile(join(folder, "package.json"), JSON.stringify(before));
  await mkdir(join(folder, "node_modules"));
  const { context } = contextIn(folder);
  await init(context, { template: "hello" });
  const after = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  assert.equal(after.name, "theirs");
  assert.equal(after.type, "module");
  assert.deepEqual([after.scripts.lint, after.scripts.test], ["mine", "node --test"]);
  assert.equal(after.dependencies.millrace, "file:millrace-0.0.0.tgz");
  assert.ok(after.dependencies.zod);
});

test("a folder that has files is refused before anything is written, and so is an unknown template", async (t) => {
  const folder = await folderFor(t);
  await writeFile(join(folder, "notes.txt"), "mine");
  const { context } = contextIn(folder);
  await assert.rejects(init(context, { template: "hello" }), {
    code: "CONFIRMATION_NEEDED",
    message: /holds notes\.txt; nothing was written/,
  });
  await assert.rejects(init(context, { template: "helo" }, "other"), {
    code: "BAD_ARGUMENT",
    message: /there is hello/,
  });
  assert.deepEqual(await readdir(folder), ["notes.txt"]);
});
