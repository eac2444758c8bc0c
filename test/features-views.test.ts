/** What replicas and read models promise: they outlive their source, agree in the end, and are rebuilt apart. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { event, openApp, service, stream, view, type App, type Service } from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";
import { createTestEnvironment, openScenario, openTestService } from "millrace/testing";
import type { TestPorts } from "millrace/testing";
import { z } from "zod";
import type { BrokerFactory } from "../src/broker/broker.ts";
import { delay } from "../src/model/clock.ts";
import { MillraceError } from "../src/model/errors.ts";
import { createSeededRandom, type Random } from "../src/model/ids.ts";
import type { Store } from "../src/store/store.ts";
import { interceptedBroker } from "./intercepted-calls.ts";

const Relocated = event(
  "customer.relocated",
  z.object({ customerId: z.string(), revision: z.number(), city: z.string() }),
  { key: (e) => e.customerId },
);
// Without the broker's window of ids, so that a message which comes twice reaches its readers twice.
const customers = stream("customers", { Relocated }, { partitions: 3, dedupe: false });

const relocated = (customerId: string, revision: number) =>
  Relocated({ customerId, revision, city: `city ${revision}` });

const unknown = { revision: 0, city: "" };
const replica = (name: string, broken: () => boolean = () => false) =>
  view(name, {
    from: customers,
    initial: unknown,
    index: ["city"],
    policy: { attempts: 1 },
  }).evolve({
    Relocated: (known, { revision, city }) => {
      if (broken()) throw new Error("this fold is broken");
      return revision > known.revision ? { revision, city } : known;
    },
  });

/** A broker that one process after another opens, and that refuses everything while it is cut off. */
function cuttable(inner: BrokerFactory) {
  const state = { cut: false };
  const factory = interceptedBroker(inner, {
    streams: (_, call) => {
      if (state.cut) throw new MillraceError("UNREACHABLE", "the broker is cut off");
      return call();
    },
  });
  return { state, factory };
}

// proves: state-transfer
test("with its producer stopped and the broker cut off, a consumer answers from its replica", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const { state, factory } = cuttable(memoryBroker());
  const addresses = replica("addresses");
  const open = (services: readonly Service[]): Promise<App> =>
    clock.run(openApp({ services, broker: factory, store: memoryStore(), environment }));
  const crm = await open([service("crm", { own: replica("own") })]);
  const mail = await open([service("mail", { addresses })]);
  const drafts = ["a", "b", "c"].map((id) => relocated(id, 1));
  await clock.run(crm.publish(drafts));
  await clock.run(mail.settled());
  await clock.run(crm.close());
  state.cut = true;
  for (const id of ["a", "b", "c"]) {
    const known = await clock.run(mail.get(addresses, id));
    assert.deepEqual(known, { revision: 1, city: "city 1" });
  }
  const { documents } = await clock.run(mail.find(addresses, { where: { city: "city 1" } }));
  assert.equal(documents.length, 3);
  state.cut = false;
  await clock.run(mail.close());
});

// proves: state-transfer
test("an older version that comes late does not overwrite a newer one, whichever way it is late", async () => {
  const state = { broken: false };
  const addresses = replica("addresses", () => state.broken);
  // It takes what comes, so that what the runtime itself keeps away from it can be seen.
  const trusting = view("trusting", {
    from: customers,
    initial: unknown,
    policy: { attempts: 1 },
  }).evolve({
    Relocated: (_, { revision, city }) => {
      if (state.broken) throw new Error("this fold is broken");
      return { revision, city };
    },
  });
  await using app = await openTestService({ service: service("mail", { addresses, trusting }) });
  const known = async (id: string, name = "addresses"): Promise<unknown> =>
    app.running.get(name, id);
  const newest = { revision: 3, city: "city 3" };

  // Its source publishes it late.
  await app.publish([1, 3, 2].map((revision) => relocated("late", revision)));
  await app.settled();
  assert.deepEqual(await known("late"), newest);

  // It comes a second time, after the newer ones.
  await app.publish(relocated("twice", 1), { id: "first" });
  await app.publish([relocated("twice", 2), relocated("twice", 3)]);
  await app.publish(relocated("twice", 1), { id: "first" });
  await app.settled();
  for (const name of ["addresses", "trusting"])
    assert.deepEqual(await known("twice", name), newest);

  // It failed, and is handled again when the newer ones have come: they have waited for it.
  state.broken = true;
  await app.publish(relocated("parked", 1));
  await app.settled();
  state.broken = false;
  await app.publish([relocated("parked", 2), relocated("parked", 3)]);
  await app.settled();
  assert.equal((await app.running.listParked("addresses")).length, 3);
  await app.until(app.running.redriveParked("all"));
  await app.settled();
  for (const name of ["addresses", "trusting"])
    assert.deepEqual(await known("parked", name), newest);
});

/** A store that does not answer now and then, as chance will have it. */
function flaky({ broker, store }: TestPorts, random: Random, faults: { n: number }) {
  const failing = (): never => {
    faults.n++;
    throw new MillraceError("STORE_FAILED", "the store does not answer", { retryable: true });
  };
  const faulty: Store = new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...parameters: unknown[]): unknown => {
        if (name === "apply" && random.next() < 0.3) return Promise.resolve().then(failing);
        return Reflect.apply(member, target, parameters);
      };
    },
  });
  return { broker, store: faulty };
}

// proves: eventual-consistency
test("replicas agree with their source and each other after faults and restarts", async () => {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const random = createSeededRandom(7);
  const faults = { n: 0 };
  const truth = new Map<string, number>();
  const names = ["mail", "billing", "search"];
  const stores = new Map(names.map((name) => [name, memoryStore()]));
  const open = (name: string) =>
    openTestService({
      service: service(name, { [name]: replica(name) }),
      environment,
      broker,
      store: stores.get(name)!,
      wrap: (ports) => flaky(ports, random, faults),
    });
  for (let round = 0; round < 6; round++) {
    const apps = await Promise.all(names.slice(round % 2).map(open));
    for (let n = 0; n < 40; n++) {
      const id = `c${Math.floor(random.next() * 9)}`;
      const revision = (truth.get(id) ?? 0) + 1;
      truth.set(id, revision);
      await apps[0]!.publish(relocated(id, revision));
    }
    await environment.clock.advance(random.next() * 3000);
    for (const app of apps) {
      await app.until(app.running.stop({ deadlineMs: 1 })).catch(() => undefined);
      await app.close().catch(() => undefined);
    }
  }
  assert.ok(faults.n > 20, `${faults.n} faults`);

  const apps = await Promise.all(names.map(open));
  for (const app of apps) await app.settled();
  const expected = Array.from(truth, ([id, revision]) => ({
    id,
    data: { revision, city: `city ${revision}` },
  })).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  assert.equal(expected.length, 9);
  for (const [at, app] of apps.entries()) {
    const { documents } = await app.running.find(names[at]!, {});
    assert.deepEqual(
      documents.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      expected,
      names[at],
    );
  }
  for (const app of apps) await app.close();
});

// proves: eventual-consistency
test("how far each replica is behind is told, while it is stopped and while it catches up", async () => {
  const first = replica("first");
  const second = replica("second");
  const services = [service("one", { first }), service("two", { second })];
  await using app = await openScenario({ services });
  const behind = async (): Promise<Record<string, number>> => {
    const rows = await app.until(app.app.admin.lag());
    const sums: Record<string, number> = {};
    for (const { part, lag } of rows) sums[part] = (sums[part] ?? 0) + lag;
    return sums;
  };
  await app.until(app.app.services[1]!.pause("second", { by: "test", sinceMs: 0 }));
  for (let n = 1; n <= 10; n++) await app.publish(relocated(`c${n % 3}`, n));
  await app.settled();
  assert.deepEqual(await behind(), { first: 0, second: 10 });
  await app.until(app.app.services[1]!.resume("second"));
  await app.settled();
  assert.deepEqual(await behind(), { first: 0, second: 0 });
});

// proves: query-models
test("one read model is built anew beside the old one, and the others go on as if nothing were", async () => {
  const byCity = (version: number) =>
    view("by-city", { from: customers, version, initial: { version, moves: 0 } }).evolve({
      Relocated: ({ moves }) => ({ version, moves: moves + 1 }),
    });
  const others = { addresses: replica("addresses"), history: replica("history") };
  const kept = { broker: memoryBroker(), store: memoryStore() };
  const environment = createTestEnvironment();
  const open = (version: number) =>
    openTestService({
      service: service("crm", { byCity: byCity(version), ...others }),
      environment,
      ...kept,
    });
  const ids = Array.from({ length: 20 }, (_, n) => `c${n}`);
  const stateOf = async ({ running, store }: Awaited<ReturnType<typeof open>>) => {
    const found = [];
    for (const name of ["addresses", "history"]) {
      const { documents } = await running.find(name, { limit: 100 });
      found.push([name, documents]);
    }
    const progress = (await store.listProgress()).filter(
      ({ consumer }) => !/by-city/.test(consumer),
    );
    const views = (await running.listViews()).filter(({ view: name }) => name !== "by-city");
    return { found, progress, views };
  };
  {
    await using crm = await open(1);
    await crm.publish(ids.flatMap((id) => [relocated(id, 1), relocated(id, 2)]));
    await crm.settled();
    await crm.until(crm.running.pause("by-city", { by: "test", sinceMs: 0 }));
  }
  await using crm = await open(2);
  await crm.settled();
  const before = await stateOf(crm);
  const generations = async (): Promise<string> => {
    const found = (await crm.running.listViews()).find(({ view: name }) => name === "by-city");
    return found!.generations.map(({ generation, state }) => `${generation} ${state}`).join(", ");
  };
  assert.equal(await generations(), "v1 live, v2 building");
  assert.deepEqual(await crm.running.get("by-city", "c0"), { version: 1, moves: 2 });
  await crm.until(crm.running.resume("by-city"));
  await crm.settled();
  assert.equal(await generations(), "v1 old, v2 live");
  assert.deepEqual(await crm.running.get("by-city", "c0"), { version: 2, moves: 2 });
  assert.deepEqual(await stateOf(crm), before, "another view was touched");
  const handled = (await crm.running.status()).map((each) => [each.name, each.handled]);
  assert.deepEqual(handled, [
    ["by-city", 40],
    ["addresses", 0],
    ["history", 0],
  ]);
});

// proves: rebuild
test("the switch to a rebuilt view is atomic: no read sees both, nor less than all", async () => {
  const tally = (version: number) =>
    view("tally", { from: customers, version, initial: { version, n: 0 } }).evolve({
      Relocated: ({ n }) => ({ version, n: n + 1 }),
    });
  const kept = { broker: memoryBroker(), store: memoryStore() };
  const environment = createTestEnvironment();
  const open = (version: number) =>
    openTestService({ service: service("crm", { tally: tally(version) }), environment, ...kept });
  const ids = Array.from({ length: 50 }, (_, n) => `c${n}`);
  {
    await using crm = await open(1);
    await crm.publish(ids.flatMap((id) => [relocated(id, 1), relocated(id, 2)]));
    await crm.settled();
    await crm.until(crm.running.pause("tally", { by: "test", sinceMs: 0 }));
  }
  await using crm = await open(2);
  const seen = new Map<number, number>();
  const watching = { on: true };
  const watch = async (): Promise<void> => {
    while (watching.on) {
      const { documents } = await crm.running.find("tally", { limit: 100 });
      const states = new Set(documents.map(({ data }) => JSON.stringify(data)));
      assert.equal(documents.length, ids.length);
      assert.equal(states.size, 1, [...states].join());
      const { version, n }: { version: number; n: number } = JSON.parse([...states][0]!);
      assert.equal(n, 2);
      seen.set(version, (seen.get(version) ?? 0) + 1);
      await delay(environment.clock, 1);
    }
  };
  const watched = watch();
  await crm.until(crm.running.resume("tally"));
  await crm.settled();
  await environment.clock.advance(100);
  watching.on = false;
  await crm.until(watched);
  assert.ok(seen.get(1)! > 0 && seen.get(2)! > 0, JSON.stringify([...seen]));
});
