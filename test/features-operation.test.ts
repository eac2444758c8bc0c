/** What is promised of systems at work: tenants that do not meet, and load and outages that stay bounded. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  command,
  consumer,
  event,
  openApp,
  queue,
  service,
  stream,
  view,
  type Service,
} from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";
import { createTestEnvironment, openScenario } from "millrace/testing";
import { z } from "zod";
import type { BrokerFactory } from "../src/broker/broker.ts";
import type { AssignedPartition, JoinOptions } from "../src/broker/streams.ts";
import { createDoor } from "../src/http/door.ts";
import { delay } from "../src/model/clock.ts";
import { MillraceError } from "../src/model/errors.ts";
import type { StoreFactory } from "../src/store/store.ts";
import { intercepted, interceptedBroker } from "./intercepted-calls.ts";

const item = z.object({ id: z.string(), sentMs: z.number() });
const key = (data: { readonly id: string }): string => data.id;
const Placed = event("order.placed", item, { key });
const Place = command("order.place", item, { key });
const orders = stream("orders", { Placed }, { partitions: 2 });
const desk = queue("desk", { Place });
const counts = view("counts", { from: orders, initial: { n: 0 }, id: "all" }).evolve({
  Placed: ({ n }) => ({ n: n + 1 }),
});
const clerk = consumer("clerk", { from: desk, publishes: orders }).handle({
  Place: (c, { emit }) => emit(Placed(c)),
});

// proves: namespaces
test("rights given for a namespace open its streams and queues at the door, and no others", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const broker = memoryBroker();
  const shop = service("shop", { clerk, counts });
  const tenants = [];
  for (const namespace of ["tenant-a", "tenant-b"]) {
    const app = await clock.run(
      openApp({ services: [shop], broker, store: memoryStore(), environment, namespace }),
    );
    await clock.run(app.send(Place({ id: namespace, sentMs: 0 })));
    await clock.run(app.settled());
    tenants.push(app);
  }
  // Whoever runs the broker sees all namespaces; cyd may see one.
  const operator = await clock.run(
    openApp({
      services: [service("operator", { audit })],
      broker,
      store: memoryStore(),
      environment,
    }),
  );
  const door = createDoor({
    admin: operator.admin,
    environment,
    registry: operator.registry,
    token: "a-secret-of-some-length",
    signIn: async () => ({ name: "cyd" }),
    rules: [{ principal: "cyd", actions: "*", resources: { kind: "*", name: "ns.tenant-a.*" } }],
  });
  const ask = async (path: string): Promise<{ status: number; text: string }> => {
    const headers = { host: "localhost", authorization: "Bearer token-of-cyd" };
    const response = await door(new Request(`http://localhost${path}`, { headers }));
    return { status: response.status, text: await response.text() };
  };
  for (const [kind, name] of [
    ["streams", "orders"],
    ["queues", "desk"],
  ]) {
    const own = await ask(`/${kind}/ns.tenant-a.${name}`);
    assert.equal(own.status, 200, own.text);
    const foreign = await ask(`/${kind}/ns.tenant-b.${name}`);
    assert.equal(foreign.status, 403, foreign.text);
    assert.equal((await ask(`/${kind}/${name}`)).status, 403);
    const names = [...(await ask(`/${kind}`)).text.matchAll(/"name":"([^"]+)"/g)].map(([, n]) => n);
    const runtimes = kind === "streams" ? ["ns.tenant-a.millrace.contracts"] : [];
    assert.deepEqual(names, [...runtimes, `ns.tenant-a.${name}`]);
  }
  assert.equal((await ask("/streams/ns.tenant-b.orders/records")).status, 403);
  assert.match((await ask("/streams/ns.tenant-a.orders/records")).text, /tenant-a/);
  for (const app of [...tenants, operator]) await clock.run(app.close());
});

const Noted = event("audit.noted", item, { key });
const notes = stream("notes", { Noted }, { partitions: 1 });
const audit = consumer("audit", { from: notes }).handle({});

/** Tells how many records the members of groups took. */
function counting(inner: BrokerFactory, took: (count: number) => void): BrokerFactory {
  const counted = (assigned: AssignedPartition): AssignedPartition => ({
    ...assigned,
    read: async function* (from, options) {
      for await (const batch of assigned.read(from, options)) {
        took(batch.length);
        yield batch;
      }
    },
  });
  return interceptedBroker(inner, {
    streams: (name, call, [options]: readonly JoinOptions[]) => {
      if (name !== "joinGroup") return call();
      const { run } = options!;
      return call([{ ...options, run: (assigned: AssignedPartition) => run(counted(assigned)) }]);
    },
  });
}

// proves: reactive
test("under ten times the load what is held in memory is bounded, and latency recovers", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const held = { now: 0, most: 0 };
  const latencies: number[] = [];
  const jobs = stream("jobs", { Placed }, { partitions: 1 });
  const worker = consumer("worker", { from: jobs, concurrency: 8 }).handle({
    Placed: async ({ sentMs }, { signal }) => {
      await delay(clock, 10, signal);
      latencies.push(clock.now() - sentMs);
      held.now--;
    },
  });
  const broker = counting(memoryBroker(), (count) => {
    held.now += count;
    held.most = Math.max(held.most, held.now);
  });
  await using app = await openScenario({
    services: [service("work", { worker })],
    broker,
    environment,
  });
  /** Publishes so many a step of 100 ms, and returns the worst latency of what came meanwhile. */
  const load = async (perStep: number, steps: number): Promise<number> => {
    latencies.length = 0;
    for (let n = 0; n < steps; n++) {
      const sentMs = clock.now();
      await app.publish(
        Array.from({ length: perStep }, (_, at) => Placed({ id: `o${at % 64}`, sentMs })),
      );
      await app.pass("100ms");
    }
    return Math.max(...latencies);
  };
  const calm = await load(60, 5);
  const calmHeld = held.most;
  assert.ok(calm < 100, `${calm} ms while calm`);
  const busy = await load(600, 12);
  assert.ok(busy > 5 * calm, `${busy} ms under load are no load`);
  const { partitions } = await app.until(app.app.admin.describeStream("jobs"));
  const written = partitions.reduce((sum, { end }) => sum + end, 0);
  assert.equal(written, 7_500);
  assert.ok(held.most < 5500, `${held.most} of ${written} were held, ${calmHeld} while calm`);
  await app.settled();
  assert.equal(held.now, 0);
  const after = await load(60, 5);
  assert.ok(after <= calm, `${after} ms after the load, ${calm} before`);
});

/** A store factory whose stores of one service do not answer while it is down. */
function failing(inner: StoreFactory, down: { service: string }): StoreFactory {
  return {
    adapter: inner.adapter,
    async open(options) {
      const store = await inner.open(options);
      return intercepted(store, (name, call) => {
        if (down.service !== options.service || name !== "apply") return call();
        const text = "the disk of this service is gone";
        return Promise.reject(new MillraceError("STORE_FAILED", text, { retryable: true }));
      });
    },
  };
}

// proves: reactive
test("with one service down the others take commands, follow events and answer", async () => {
  const down = { service: "" };
  const others = view("others", { from: orders, initial: { n: 0 }, id: "all" }).evolve({
    Placed: ({ n }) => ({ n: n + 1 }),
  });
  const services: readonly Service[] = [
    service("sales", { clerk }),
    service("reports", { counts }),
    service("search", { others }),
  ];
  await using app = await openScenario({ services, store: failing(memoryStore(), down) });
  await app.ask(Place({ id: "a", sentMs: 0 }));
  await app.settled();
  down.service = "reports";
  for (const id of ["b", "c", "d"]) {
    const answer = await app.ask(Place({ id, sentMs: 0 }), { deadline: "1s" });
    assert.ok(answer.ok);
    await app.get(others, "all", { notBefore: answer.token, deadline: "1s" });
  }
  assert.deepEqual(await app.get(others, "all"), { n: 4 });
  assert.deepEqual(await app.get(counts, "all"), { n: 1 }, "what it knows it answers");
  down.service = "";
  await app.settled();
  assert.deepEqual(await app.get(counts, "all"), { n: 4 });
});
