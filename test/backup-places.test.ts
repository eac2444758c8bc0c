/** The places of a backup and a restore: what lies there and is not theirs stays as it is. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
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

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-backup-places-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A broker's directory with one message in it. */
async function openFilled(directory: string, freeBytesMin = 0): Promise<Broker> {
  const broker = await embedded({ directory, freeBytesMin }).open(environment);
  await broker.streams!.ensureStream({ name: "orders", partitions: 1 });
  const message = { key: "k", headers: [], value: Buffer.from("v") };
  if (freeBytesMin === 0) valuesOf(await broker.streams!.append("orders", [message]));
  return broker;
}

async function backUp({ upkeep }: Broker, target: string): Promise<void> {
  await upkeep!.backup({
    target,
    storesBytes: 0,
    signal: new AbortController().signal,
    progress: () => {},
    stores: async () => ({ release: async () => {} }),
  });
}

async function restoreTo(source: string, directory: string): Promise<void> {
  await restore({
    source,
    directory,
    environment,
    signal: new AbortController().signal,
    progress: () => {},
    renewStores: async () => {},
  });
}

async function listing(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).toSorted();
}

test("a backup whose unfinished name is, holds or lies in the data directory is refused, and removes nothing", async () => {
  await withFolder(async (folder) => {
    const data = join(folder, "shop.partial");
    const linked = join(folder, "linked");
    const lives = [data, join(data, "broker"), join(linked, "broker")];
    for (const directory of lives) {
      await mkdir(data);
      await symlink(data, linked);
      {
        await using broker = await openFilled(directory);
        const before = await listing(data);
        const targets = [join(folder, "shop"), join(directory, "..x"), join(directory, "x")];
        for (const target of targets) {
          await assert.rejects(backUp(broker, target), {
            code: "BAD_ARGUMENT",
            message: /the data directory .* itself; choose a place/,
          });
        }
        assert.deepEqual(await listing(data), before);
        // Beside it all is well, also where the name begins with two dots.
        await backUp(broker, join(folder, "..backup"));
      }
      for (const name of [data, linked, join(folder, "..backup")]) {
        await rm(name, { recursive: true });
      }
    }
  });
});

test("what has the unfinished name of a backup and is no killed one's stays, and the backup is refused", async () => {
  await withFolder(async (folder) => {
    await using broker = await openFilled(join(folder, "data"));
    const target = join(folder, "b");
    const partial = `${target}.partial`;
    await mkdir(join(partial, "stores"), { recursive: true });
    await writeFile(join(partial, "stores", "shop.db"), "somebody's");
    const refused = { code: "CONFLICT", message: /b\.partial is there .*move it away, or name/ };
    await assert.rejects(backUp(broker, target), refused);
    assert.deepEqual(await listing(partial), ["stores", join("stores", "shop.db")]);
    await rename(partial, join(folder, "elsewhere"));
    await symlink(join(folder, "elsewhere"), partial);
    await assert.rejects(backUp(broker, target), refused);
    await rm(partial);
    await writeFile(partial, "a file");
    await assert.rejects(backUp(broker, target), refused);
    await rm(partial);
    await mkdir(partial);
    await backUp(broker, target);
    assert.deepEqual(await readdir(target), ["backup.json", "broker", "stores"]);
    assert.ok(existsSync(join(folder, "elsewhere", "stores", "shop.db")));
  });
});

test("a restore that would gather its files in the backup, or in what is not its own, removes nothing", async () => {
  await withFolder(async (folder) => {
    const source = join(folder, "shop.restoring");
    {
      await using broker = await openFilled(join(folder, "data"));
      await backUp(broker, source);
    }
    const before = await listing(source);
    for (const directory of [join(folder, "shop"), join(source, "..x"), join(source, "x")]) {
      await assert.rejects(restoreTo(source, directory), {
        code: "BAD_ARGUMENT",
        message: /the backup .* itself; name a directory elsewhere/,
      });
      assert.deepEqual(await listing(source), before);
    }
    const backup = join(folder, "backup");
    await rename(source, backup);
    await mkdir(source);
    await writeFile(join(source, "notes"), "somebody's");
    const refused = { code: "CONFLICT", message: /shop\.restoring is there .*move it away, or/ };
    await assert.rejects(restoreTo(backup, join(folder, "shop")), refused);
    assert.deepEqual(await listing(source), ["notes"]);
    await rm(join(source, "notes"));
    await restoreTo(backup, join(folder, "shop"));
    assert.deepEqual(await readdir(join(folder, "shop")), ["broker", "stores"]);
  });
});
