/** What the sample domain and the pages beside the code promise. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import * as millrace from "millrace";
import { createTestEnvironment } from "millrace/testing";
import { shopServices } from "../examples/shop/shop.ts";
import { check, lock } from "../src/cli/commands/checking/contract.ts";
import type { CommandContext } from "../src/cli/context.ts";
import { createOutput } from "../src/cli/terminal/output.ts";
import { lockOf } from "../src/service/contract/service-contracts.ts";

const urlOf = (path: string): string =>
  pathToFileURL(resolve(import.meta.dirname, "..", path)).href;

/** Locks and checks the contract of a configuration, and returns what was said beside the data. */
async function notesOf(t: TestContext, config: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-lint-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "millrace.config.ts"), config);
  const notes: string[] = [];
  const sink = (texts: string[]) => ({
    write: (text: string) => texts.push(text) > 0,
    once: () => undefined,
    off: () => undefined,
  });
  const context: CommandContext = {
    options: {},
    output: createOutput({ stdout: sink([]), stderr: sink(notes), json: false }),
    environment: createTestEnvironment(),
    signal: new AbortController().signal,
    by: "test",
    folder,
    stdin: process.stdin,
    stderr: process.stderr,
  };
  const options = { file: "contracts.lock.json" };
  assert.equal(await lock(context, options), 0);
  notes.length = 0;
  assert.equal(await check(context, options), 0);
  return notes.join("");
}

const CONFIG = `
import { defineConfig } from "${urlOf("src/index.ts")}";
import { shopServices } from "${urlOf("examples/shop/shop.ts")}";
export default defineConfig({ services: shopServices("choreographed") });
`;
const WISHFUL = `
import { defineConfig, event, service, stream, view } from "${urlOf("src/index.ts")}";
import * as z from "${import.meta.resolve("zod")}";
const names = ["order.placed", "order.update"];
const [Placed, Update] = names.map((name) => event(name, z.object({})));
const orders = stream("orders", { Placed, Update });
const counts = view("counts", { from: orders, initial: {}, id: "all" }).evolve({ Placed: (s) => s });
export default defineConfig({ services: [service("shop", { counts })] });
`;

// proves: sample-domain
test("the sample has carts, users, orders, payments, files and shipping, all in the past tense", async (t) => {
  const { types } = lockOf(shopServices("choreographed"));
  const events = Object.keys(types).filter((type) => types[type]!.kind === "event");
  for (const event of [
    "cart.item-added",
    "customer.signed-up",
    "order.placed",
    "payment.taken",
    "file.uploaded",
    "parcel.shipped",
  ]) {
    assert.ok(events.includes(event), `${event} is not among ${events.join(", ")}`);
  }
  assert.doesNotMatch(await notesOf(t, CONFIG), /warning/);
});

// proves: sample-domain
test("a check of the contract warns of an event that is named like a wish, and of no other", async (t) => {
  const warnings = (await notesOf(t, WISHFUL))
    .split("\n")
    .filter((line) => line.startsWith("warning"));
  assert.equal(warnings.length, 1, warnings.join());
  assert.match(warnings[0]!, /event order\.update: .*not in the past tense; rename it/);
});

// proves: decision-guide
test("a page says when to use events and when not, and which of four ways to take", () => {
  const page = readFileSync("docs/decide.md", "utf8");
  const partOf = (title: string): string => {
    const [, rest] = page.split(`\n## ${title}\n`);
    assert.ok(rest !== undefined, `no part "${title}"`);
    return rest.split("\n## ")[0]!;
  };
  for (const title of ["Use events when", "Do not use events when"]) {
    const reasons = partOf(title).match(/^- /gm) ?? [];
    assert.ok(reasons.length >= 4, `${reasons.length} reasons under "${title}"`);
  }
  const chosen = new Map(
    [...partOf("Which way").matchAll(/^\| (.+?) \| \*\*(.+?)\*\*.*? \| `(\w+)/gm)].map(
      ([, need, way, word]) => [way!, { need: need!, word: word! }],
    ),
  );
  assert.deepEqual([...chosen.keys()], ["stream", "queue", "pub/sub", "saga"]);
  const declared: readonly string[] = Object.keys(millrace);
  for (const [way, { word }] of chosen) assert.ok(declared.includes(word), `${way}: ${word}`);
  for (const [, path = ""] of page.matchAll(/\]\(([^)#]+)/g)) {
    assert.ok(existsSync(join("docs", path)), `${path} is not there`);
  }
});
