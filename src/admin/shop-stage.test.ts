/**
 * The stage for the tests of the admin API and the door: a shop's contract on the in-memory broker and
 * store, with a few documents and parked messages. The service does not run, so nothing moves by itself.
 */

import { z } from "zod";
import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import { encodeMessage } from "../codecs/cloudevents.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import type { RawMessage } from "../model/message.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { createRegistry } from "../schema/registry.ts";
import { DEFAULT_POLICY, type Part, type Service } from "../service/part.ts";
import type { Store } from "../store/store.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";
import type { Admin } from "./admin.ts";
import { createAdmin, type AdminOptions } from "./create-admin.ts";

const orderId = z.object({ orderId: z.string().min(1) });
const key = (data: { readonly orderId: string }): string => data.orderId;
export const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), { key });
export const OrderPaid = event("order.paid", orderId.extend({ cents: z.coerce.bigint() }), {
  key,
  jsonSchema: {
    type: "object",
    properties: { orderId: { type: "string" }, cents: { type: "integer", format: "int64" } },
  },
});
export const PlaceOrder = command("order.place", orderId, { key });
export const orders = stream("orders", { OrderPlaced, OrderPaid }, { partitions: 2 });
export const orderDesk = queue("order-desk", { PlaceOrder }, { attempts: 1 });

export const VIEW_COLLECTION = "order-totals/1";

const part = {
  publishes: [],
  sends: [],
  handles: new Set(["order.placed"]),
  policy: DEFAULT_POLICY,
  concurrency: 1,
  pure: true,
  start: "earliest",
  createWorker: () => ({
    keyOf: () => "",
    work: () => ({ writes: {}, outgoing: [], handled: 0 }),
  }),
} as const;

const totals: Part = {
  ...part,
  partKind: "consumer",
  name: "totals",
  consumer: "totals",
  from: [orders],
  collections: [],
};

const orderTotals: Part = {
  ...part,
  partKind: "view",
  name: "order-totals",
  consumer: "order-totals/1",
  from: [orders],
  collections: [{ name: VIEW_COLLECTION, index: ["status", "total"] }],
  viewCollection: VIEW_COLLECTION,
};

export const shop: Service = { name: "shop", parts: [totals, orderTotals] };

export interface Stage extends AsyncDisposable {
  readonly environment: TestEnvironment;
  readonly streams: Streams;
  readonly queues: Queues;
  readonly store: Store;
  readonly options: AdminOptions;
  readonly admin: Admin;
}

export async function openStage(): Promise<Stage> {
  const environment = createTestEnvironment();
  const broker = await memoryBroker().open(environment);
  const { streams, queues } = broker;
  if (streams === undefined || queues === undefined) throw new Error("the memory broker has both");
  for (const spec of [orders, { ...orders, name: "attic", partitions: 1 }]) {
    await streams.ensureStream({
      name: spec.name,
      partitions: spec.partitions,
      durability: spec.durability,
      dedupe: spec.dedupe,
    });
  }
  await queues.ensureQueue({ name: "order-desk", attempts: 1 });
  const store = await memoryStore().open({ service: "shop", environment });
  await fillStore(store);
  const options: AdminOptions = {
    streams,
    queues,
    idle: () => [{ service: shop, store }],
    registry: createRegistry([orders, orderDesk]),
    environment,
  };
  const admin = createAdmin(options);
  return {
    environment,
    streams,
    queues,
    store,
    options,
    admin,
    async [Symbol.asyncDispose]() {
      await admin[Symbol.asyncDispose]();
      await store.close();
      await broker.close();
    },
  };
}

const LARGE = "12345678901234567890";

async function fillStore(store: Store): Promise<void> {
  await store.ensureCollections(shop.parts.flatMap(({ collections }) => collections));
  const document = (id: string, json: string, total: number) => ({
    key: id,
    finishes: [],
    documents: [
      { collection: VIEW_COLLECTION, id, expected: 0, json, indexed: { status: "open", total } },
    ],
  });
  await store.apply({
    sets: [
      document("o1", '{"total":5,"status":"open"}', 5),
      document("o9", `{"total":${LARGE},"status":"open"}`, Number(LARGE)),
      document("..", '{"total":0,\n"status":"open"}', 0),
    ],
  });
  const parked = (id: string, offset: number, cause: boolean) => ({
    key: "o7",
    incoming: { id, offset },
    message: placed(id, "o7", '{"orderId":"o7","total":1}'),
    ...(cause && {
      cause: {
        kind: "bug" as const,
        code: "TypeError",
        message: "no such order",
        stack: "TypeError: no such order",
        attempts: 5,
      },
    }),
  });
  await store.apply({
    input: { consumer: "totals", input: "orders/0", epoch: 1, log: "c/orders/i" },
    sets: [
      {
        key: "o7",
        finishes: [
          { id: "p-1", offset: 0 },
          { id: "p-2", offset: 1 },
        ],
        park: [parked("p-1", 0, true), parked("p-2", 1, false)],
      },
    ],
  });
}

/** An order.placed as a service would publish it. */
export function placed(id: string, orderKey: string, dataJson: string): RawMessage {
  const envelope = {
    id,
    type: "order.placed",
    kind: "event",
    version: 1,
    source: "test",
    key: orderKey,
    time: 1_735_689_600_000,
  } as const;
  return encodeMessage(envelope, new TextEncoder().encode(dataJson));
}

/** Makes a dead letter of a command, as a consumer that refuses it would. */
export async function deadLetter({ queues }: Stage, message: RawMessage): Promise<number> {
  const [sent] = await queues.send("order-desk", [{ message }]);
  const receiver = await queues.receive("order-desk", { credit: 1 });
  for await (const [lease] of receiver) {
    await queues.reject(lease!, { code: "BUG", message: "no desk" });
    break;
  }
  await receiver.close();
  if (sent?.ok !== true) throw new Error("the command was not sent");
  return sent.value.sequence;
}
