import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { BrokerFactory } from "../../broker/broker.ts";
import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { isMillraceError } from "../../model/errors.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { view } from "../../sourcing/view.ts";
import type { StoreFactory } from "../../store/store.ts";
import { createTestEnvironment, type TestEnvironment } from "../../testing/environment.ts";
import { openTestService, type TestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { document } from "../consumer/document.ts";
import type { Part } from "../part.ts";
import { service } from "../service.ts";

const Placed = event("order.placed", z.object({ orderId: z.string(), total: z.number() }), {
  key: (e) => e.orderId,
});
const Charged = event("order.charged", z.object({ orderId: z.string(), receipt: z.string() }), {
  key: (e) => e.orderId,
});
// Without a window of ids, so that what a redo sends is seen to come again.
const orders = stream("orders", { Placed }, { partitions: 2, dedupe: false });
const payments = stream("payments", { Charged }, { partitions: 1, dedupe: false });
const receipt = document<{ receipt: string; handled: number }>("receipt");

interface Outside {
  readonly calls: string[];
  /** Which handling of an order throws, behind its effect. */
  fails: (orderId: string) => boolean;
}

function charging(outside: Outside): Part {
  return consumer("charging", {
    from: orders,
    publishes: payments,
    docs: { receipt },
    policy: { attempts: 2 },
  }).handle({
    Placed: async ({ orderId: id }, { effect, docs, emit }) => {
      const answer = await effect("charge", ({ idempotencyKey }) => {
        outside.calls.push(idempotencyKey);
        return { receipt: `r-${id}` };
      });
      if (outside.fails(id)) throw new Error("broken");
      const before = await docs.receipt.get(id);
      docs.receipt.put(id, { receipt: answer.receipt, handled: (before?.handled ?? 0) + 1 });
      emit(Charged({ orderId: id, receipt: answer.receipt }));
    },
  });
}

const RETENTION_MS = 120_000;

class Stage {
  readonly environment: TestEnvironment = createTestEnvironment();
  readonly broker: BrokerFactory = memoryBroker();
  readonly store: StoreFactory = memoryStore();
  readonly outside: Outside = { calls: [], fails: () => false };

  run(effects: "live" | "shadow" = "live", ...more: readonly Part[]): Promise<TestService> {
    const { environment, broker, store, outside } = this;
    const parts = Object.fromEntries(more.map((part) => [part.name, part]));
    const shop = service("shop", { charging: charging(outside), ...parts });
    return openTestService({
      service: shop,
      environment,
      broker,
      store,
      effects,
      effectRetentionMs: RETENTION_MS,
    });
  }
}

const ORDERS = ["a", "b", "c", "d"];

async function place(shop: TestService): Promise<void> {
  await shop.publish(ORDERS.map((orderId) => Placed({ orderId, total: 1 })));
  await shop.settled();
}

async function receipts(shop: TestService, collection = "document.receipt"): Promise<object> {
  const found = await shop.store.getDocuments(collection, ORDERS);
  return Object.fromEntries([...found].map(([id, { json }]) => [id, JSON.parse(json).handled]));
}

async function sentIds({ broker }: TestService): Promise<readonly string[]> {
  const ids: string[] = [];
  const reading = broker.streams!.read("payments", { partition: 0, from: "earliest" });
  for await (const records of reading) {
    for (const record of records) ids.push(decodeEnvelope(record, { receivedMs: 0 }).id);
  }
  return ids;
}

// proves: controlled-replay
// proves: external-systems
test("a rebuild writes documents from recorded answers, calls nothing, sends nothing, moves nobody", async () => {
  const stage = new Stage();
  await using shop = await stage.run();
  await place(shop);
  const before = await shop.store.listProgress();
  const called = stage.outside.calls.length;
  const sent = await sentIds(shop);
  const request = { part: "charging", mode: "rebuild" } as const;
  const plan = await shop.until(shop.running.planReplay(request));
  assert.deepEqual(plan.messages, { "order.placed": 4 });
  assert.deepEqual([plan.total, plan.effects, plan.unrecorded], [4, { charge: 4 }, 0]);
  assert.deepEqual(await receipts(shop), { a: 1, b: 1, c: 1, d: 1 });
  const outcome = await shop.until(shop.running.runReplay(request));
  await shop.settled();
  assert.deepEqual(
    [outcome.complete, outcome.done, outcome.total, outcome.handled, outcome.withheld],
    [true, 4, 4, 4, 4],
  );
  assert.deepEqual(await receipts(shop), { a: 2, b: 2, c: 2, d: 2 });
  assert.equal(stage.outside.calls.length, called);
  assert.deepEqual(await sentIds(shop), sent);
  assert.deepEqual(await shop.store.listProgress(), before);
});

// proves: controlled-replay, stable-identifiers
test("a redo calls again with the same idempotency keys, and sends again under the same ids", async () => {
  const stage = new Stage();
  await using shop = await stage.run();
  await place(shop);
  const calls = stage.outside.calls.splice(0);
  const sent = await sentIds(shop);
  const { partitions } = await shop.broker.streams!.describeStream("orders");
  const outcome = await shop.until(
    shop.running.runReplay({ part: "charging", mode: "redo", ranges: [{ partition: 0 }] }),
  );
  await shop.settled();
  const count = partitions[0]!.end;
  assert.ok(count > 0 && count < ORDERS.length, `${count} messages in partition 0`);
  assert.deepEqual([outcome.handled, outcome.withheld], [count, 0]);
  assert.equal(stage.outside.calls.length, count);
  assert.ok(stage.outside.calls.every((key) => calls.includes(key)));
  const again = (await sentIds(shop)).slice(sent.length);
  assert.equal(again.length, count);
  assert.ok(again.every((id) => sent.includes(id)));
});

test("what fails in a replay is reported with what waits behind it, and parks nothing", async () => {
  const stage = new Stage();
  await using shop = await stage.run();
  await place(shop);
  await place(shop);
  stage.outside.fails = (id) => id === "b";
  const request = { part: "charging", mode: "rebuild" } as const;
  const outcome = await shop.until(shop.running.runReplay(request));
  assert.deepEqual(
    outcome.failures.map(({ key, code, message }) => [key, code, message]),
    [["b", "Error", "broken"]],
  );
  assert.deepEqual([outcome.complete, outcome.handled, outcome.heldBack], [true, 6, 1]);
  assert.deepEqual(await shop.running.listParked("charging"), []);
  assert.deepEqual(await shop.store.listParked(), []);
  assert.deepEqual(await receipts(shop), { a: 4, b: 2, c: 4, d: 4 });
});

test("an effect without a recorded answer fails in a rebuild instead of being called", async () => {
  const stage = new Stage();
  await using shop = await stage.run();
  await place(shop);
  await shop.store.trimEffects(Infinity);
  const plan = await shop.until(shop.running.planReplay({ part: "charging", mode: "rebuild" }));
  assert.deepEqual([plan.effects, plan.unrecorded], [{}, 4]);
  const called = stage.outside.calls.length;
  const outcome = await shop.until(shop.running.runReplay({ part: "charging", mode: "rebuild" }));
  assert.deepEqual(
    new Set(outcome.failures.map(({ code }) => code)),
    new Set(["EFFECT_NOT_RECORDED"]),
  );
  assert.equal(outcome.failures.length, 4);
  assert.equal(stage.outside.calls.length, called);
});

test("a replay that was cancelled goes on under its id, and another is refused until then", async () => {
  const stage = new Stage();
  await using shop = await stage.run();
  for (let round = 0; round < 5; round++) await place(shop);
  const cancel = new AbortController();
  const discards: Promise<void>[] = [];
  const request = { part: "charging", mode: "rebuild" } as const;
  const cut = await shop.until(
    shop.running.runReplay(request, {
      id: "again",
      signal: cancel.signal,
      onProgress: () => {
        cancel.abort();
        discards.push(shop.running.discardReplay("charging", "again"));
      },
    }),
  );
  assert.ok(discards.length > 0);
  for (const discard of discards) await assert.rejects(discard, { code: "CONFLICT" });
  assert.equal(cut.complete, false);
  assert.ok(cut.done > 0 && cut.done < 20, `${cut.done} of ${cut.total}`);
  await assert.rejects(shop.until(shop.running.runReplay(request)), (error) => {
    assert.ok(isMillraceError(error, "CONFLICT"), String(error));
    return /the id again is unfinished/.test(error.message);
  });
  const rest = await shop.until(shop.running.runReplay(request, { id: "again" }));
  assert.deepEqual([rest.complete, rest.done], [true, 20]);
  assert.equal(cut.handled + rest.handled, 20);
  assert.deepEqual(await receipts(shop), { a: 10, b: 10, c: 10, d: 10 });
});

test("what cannot be replayed is refused with what can", async () => {
  const totals = view("totals", { from: orders, initial: { n: 0 } }).evolve({
    Placed: (s) => ({ n: s.n + 1 }),
  });
  await using shop = await new Stage().run("live", totals);
  await place(shop);
  const refused = async (request: object, pattern: RegExp): Promise<void> => {
    const asked: any = { mode: "rebuild", part: "charging", ...request };
    await assert.rejects(shop.running.planReplay(asked), pattern);
  };
  await refused({ part: "totals" }, /rebuild totals/);
  await refused({ part: "none" }, /has no part/);
  await refused({ stream: "payments" }, /reads orders, not payments/);
  await refused({ mode: "again" }, /write "rebuild" or "redo"/);
  await refused({ ranges: [{ partition: 7 }] }, /2 partitions/);
  await refused({ ranges: [{ partition: 0, from: 99 }] }, /choose some within/);
});

test("a shadow is answered from the live journal, sends nothing and has documents of its own", async () => {
  const stage = new Stage();
  const seen = view("seen", { from: orders, initial: { n: 0 } }).evolve({
    Placed: (s) => ({ n: s.n + 1 }),
  });
  {
    await using shop = await stage.run("live", seen);
    await place(shop);
  }
  const called = stage.outside.calls.length;
  await using shadow = await stage.run("shadow", seen);
  await shadow.settled();
  assert.equal(stage.outside.calls.length, called);
  assert.deepEqual(await receipts(shadow), { a: 1, b: 1, c: 1, d: 1 });
  assert.deepEqual(await receipts(shadow, "shadow.document.receipt"), { a: 1, b: 1, c: 1, d: 1 });
  assert.equal((await sentIds(shadow)).length, ORDERS.length);
  const status = await shadow.running.status();
  assert.deepEqual(
    status.map(({ name, handled, withheld = 0 }) => [name, handled, withheld]),
    [
      ["shadow.charging", 4, 4],
      ["shadow.seen", 4, 0],
    ],
  );
  assert.deepEqual(await shadow.running.get("shadow.seen", "a"), { n: 1 });
  // What the live service has not recorded, its shadow does not call for.
  await shadow.publish(Placed({ orderId: "new", total: 1 }));
  await shadow.settled();
  const [parked] = await shadow.running.listParked("shadow.charging");
  assert.equal(parked?.cause?.code, "EFFECT_NOT_RECORDED");
  assert.equal(stage.outside.calls.length, called);
});

test("recorded answers are forgotten by age", async () => {
  const stage = new Stage();
  await using shop = await stage.run();
  await place(shop);
  const plan = async (): Promise<object> =>
    (await shop.until(shop.running.planReplay({ part: "charging", mode: "rebuild" }))).effects;
  await shop.environment.clock.advance(RETENTION_MS - 10_000);
  assert.deepEqual(await plan(), { charge: 4 });
  await shop.environment.clock.advance(40_000);
  assert.deepEqual(await plan(), {});
});
