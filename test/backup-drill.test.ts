/**
 * Backups under load: two services work on embedded logs and SQLite stores, a backup is taken in the
 * middle, and the restored directory goes on from there.
 */

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { embedded } from "../src/embedded/embedded.ts";
import { restore } from "../src/embedded/restore.ts";
import { SILENT_LOG } from "../src/host/logger.ts";
import { createRealEnvironment } from "../src/host/real-environment.ts";
import { openApp, type App } from "../src/host/app.ts";
import { delay } from "../src/model/clock.ts";
import type { Job } from "../src/admin/api/replay-admin.ts";
import { queue, stream } from "../src/schema/channel.ts";
import { command, event } from "../src/schema/message-type.ts";
import { consumer } from "../src/service/consumer/consumer.ts";
import { service } from "../src/service/service.ts";
import { view } from "../src/sourcing/view.ts";
import { sqlite } from "../src/stores/sqlite/sqlite.ts";
import { renewEpoch } from "../src/stores/sqlite/renew-epoch.ts";

const environment = createRealEnvironment(SILENT_LOG);
const id = z.object({ id: z.string() });
const Placed = event("order.placed", id, { key: (e) => e.id });
const Pay = command("order.pay", id, { key: (c) => c.id });
const Paid = event("order.paid", id, { key: (e) => e.id });
const orders = stream("orders", { Placed }, { partitions: 2 });
const payments = queue("payments", { Pay });
const paid = stream("paid", { Paid }, { partitions: 2 });

const times = { initial: { times: 0 } };
/** From a stream: positions in the store against the end of the log. */
const placed = view("placed", { from: orders, ...times }).evolve({
  Placed: (s) => ({ times: s.times + 1 }),
});
/** From a queue, and out to a stream: acknowledgements and the outbox against the logs. */
const bank = consumer("bank", { from: payments, publishes: paid }).handle({
  Pay: (c, { emit }) => emit(Paid(c)),
});
/** In a store of its own: what another service has seen of the first one's messages. */
const settled = view("settled", { from: paid, ...times }).evolve({
  Paid: (s) => ({ times: s.times + 1 }),
});
const services = [service("shop", { placed, bank }), service("audit", { settled })];

const open = (data: string): Promise<App> =>
  openApp({
    services,
    broker: embedded({
      directory: join(data, "broker"),
      segmentBytesMax: 64 * 1024,
      freeBytesMin: 0,
    }),
    store: sqlite({ directory: join(data, "stores") }),
    log: SILENT_LOG,
  });

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-backup-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ended(app: App, started: Job): Promise<Job> {
  let job = started;
  while (job.state === "running") {
    await delay(environment.clock, 5);
    job = await app.admin.showJob(job.id);
  }
  return job;
}

async function restoreTo(source: string, directory: string): Promise<void> {
  await restore({
    source,
    directory,
    environment,
    signal: new AbortController().signal,
    progress: () => {},
    renewStores: async (stores) => {
      for (const name of await readdir(stores)) {
        renewEpoch(join(stores, name), environment.clock.now());
      }
    },
  });
}

/** Publishes and sends until told to stop; both lists hold what was acknowledged. */
class Load {
  readonly acknowledged: string[] = [];
  readonly #app: App;
  readonly #prefix: string;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(app: App, prefix: string) {
    this.#app = app;
    this.#prefix = prefix;
    this.#done = this.#run();
  }

  async stop(): Promise<readonly string[]> {
    this.#stopped = true;
    await this.#done;
    return this.acknowledged;
  }

  async #run(): Promise<void> {
    for (let round = 0; !this.#stopped; round++) {
      const names = Array.from({ length: 10 }, (_, at) => `${this.#prefix}-${round}-${at}`);
      await Promise.all(
        names.map(async (name) => {
          await this.#app.publish(Placed({ id: name }));
          await this.#app.send(Pay({ id: name }));
          this.acknowledged.push(name);
        }),
      );
    }
  }
}

async function timesOf(app: App, seen: typeof placed, name: string): Promise<number> {
  return (await app.get(seen, name))?.times ?? 0;
}

async function reached(load: Load, count: number): Promise<void> {
  while (load.acknowledged.length < count) await delay(environment.clock, 2);
}

// proves: backup-and-restore
test("a backup taken under load restores to a whole that goes on, each message once", async () => {
  await withFolder(async (folder) => {
    const data = join(folder, "data");
    const target = join(folder, "backup");
    let before: readonly string[];
    {
      await using app = await open(data);
      const load = new Load(app, "a");
      await reached(load, 300);
      before = [...load.acknowledged];
      const job = await ended(app, await app.admin.backup(target));
      assert.deepEqual([job.state, job.error], ["done", undefined]);
      assert.ok(job.counts["files"]! > 10, "several segments were backed up");
      assert.equal(job.counts["stores"], 2);
      await reached(load, load.acknowledged.length + 100);
      const all = await load.stop();
      assert.ok(all.length > before.length + 100, "work went on during and after the backup");
      await app.settled();
      for (const name of all) assert.equal(await timesOf(app, settled, name), 1);
      const problems = await ended(app, await app.admin.verifyLogs());
      assert.deepEqual([problems.counts["problems"], problems.state], [0, "done"]);
      assert.ok(problems.counts["records"]! > all.length);
    }
    const again = join(folder, "again");
    await restoreTo(target, again);
    await using app = await open(again);
    const { end: paidEnd } = { end: await recordsOf(app, "paid") };
    assert.ok(paidEnd > 0);
    await app.settled();
    let kept = 0;
    for (const name of before) {
      assert.equal(await timesOf(app, placed, name), 1, `placed ${name}`);
      assert.equal(await timesOf(app, settled, name), 1, `settled ${name}`);
      kept++;
    }
    assert.ok(kept >= 300);
    // Also of what came while the backup ran, nothing counts twice, and a payment in is a payment out.
    const { documents } = await app.find(settled, { limit: 1_000 });
    assert.ok(documents.every(({ data: state }) => state.times === 1));
    const more = new Load(app, "b");
    await reached(more, 200);
    const added = await more.stop();
    await app.settled();
    for (const name of added) {
      assert.equal(await timesOf(app, placed, name), 1, `placed ${name}`);
      assert.equal(await timesOf(app, settled, name), 1, `settled ${name}`);
    }
    const clean = await ended(app, await app.admin.verifyLogs());
    assert.equal(clean.counts["problems"], 0);
  });
});

async function recordsOf(app: App, name: string): Promise<number> {
  const { partitions } = await app.admin.describeStream(name);
  return partitions.reduce((sum, { earliest, end }) => sum + end - earliest, 0);
}

test("a service that saw more than the backup holds takes the restored one's messages for new", async () => {
  await withFolder(async (folder) => {
    const data = join(folder, "data");
    {
      await using app = await open(data);
      await app.send(Pay({ id: "first" }));
      await app.settled();
      await ended(app, await app.admin.backup(join(folder, "backup")));
      // The audit's store of the lost life sees this one; the restored shop numbers another one so.
      await app.send(Pay({ id: "lost" }));
      await app.settled();
      assert.equal(await timesOf(app, settled, "lost"), 1);
    }
    const again = join(folder, "again");
    await restoreTo(join(folder, "backup"), again);
    const lanesOf = async (app: App): Promise<readonly (readonly [string, number, number])[]> => {
      const found: [string, number, number][] = [];
      for await (const { envelope } of app.admin.read("paid", { from: "start" })) {
        const place = envelope?.place;
        if (place !== undefined) found.push([place.lane, place.epoch, place.sequence]);
      }
      return found;
    };
    await using app = await open(again);
    await app.send(Pay({ id: "new" }));
    await app.settled();
    const [first, second] = await lanesOf(app);
    assert.ok(second![1] > first![1], "the restored store speaks under a new epoch");
    assert.equal(await timesOf(app, settled, "new"), 1);
  });
});

test("a backup that was damaged, or a place that is taken, is refused and nothing is touched", async () => {
  await withFolder(async (folder) => {
    const data = join(folder, "data");
    const target = join(folder, "backup");
    {
      await using app = await open(data);
      await app.publish(Placed({ id: "a" }));
      const job = await ended(app, await app.admin.backup(target));
      assert.equal(job.state, "done");
      const second = await ended(app, await app.admin.backup(target));
      assert.equal(second.error?.code, "CONFLICT");
      await assert.rejects(app.admin.backup("backup"), { code: "BAD_ARGUMENT" });
      const within = await ended(app, await app.admin.backup(join(data, "broker", "b")));
      assert.equal(within.error?.code, "BAD_ARGUMENT");
    }
    await assert.rejects(restoreTo(target, data), { code: "CONFLICT", message: /not empty/ });
    const file = join(target, "broker", "millrace.json");
    const good = await readFile(file);
    await writeFile(file, Buffer.concat([good, Buffer.from(" ")]));
    const again = join(folder, "again");
    await assert.rejects(restoreTo(target, again), { code: "BACKUP_DAMAGED", message: /millrace/ });
    await rm(file);
    await assert.rejects(restoreTo(target, again), { code: "BACKUP_DAMAGED", message: /missing/ });
    await rm(join(target, "backup.json"));
    await assert.rejects(restoreTo(target, again), { code: "BACKUP_DAMAGED" });
    assert.deepEqual(await readdir(folder), ["backup", "data"]);
  });
});
