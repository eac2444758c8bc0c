import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Part, Service } from "../service/part.ts";
import { findConfig } from "./config-file.ts";
import { defineConfig, loadConfig } from "./config.ts";

async function load(text: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-config-"));
  try {
    await writeFile(join(folder, "millrace.config.ts"), text);
    const file = findConfig(folder);
    assert.ok(file);
    const { config, data } = await loadConfig(file);
    return { services: config.services.length, data: data.slice(folder.length) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a configuration is TypeScript that runs as it is", async () => {
  const text = `const data: string = "var/data"; export default { services: [] as string[], data };`;
  assert.deepEqual(await load(text), { services: 0, data: "/var/data" });
});

test("the data directory lies beside the configuration unless it says otherwise", async () => {
  assert.deepEqual(await load("export default { services: [] }"), {
    services: 0,
    data: "/.millrace",
  });
});

test("what is wrong with a configuration is said with the file and the key", async () => {
  await assert.rejects(load("export default { services: [], brokre: 1 }"), {
    code: "BAD_CONFIG",
    message: /millrace\.config\.ts: brokre is not a known key; did you mean broker\?/,
  });
  await assert.rejects(load("export default {}"), /services is missing/);
  await assert.rejects(load("export const a = 1"), /exports no configuration/);
  await assert.rejects(load("export default {"), {
    code: "BAD_CONFIG",
    message: /cannot be loaded/,
  });
  await assert.rejects(load("import './nowhere.ts'"), /cannot be loaded: .*nowhere/);
  const place = /cannot be loaded: .* \(\S+\/millrace\.config\.ts, line 2\)$/;
  await assert.rejects(load("const a = 1;\nexport default = a;"), place);
  await assert.rejects(load("const a = 1;\nb(a);\nexport default a;"), place);
  await assert.rejects(loadConfig("/nowhere/millrace.config.ts"), /there is no configuration at/);
});

test("two services of one name, and two views of one name, are refused", () => {
  const service = (name: string, view: string): Service => {
    const facts = { from: [], publishes: [], sends: [], collections: [] };
    const part: Part = Object.assign(Object.create(null), {
      ...facts,
      name: view,
      partKind: "view",
    });
    return { name, parts: [part] };
  };
  assert.throws(() => defineConfig({ services: [service("a", "x"), service("a", "y")] }), {
    code: "BAD_DECLARATION",
    message: /two services are named "a"/,
  });
  assert.throws(() => defineConfig({ services: [service("a", "x"), service("b", "x")] }), {
    code: "BAD_DECLARATION",
    message: /the view "x" stands in the services "a" and "b"/,
  });
});
