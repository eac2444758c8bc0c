/** Backups and restores that are killed: half of one is never taken for a whole one. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Broker } from "../src/broker/broker.ts";
import { embedded } from "../src/embedded/embedded.ts";
import { restore } from "../src/embedded/restore.ts";
import { SILENT_LOG } from "../src/host/logger.ts";
import { createRealEnvironment } from "../src/host/real-environment.ts";
import { valuesOf } from "../src/model/outcome.ts";

const environment = createRealEnvironment(SILENT_LOG);
const MESSAGES = 60;
const VALUE_BYTES = 300;

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-backup-kills-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function open(directory: string): Promise<Broker> {
  return embedded({ directory, freeBytesMin: 0, segmentBytesMax: 4096 }).open(environment);
}

/** A broker's directory with several segments, a queue and a position, closed in order. */
async function prepare(directory: string): Promise<void> {
  await using broker = await open(directory);
  const { streams, queues } = broker;
  await streams!.ensureStream({ name: "orders", partitions: 2 });
  await queues!.ensureQueue({ name: "desk" });
  const value = Buffer.alloc(VALUE_BYTES, "x");
  for (let at = 0; at < MESSAGES; at++) {
    const message = { key: `k${at}`, headers: [], value };
    valuesOf(await streams!.append("orders", [message]));
    valuesOf(await queues!.send("desk", [{ message }]));
  }
}

async function expectWhole(directory: string): Promise<void> {
  await using broker = await open(directory);
  const { partitions } = await broker.streams!.describeStream("orders");
  assert.equal(
    partitions.reduce((sum, { end }) => sum + end, 0),
    MESSAGES,
  );
  const { waiting } = await broker.queues!.describeQueue("desk");
  assert.equal(waiting, MESSAGES);
}

function restoreTo(source: string, directory: string) {
  return restore({
    source,
    directory,
    environment,
    signal: new AbortController().signal,
    progress: () => {},
    renewStores: async () => {},
  });
}

/** How many pieces it took, or undefined where it killed itself. */
function run(...args: readonly string[]): Promise<number | undefined> {
  const program = join(import.meta.dirname, "backup", "child.ts");
  const child = spawn(process.execPath, ["--conditions=source", program, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(undefined);
      else if (code === 0) resolve(Number(/pieces (\d+)/.exec(said)?.[1]));
      else reject(new Error(`the child ended with ${code}`));
    });
  });
}

/** The first, the last, and some between. */
function stepsOf(pieces: number): readonly string[] {
  const steps = new Set([1, Math.ceil(pieces / 2), pieces]);
  return Array.from(steps, String);
}

test("a backup that is killed at any step is refused, and harms neither the broker nor the next one", async (t) => {
  await withFolder(async (folder) => {
    const data = join(folder, "data");
    await prepare(data);
    const pieces = await run("backup", data, join(folder, "whole"), "never");
    assert.ok(pieces !== undefined && pieces > 8, `a backup of ${pieces} pieces`);
    const steps = ["stores", "cut", ...stepsOf(pieces)];
    for (const step of steps) {
      const target = join(folder, `killed-at-${step}`);
      assert.equal(await run("backup", data, target, step), undefined, `killed at ${step}`);
      assert.ok(!existsSync(target), `nothing has the name of a whole backup at ${step}`);
      const partial = `${target}.partial`;
      const again = join(folder, "again");
      await assert.rejects(restoreTo(partial, again), {
        code: "BACKUP_DAMAGED",
        message: /name a directory that millrace backup has finished/,
      });
      // Somebody gives it the name by hand, or starts on what is in it.
      const named = join(folder, "by-hand");
      await cp(partial, named, { recursive: true });
      await assert.rejects(restoreTo(named, again), { code: "BACKUP_DAMAGED" });
      // With the last piece all of the broker is there.
      if (step !== String(pieces) && (await readdir(named)).includes("broker")) {
        await assert.rejects(open(join(named, "broker")), { code: "LOG_DAMAGED" });
      }
      assert.ok(!existsSync(again));
      await rm(named, { recursive: true });

      await expectWhole(data);
      assert.ok((await run("backup", data, target, "never"))! > 8);
      assert.ok(!existsSync(partial) && !existsSync(join(data, "backing-up")));
      await restoreTo(target, again);
      await expectWhole(join(again, "broker"));
      await rm(again, { recursive: true });
    }
    t.diagnostic(`${steps.length} kills of a backup of ${pieces} pieces`);
  });
});

test("a restore that is killed at any step leaves nothing that looks whole, and the next one succeeds", async (t) => {
  await withFolder(async (folder) => {
    const data = join(folder, "data");
    const backup = join(folder, "backup");
    await prepare(data);
    await run("backup", data, backup, "never");
    const pieces = await run("restore", backup, join(folder, "whole"), "never");
    assert.ok(pieces !== undefined && pieces > 16, `a restore of ${pieces} pieces`);
    // The first half only reads.
    const steps = ["1", ...stepsOf(pieces / 2).map((step) => String(Number(step) + pieces / 2))];
    let refused = 0;
    for (const step of [...steps, "prepared"]) {
      const target = join(folder, "restored");
      assert.equal(await run("restore", backup, target, step), undefined, `killed at ${step}`);
      assert.ok(!existsSync(target), `nothing has the name of a whole directory at ${step}`);
      const gathered = `${target}.restoring`;
      if (existsSync(gathered)) {
        await rename(gathered, target);
        // Also under the right name half of it is refused; with the last piece it is no half.
        if (![String(pieces), "prepared"].includes(step)) {
          await assert.rejects(open(join(target, "broker")), { code: "LOG_DAMAGED" });
          refused++;
        }
        await assert.rejects(restoreTo(backup, target), { code: "CONFLICT", message: /not empty/ });
        await rename(target, gathered);
      }
      await restoreTo(backup, target);
      assert.ok(!existsSync(gathered), "what the killed one left is gone");
      await expectWhole(join(target, "broker"));
      await rm(target, { recursive: true });
    }
    assert.ok(refused >= 2, `half a directory was refused ${refused} times`);
    t.diagnostic(`${steps.length + 1} kills of a restore of ${pieces} pieces`);
  });
});
