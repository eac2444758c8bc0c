import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { isMillraceError } from "../../model/errors.ts";
import { DEFAULT_ID_WINDOW } from "../../store/limits.ts";
import type { Store } from "../../store/store.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { sqlite } from "./sqlite.ts";
import type { SqliteOptions } from "./sqlite.ts";
import { WorkerClient } from "./worker-client.ts";

const environment = createTestEnvironment();

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "millrace-faults-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function openIn(directory: string, options: SqliteOptions = {}): Promise<Store> {
  return sqlite({ directory, ...options }).open({ service: "shop", environment });
}

/** Writes documents without end, and prints the number of each when it is acknowledged. */
const WRITER = `
  import { sqlite } from ${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)};
  const environment = { clock: { now: () => Date.now() } };
  const store = await sqlite({ directory: process.argv[1] }).open({ service: "shop", environment });
  await store.ensureCollections([{ name: "c", index: [] }]);
  for (let n = 0; ; n++) {
    const documents = [{ collection: "c", id: String(n), expected: 0, json: "{}" }];
    await store.apply({ sets: [{ key: "k", finishes: [], documents }] });
    process.stdout.write(n + "\\n");
  }
`;

test("a killed process leaves all it acknowledged, and its lock is free at once", async (t) => {
  const directory = directoryFor(t);
  const writer = spawn(
    process.execPath,
    ["--conditions=source", "--input-type=module", "-e", WRITER, directory],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  t.after(() => writer.kill("SIGKILL"));
  let printed = "";
  await new Promise<void>((resolve) => {
    writer.stdout.on("data", (chunk) => {
      printed += String(chunk);
      if (printed.split("\n").length > 20) resolve();
    });
    writer.once("close", resolve);
  });
  await assert.rejects(openIn(directory), (error) => isMillraceError(error, "DIRECTORY_IN_USE"));
  writer.kill("SIGKILL");
  await once(writer, "close");
  const acknowledged = printed.split("\n").slice(0, -1);

  const store = await openIn(directory);
  const found = await store.getDocuments("c", acknowledged);
  await store.close();
  assert.ok(acknowledged.length >= 20);
  assert.deepEqual([...found.keys()], acknowledged);
  t.diagnostic(`${acknowledged.length} acknowledged, ${found.size} found`);
});

test("a full disk refuses what does not fit, and what is there can be read and removed", async (t) => {
  const directory = directoryFor(t);
  const store = await openIn(directory, { bytesMax: 2 * 1024 * 1024 });
  await store.ensureCollections([{ name: "c", index: ["size"] }]);
  const json = JSON.stringify("x".repeat(100_000));
  const write = (n: number) =>
    store.apply({
      lane: "out",
      sets: [
        {
          key: "k",
          finishes: [],
          documents: [{ collection: "c", id: String(n), expected: 0, json, indexed: { size: n } }],
        },
      ],
    });
  let written = 0;
  const refusal = await (async () => {
    for (;;) {
      try {
        await write(written);
        written++;
      } catch (error) {
        return error;
      }
    }
  })();
  assert.ok(isMillraceError(refusal, "DISK_FULL"), String(refusal));
  assert.ok(refusal.retryable && /bytesMax/.test(refusal.message));
  // Others on the disk may need what the log held.
  assert.equal(statSync(join(directory, "shop.db-wal")).size, 0);
  assert.ok(written > 5 && written < 21, `${written} documents of 100 kB fit into 2 MiB`);
  assert.equal(await store.countDocuments("c"), written);
  assert.equal((await store.findDocuments("c", { where: { size: written } })).documents.length, 0);

  const documents = [{ collection: "c", id: "0", expected: 1, json: null }];
  await store.apply({ sets: [{ key: "k", finishes: [], documents }] });
  await write(written);
  assert.equal(await store.countDocuments("c"), written);
  await store.close();
});

test("a store made anew in the place of a lost one tells its messages from the lost one's", async (t) => {
  const directory = directoryFor(t);
  const clock = createVirtualClock({ startMs: Date.UTC(2026, 0, 1) });
  const openAgain = () =>
    sqlite({ directory }).open({ service: "shop", environment: { ...environment, clock } });
  const epochs: number[] = [];
  for (let round = 0; round < 2; round++) {
    await clock.advance(60_000);
    await using store = await openAgain();
    epochs.push(store.epoch);
  }
  assert.equal(epochs[1], epochs[0], "a store that is there keeps its own");
  rmSync(join(directory, "shop.db"));
  await using anew = await openAgain();
  assert.ok(anew.epoch > epochs[0]!, `${anew.epoch} after ${epochs[0]}`);
});

test("files removed while they are open are told, and nothing more is acknowledged", async (t) => {
  const directory = directoryFor(t);
  const store = await openIn(directory);
  await store.ensureCollections([{ name: "c", index: [] }]);
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  const removed = { code: "STORE_FAILED", message: /was removed while it was open/ };
  const documents = [{ collection: "c", id: "1", expected: 0, json: "{}" }];
  await assert.rejects(store.apply({ sets: [{ key: "k", finishes: [], documents }] }), removed);
  await assert.rejects(store.countDocuments("c"), removed, "reads say so too from then on");
  await store.close();
});

test("a file damaged beyond its header is refused with the remedy", async (t) => {
  const directory = directoryFor(t);
  const store = await openIn(directory);
  await store.ensureCollections([{ name: "c", index: [] }]);
  await store.close();
  const path = join(directory, "shop.db");
  const bytes = readFileSync(path);
  for (let page = 1; page * 8192 < bytes.length; page++)
    bytes.fill(0xff, page * 8192, page * 8192 + 64);
  writeFileSync(path, bytes);
  await assert.rejects(
    openIn(directory),
    (error) => isMillraceError(error, "STORE_FAILED") && /restore a backup/.test(error.message),
  );
});

test("when the worker ends, every open and every later call fails by name", async () => {
  const crashing = new URL(
    `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from "node:worker_threads";
    parentPort.postMessage({ kind: "opened", epoch: 1 });
    parentPort.on("message", () => { throw new Error("out of order"); });
  `)}`,
  );
  const database = {
    path: "nowhere",
    service: "shop",
    durable: true,
    bytesMax: undefined,
    newEpoch: 1,
  };
  const client = new WorkerClient({ database, idWindow: DEFAULT_ID_WINDOW }, crashing);
  assert.equal(await client.opened(), 1);
  const open = await Promise.allSettled([
    client.call("countDocuments", ["c"]),
    client.call("pendingLanes", []),
  ]);
  for (const result of open) {
    assert.ok(result.status === "rejected" && isMillraceError(result.reason, "STORE_FAILED"));
    assert.match(result.reason.message, /shop.*out of order/);
  }
  await assert.rejects(client.call("pendingLanes", []), (error) =>
    isMillraceError(error, "STORE_FAILED"),
  );
  await client.close();
});

test("a defect in one request fails it alone, with the others of its commit applied", async (t) => {
  const directory = directoryFor(t);
  const database = {
    path: join(directory, "shop.db"),
    service: "shop",
    durable: true,
    bytesMax: undefined,
    newEpoch: 1,
  };
  const client = new WorkerClient({ database, idWindow: DEFAULT_ID_WINDOW });
  await client.opened();
  const cut = new Uint8Array([0, 0, 5, 1]);
  const [before, broken, after] = await Promise.allSettled([
    client.call("seek", ["a", "s/0", 7, "log"]),
    client.call("apply", [cut, 0]),
    client.call("seek", ["b", "s/0", 8, "log"]),
  ]);
  assert.deepEqual(
    [before.status, broken.status, after.status],
    ["fulfilled", "rejected", "fulfilled"],
  );
  const listed = await client.call("listProgress", []);
  assert.deepEqual(
    listed.map(({ consumer, position }) => [consumer, position]),
    [
      ["a", 7],
      ["b", 8],
    ],
  );
  await client.close();
});

test("unknown options and values out of range are refused before anything is opened", () => {
  const wrong: readonly object[] = [
    { dirctory: "x" },
    { directory: "x", file: "y" },
    { idWindow: { count: 0, ms: 1 } },
    { bytesMax: 10 },
  ];
  for (const options of wrong) {
    assert.throws(
      () => sqlite(options),
      (error) => isMillraceError(error, "BAD_CONFIG"),
    );
  }
});
