import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { openTestService, type TestService } from "../../testing/test-service.ts";
import { reject } from "../ask/answer.ts";
import { consumer } from "../consumer/consumer.ts";
import { document } from "../consumer/document.ts";
import { service } from "../service.ts";

const orderId = z.object({ orderId: z.string() });
const Placed = event("order.placed", orderId, { key: (e) => e.orderId });
const Charged = event("order.charged", orderId.extend({ receipt: z.string() }), {
  key: (e) => e.orderId,
});
const orders = stream("orders", { Placed }, { partitions: 2 });
const payments = stream("payments", { Charged }, { partitions: 1 });
const receipt = document<{ receipt: string; times: number }>("receipt");

interface Bank {
  readonly calls: string[];
  charge(key: string): Promise<{ receipt: string }>;
}

function openBank(): Bank {
  const calls: string[] = [];
  return {
    calls,
    charge: async (key) => {
      calls.push(key);
      return { receipt: `r${calls.length}` };
    },
  };
}

/** Charges, and then does what the test says. */
function charging(bank: Bank, then: (times: number) => void = () => undefined) {
  let times = 0;
  return consumer("charging", {
    from: orders,
    publishes: payments,
    docs: { receipt },
    policy: { attempts: 3 },
  }).handle({
    Placed: async ({ orderId: id }, { effect, docs, emit }) => {
      const answer = await effect("charge", (how) => bank.charge(how.idempotencyKey));
      docs.receipt.put(id, { receipt: answer.receipt, times: ++times });
      emit(Charged({ orderId: id, receipt: answer.receipt }));
      then(times);
    },
  });
}

async function recorded({ store }: TestService, id: string): Promise<readonly string[]> {
  const answers = (await store.readEffects("charging", [id])).get(id) ?? [];
  return answers.map(({ name, json }) => `${name} ${json}`);
}

const ONE = { id: "018f0000-0000-7000-8000-000000000001" };

test("an effect is called once, its answer recorded with the handler's own commit", async () => {
  const bank = openBank();
  await using shop = await openTestService({
    service: service("shop", { charging: charging(bank) }),
  });
  await shop.publish(Placed({ orderId: "a" }), ONE);
  await shop.settled();
  assert.deepEqual(bank.calls, [`shop/charging/${ONE.id}/charge`]);
  assert.deepEqual(await recorded(shop, ONE.id), ['charge {"receipt":"r1"}']);
});

test("a handler that fails behind its effect is tried again without calling again", async () => {
  const bank = openBank();
  const part = charging(bank, (times) => {
    if (times < 3) throw new Error("after the charge");
  });
  await using shop = await openTestService({ service: service("shop", { part }) });
  await shop.publish(Placed({ orderId: "a" }), ONE);
  await shop.settled();
  assert.equal(bank.calls.length, 1);
  const [found] = (await shop.store.getDocuments("document.receipt", ["a"])).values();
  assert.deepEqual(JSON.parse(found!.json), { receipt: "r1", times: 3 });
});

test("an answer survives the process whose handler failed behind it", async () => {
  const bank = openBank();
  const [broker, store] = [memoryBroker(), memoryStore()];
  const environment = createTestEnvironment();
  {
    const part = charging(bank, () => {
      throw new Error("never");
    });
    const options = { service: service("shop", { part }), broker, store, environment };
    await using shop = await openTestService(options);
    await shop.publish(Placed({ orderId: "a" }), ONE);
    await shop.settled();
    assert.deepEqual(await recorded(shop, ONE.id), ['charge {"receipt":"r1"}']);
    assert.equal((await shop.running.listParked("charging")).length, 1);
  }
  const part = charging(bank);
  await using shop = await openTestService({
    service: service("shop", { part }),
    broker,
    store,
    environment,
  });
  await shop.running.redriveParked("all");
  await shop.settled();
  assert.equal(bank.calls.length, 1);
  const [found] = (await shop.store.getDocuments("document.receipt", ["a"])).values();
  assert.deepEqual(JSON.parse(found!.json), { receipt: "r1", times: 1 });
});

test("a name used twice in one handling, and an answer that is no JSON, are refused", async () => {
  const refusals: string[] = [];
  const part = consumer("charging", { from: orders, policy: { attempts: 1 } }).handle({
    Placed: async (_, { effect }) => {
      await effect("look", () => undefined);
      for (const name of ["look", ""]) await effect(name, () => 1).catch(note);
      await effect("map", () => new Map([[1, 2]])).catch(note);
      await effect("large", () => "x".repeat(2 ** 20)).catch(note);
    },
  });
  const note = (error: { readonly code: string }): void => void refusals.push(error.code);
  await using shop = await openTestService({ service: service("shop", { part }) });
  await shop.publish(Placed({ orderId: "a" }), ONE);
  await shop.settled();
  assert.deepEqual(refusals, ["BAD_ARGUMENT", "BAD_ARGUMENT", "BAD_PAYLOAD", "TOO_LARGE"]);
  assert.deepEqual(await recorded(shop, ONE.id), ["look null"]);
});

test("ids and randomness of a handling are the same when it is repeated", async () => {
  const drawn: string[] = [];
  const part = consumer("drawing", {
    from: orders,
    publishes: payments,
    policy: { attempts: 2 },
  }).handle({
    Placed: (e, { newId, random, emit }) => {
      drawn.push(`${newId()} ${newId()} ${random()}`);
      emit(Charged({ ...e, receipt: newId() }));
      if (drawn.length === 1) throw new Error("once more");
    },
  });
  await using shop = await openTestService({ service: service("shop", { part }) });
  await shop.publish(Placed({ orderId: "a" }), ONE);
  await shop.settled();
  assert.equal(drawn.length, 2);
  assert.equal(drawn[0], drawn[1]);
  assert.equal(new Set(drawn[0]!.split(" ")).size, 3);
  const records = [];
  for await (const batch of shop.broker.streams!.read("payments", {
    partition: 0,
    from: "earliest",
  })) {
    records.push(...batch);
  }
  assert.equal(records.length, 1);
  const { id } = decodeEnvelope(records[0]!, { receivedMs: 0 });
  assert.ok(!drawn[0]!.includes(id));
});

test("a command's handler may refuse, and then nothing it did counts", async () => {
  const Cancel = command("order.cancel", orderId, {
    key: (c) => c.orderId,
    refuses: ["too-late"],
  });
  const cancels = queue("cancels", { Cancel });
  const part = consumer("cancelling", { from: cancels, publishes: payments, docs: { receipt } });
  const handled = part.handle({
    Cancel: ({ orderId: id }, { docs, emit }) => {
      docs.receipt.put(id, { receipt: id, times: 1 });
      emit(Charged({ orderId: id, receipt: id }));
      return id === "late" ? reject("too-late") : undefined;
    },
  });
  await using shop = await openTestService({ service: service("shop", { handled }) });
  await shop.publish([Cancel({ orderId: "late" }), Cancel({ orderId: "early" })]);
  await shop.settled();
  const found = await shop.store.getDocuments("document.receipt", ["late", "early"]);
  assert.deepEqual([...found.keys()], ["early"]);
  const [status] = await shop.running.status();
  assert.deepEqual([status!.handled, status!.failed], [2, 0]);
});
