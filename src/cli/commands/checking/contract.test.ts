import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import { createTestEnvironment } from "../../../testing/environment.ts";
import type { CommandContext } from "../../context.ts";
import { checkLockedContract } from "../../locked-contract.ts";
import { loadProject } from "../../project.ts";
import { createOutput } from "../../terminal/output.ts";
import { check, lock } from "./contract.ts";

const CONFIG = `
import { defineConfig, event, service, stream, view } from "${import.meta.resolve("../../../index.ts")}";
import * as z from "${import.meta.resolve("zod")}";
const Placed = event("order.placed", z.object({}));
const orders = stream("orders", { Placed });
const counts = view("counts", { from: orders, initial: {}, id: "all" }).evolve({ Placed: (s) => s });
export default defineConfig({ services: [service("shop", { counts })], MORE });
`;

/** Calls from a folder that is not the configuration's. */
async function withConfig(
  more: string,
  work: (folder: string, context: CommandContext, config: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-contract-"));
  const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
  const context: CommandContext = {
    options: {},
    output: createOutput({ stdout: nowhere(), stderr: nowhere(), json: false }),
    environment: createTestEnvironment(),
    signal: new AbortController().signal,
    by: "test",
    folder: tmpdir(),
    stdin: process.stdin,
    stderr: process.stderr,
  };
  try {
    const config = join(folder, "millrace.config.ts");
    await writeFile(config, CONFIG.replace("MORE", more));
    await work(folder, context, config);
  } finally {
    await rm(folder, { recursive: true });
  }
}

for (const [title, more, file] of [
  ["a lock stands beside the configuration", "", "contracts.lock.json"],
  ["a lock stands where the configuration says", `contracts: "agreed.json"`, "agreed.json"],
] as const) {
  test(`${title}, for contract lock, contract check and a start alike`, async () => {
    await withConfig(more, async (folder, context, config) => {
      assert.equal(await lock(context, { config }), 0);
      assert.ok(existsSync(join(folder, file)));
      assert.equal(await check(context, { config }), 0);
      const report = await checkLockedContract(await loadProject(context.folder, { config }), {});
      assert.equal(report?.verdict, "compatible");
    });
  });
}

test("nothing starts without a lock that the configuration names", async () => {
  await withConfig(`contracts: "agreed.json"`, async (folder, context, config) => {
    const project = await loadProject(context.folder, { config });
    await assert.rejects(checkLockedContract(project, {}), {
      code: "BAD_CONFIG",
      message: `contracts names ${join(folder, "agreed.json")}, which is not there; write it with millrace contract lock, or leave contracts out`,
    });
  });
});
