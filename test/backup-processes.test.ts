/**
 * A backup in the middle of processes: orders are decided, a saga sends for their payment, a bank is
 * called once for each. The restored directory goes on with all three, under new epochs.
 */

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { embedded } from "../src/embedded/embedded.ts";
import { restore } from "../src/embedded/restore.ts";
import { openApp, type App } from "../src/host/app.ts";
import { SILENT_LOG } from "../src/host/logger.ts";
import { createRealEnvironment } from "../src/host/real-environment.ts";
import { delay } from "../src/model/clock.ts";
import { queue, stream } from "../src/schema/channel.ts";
import { command, event } from "../src/schema/message-type.ts";
import { saga } from "../src/saga/saga.ts";
import { reject } from "../src/service/ask/answer.ts";
import { consumer } from "../src/service/consumer/consumer.ts";
import { service } from "../src/service/service.ts";
import { decider } from "../src/sourcing/decider.ts";
import { view } from "../src/sourcing/view.ts";
import { renewEpoch } from "../src/stores/sqlite/renew-epoch.ts";
import { sqlite } from "../src/stores/sqlite/sqlite.ts";

const environment = createRealEnvironment(SILENT_LOG);
const id = z.object({ id: z.string() });
const Place = command("order.place", id, { key: (c) => c.id, refuses: ["already-placed"] });
const Placed = event("order.placed", id, { key: (e) => e.id });
const Pay = command("order.pay", id, { key: (c) => c.id });
const Paid = event("order.paid", id, { key: (e) => e.id });
const desk = queue("desk", { Place });
const orders = stream("orders", { Placed }, { partitions: 2 });
const payments = queue("payments", { Pay });
const paid = stream("paid", { Paid }, { partitions: 2 });

/** The world outside: it outlives every directory. Keys of the calls for each order. */
class Bank {
  readonly calls = new Map<string, string[]>();

  charge(order: string, key: string): { readonly receipt: string } {
    this.calls.set(order, [...(this.calls.get(order) ?? []), key]);
    return { receipt: key };
  }
}

function servicesOf(bank: Bank) {
  const order = decider("order", {
    commands: desk,
    events: { Placed },
    publishes: orders,
    initial: { placed: false },
  })
    .evolve({ Placed: () => ({ placed: true }) })
    .decide({ Place: (c, s) => (s.placed ? reject("already-placed") : Placed(c)) });
  const process = saga("process", { from: orders, sends: payments, initial: { placed: 0 } })
    .evolve({ Placed: (s) => ({ placed: s.placed + 1 }) })
    .react({ Placed: (e) => Pay(e) });
  const payer = consumer("payer", { from: payments, publishes: paid }).handle({
    Pay: async (c, { effect, emit }) => {
      await effect("charge", async ({ idempotencyKey }) => bank.charge(c.id, idempotencyKey));
      emit(Paid(c));
    },
  });
  return [
    service("shop", { order, process }),
    service("bank", { payer }),
    service("audit", { settled }),
  ];
}

const settled = view("settled", { from: paid, initial: { times: 0 } }).evolve({
  Paid: (s) => ({ times: s.times + 1 }),
});

function open(data: string, bank: Bank): Promise<App> {
  return openApp({
    services: servicesOf(bank),
    broker: embedded({
      directory: join(data, "broker"),
      segmentBytesMax: 64 * 1024,
      freeBytesMin: 0,
    }),
    store: sqlite({ directory: join(data, "stores") }),
    log: SILENT_LOG,
  });
}

/** Places orders, ten at a time, until told to stop. */
class Load {
  readonly acknowledged: string[] = [];
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(app: App, prefix: string) {
    this.#done = this.#run(app, prefix);
  }

  async stop(): Promise<readonly string[]> {
    this.#stopped = true;
    await this.#done;
    return this.acknowledged;
  }

  async #run(app: App, prefix: string): Promise<void> {
    for (let round = 0; !this.#stopped; round++) {
      const names = Array.from({ length: 10 }, (_, at) => `${prefix}-${round}-${at}`);
      const answers = await Promise.all(names.map((name) => app.ask(Place({ id: name }))));
      assert.ok(answers.every(({ ok }) => ok));
      this.acknowledged.push(...names);
    }
  }

  async reached(count: number): Promise<void> {
    while (this.acknowledged.length < count) await delay(environment.clock, 2);
  }
}

async function timesOf(app: App, name: string): Promise<number> {
  return (await app.get(settled, name))?.times ?? 0;
}

async function backUp(app: App, target: string): Promise<void> {
  let job = await app.admin.backup(target);
  while (job.state === "running") {
    await delay(environment.clock, 5);
    job = await app.admin.showJob(job.id);
  }
  assert.deepEqual([job.state, job.error], ["done", undefined]);
}

test("deciders, sagas and effects go on from a backup: nothing before it is lost, nothing is done twice", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-backup-processes-"));
  const bank = new Bank();
  try {
    let early: readonly string[];
    let before: readonly string[];
    {
      await using app = await open(join(folder, "data"), bank);
      const first = new Load(app, "early");
      await first.reached(40);
      early = await first.stop();
      await app.settled();
      const load = new Load(app, "before");
      await load.reached(40);
      before = [...load.acknowledged];
      await backUp(app, join(folder, "backup"));
      await load.reached(load.acknowledged.length + 40);
      await load.stop();
      await app.settled();
    }
    const callsBefore = new Map(Array.from(bank.calls, ([name, keys]) => [name, keys.length]));
    const again = join(folder, "again");
    const epochs: number[] = [];
    await restore({
      source: join(folder, "backup"),
      directory: again,
      environment,
      signal: new AbortController().signal,
      progress: () => {},
      renewStores: async (stores) => {
        for (const name of await readdir(stores)) {
          epochs.push(renewEpoch(join(stores, name), environment.clock.now()).epoch);
        }
      },
    });
    assert.equal(epochs.length, 3);

    await using app = await open(again, bank);
    await app.settled();
    for (const name of [...early, ...before]) {
      const answer = await app.ask(Place({ id: name }));
      assert.ok(!answer.ok, `the decider forgot ${name}`);
      assert.equal(await timesOf(app, name), 1, `settled ${name}`);
    }
    // What was recorded before the backup is not called again; what was under way, under its own key.
    for (const name of early) {
      assert.equal(bank.calls.get(name)!.length, callsBefore.get(name), `charged ${name}`);
      assert.equal(bank.calls.get(name)!.length, 1);
    }
    for (const [name, keys] of bank.calls) assert.equal(new Set(keys).size, 1, `keys of ${name}`);
    const load = new Load(app, "after");
    await load.reached(40);
    const after = await load.stop();
    await app.settled();
    for (const name of after) {
      assert.equal(await timesOf(app, name), 1, `settled ${name}`);
      assert.equal(bank.calls.get(name)!.length, 1, `charged ${name}`);
    }
    const twice = Array.from(bank.calls.values()).filter(({ length }) => length > 1).length;
    const facts = `${early.length + before.length} orders before the backup, ${after.length} after the restore`;
    t.diagnostic(`${facts}; ${twice} calls were made again, each under its key`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
