import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { isMillraceError } from "../model/errors.ts";
import { stream } from "../schema/channel.ts";
import { formatContractLock, parseContractLock } from "../schema/contract-lock.ts";
import { event } from "../schema/message-type.ts";
import { consumer } from "../service/consumer/consumer.ts";
import type { Service } from "../service/part.ts";
import { service } from "../service/service.ts";
import { lockOf } from "../service/contract/service-contracts.ts";
import { view } from "../sourcing/view.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openApp } from "./app.ts";

/** A shop that publishes orders, one that packs them, and an audit that only it knows of. */
function servicesWith(total: z.ZodType): Record<"shop" | "packing" | "audit", Service> {
  const Asked = event("order.asked", z.object({ id: z.string() }), { key: ({ id }) => id });
  const Placed = event("order.placed", z.object({ id: z.string(), total }), {
    key: ({ id }) => id,
  });
  const asked = stream("asked", { Asked });
  const orders = stream("orders", { Placed });
  const desk = consumer("desk", { from: asked, publishes: orders }).handle({ Asked: () => {} });
  const packed = view("packed", { from: orders, initial: {} }).evolve({ Placed: () => ({}) });
  const asks = view("asks", { from: asked, initial: {} }).evolve({ Asked: () => ({}) });
  return {
    shop: service("shop", { desk }),
    packing: service("packing", { packed }),
    audit: service("audit", { asks }),
  };
}

const before = servicesWith(z.number());
const lock = lockOf(Object.values(before));
const opening = (services: readonly Service[], contracts: string | typeof lock) =>
  openApp({
    services,
    contracts,
    broker: memoryBroker(),
    store: memoryStore(),
    environment: createTestEnvironment(),
  });

test("an app whose declarations break a reader of the lock is refused with the reader's name", async () => {
  const { shop } = servicesWith(z.string());
  await assert.rejects(opening([shop], lock), (error) => {
    assert.ok(isMillraceError(error, "CONTRACT_BROKEN"), String(error));
    assert.deepEqual(error.details["consumers"], ["packing"]);
    return true;
  });
});

test("a service that starts alone answers for its own channels and for no others", async () => {
  await using shop = await opening([before.shop], lock);
  await using packing = await opening([before.packing], lock);
  assert.equal(shop.services.length + packing.services.length, 2);
  const silent = service("shop", { audit: before.audit.parts[0]! });
  await assert.rejects(opening([silent], lock), { code: "CONTRACT_BROKEN" }, "it published orders");
});

test("the lock may be a file, and one that is not there is refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-contract-"));
  try {
    const path = join(folder, "contracts.lock.json");
    await assert.rejects(opening([before.shop], path), { code: "BAD_CONFIG" });
    await writeFile(path, formatContractLock(parseContractLock(formatContractLock(lock), path)));
    await using app = await opening([before.shop], path);
    assert.equal(app.services.length, 1);
    const { shop } = servicesWith(z.string());
    await assert.rejects(opening([shop], path), { code: "CONTRACT_BROKEN" });
    await writeFile(path, "{}");
    await assert.rejects(opening([before.shop], path), { code: "BAD_ARGUMENT" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
