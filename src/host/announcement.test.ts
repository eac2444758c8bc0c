import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { decodeEnvelope } from "../codecs/cloudevents-reader.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { isMillraceError } from "../model/errors.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { ANNOUNCED } from "../service/contract/announce-contracts.ts";
import type { Service } from "../service/part.ts";
import { service } from "../service/service.ts";
import { view } from "../sourcing/view.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openApp } from "./app.ts";

interface Declared {
  readonly total: z.ZodType;
  readonly version?: number;
  readonly reason?: z.ZodType;
}

/** A shop that publishes orders and takes cancellations, and billing, which reads and cancels them. */
function servicesWith({ total, version = 1, reason = z.string() }: Declared): {
  readonly shop: Service;
  readonly billing: Service;
} {
  const Placed = event("order.placed", z.object({ id: z.string(), total }), {
    key: ({ id }) => id,
    version,
    upcast: version === 1 ? {} : { 1: (old) => old },
  });
  const Cancel = command("order.cancel", z.object({ id: z.string(), reason }));
  const orders = stream("orders", { Placed }, { partitions: 1 });
  const desk = queue("desk", { Cancel });
  const clerk = consumer("clerk", { from: desk, publishes: orders }).handle({ Cancel: () => {} });
  const billed = view("billed", { from: orders, initial: {} }).evolve({ Placed: () => ({}) });
  const dunning = consumer("dunning", { from: orders, sends: desk }).handle({ Placed: () => {} });
  return { shop: service("shop", { clerk }), billing: service("billing", { billed, dunning }) };
}

const numbers = servicesWith({ total: z.number() });
const texts = servicesWith({ total: z.string() });

/** Processes that start one after the other on one broker. */
function processes() {
  const broker = memoryBroker();
  const environment = createTestEnvironment();
  const start = async (services: Service | readonly Service[], more = {}): Promise<void> => {
    const list = "parts" in services ? [services] : services;
    const store = memoryStore();
    await using app = await openApp({ services: list, broker, store, environment, ...more });
    assert.equal(app.services.length, list.length);
  };
  const announced = async (): Promise<readonly (string | undefined)[]> => {
    const opened = await broker.open(environment);
    const found: (string | undefined)[] = [];
    const from = { partition: 0, from: "earliest" } as const;
    for await (const records of opened.streams!.read("millrace.contracts", from)) {
      for (const record of records) {
        const { type, key } = decodeEnvelope(record, { receivedMs: 0 });
        assert.equal(type, ANNOUNCED);
        found.push(key);
      }
    }
    return found;
  };
  return { start, announced, environment };
}

test("each start announces its services' contracts once, and again when they have changed", async () => {
  const { start, announced } = processes();
  await start([numbers.shop, numbers.billing]);
  await start(numbers.shop);
  assert.deepEqual(await announced(), ["shop", "billing"]);
  await start(servicesWith({ total: z.number(), version: 2 }).shop);
  assert.deepEqual(await announced(), ["shop", "billing", "shop"]);
});

// proves: contracts
test("a start that would break an announced reader is refused with its name and the field", async () => {
  const { start, announced } = processes();
  await start(numbers.billing);
  await assert.rejects(start(texts.shop), (error) => {
    assert.ok(isMillraceError(error, "CONTRACT_BROKEN"), String(error));
    assert.deepEqual(error.details["consumers"], ["billing"]);
    assert.match(error.message, /order\.placed of shop for billing \(total: the reader .*number/);
    return true;
  });
  assert.deepEqual(await announced(), ["billing"], "a refused start announces nothing");
});

test("a start that could not read what an announced service writes is refused too", async () => {
  const { start } = processes();
  await start(numbers.shop);
  await assert.rejects(start(texts.billing), /order\.placed of shop for billing/);
  const strict = servicesWith({ total: z.number(), reason: z.enum(["unpaid"]) });
  const { start: next } = processes();
  await next(numbers.billing);
  await assert.rejects(next(strict.shop), /order\.cancel of billing for shop \(reason/);
});

test("a new version, services that change together, and a change that says so are let through", async () => {
  const { start, environment } = processes();
  await start([numbers.shop, numbers.billing]);
  await start([texts.shop, texts.billing]);
  await start(servicesWith({ total: z.number(), version: 2 }).shop);
  await start(texts.shop);
  await start(numbers.shop, { contractBreaks: "warn" });
  const warned = environment.entries.filter(({ text }) => text.includes("would break"));
  assert.equal(warned.length, 1);
});

test("a shadow announces nothing: it writes nothing", async () => {
  const { start, announced } = processes();
  await start(numbers.shop, { effects: "shadow" });
  assert.deepEqual(await announced(), []);
});
