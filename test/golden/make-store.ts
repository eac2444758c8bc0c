/**
 * Makes a store's file with a row in every table. What is expected is written beside what is put in,
 * not read back.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RawMessage } from "../../src/model/message.ts";
import { laneKey } from "../../src/store/progress.ts";
import type { Store } from "../../src/store/store.ts";
import type {
  BatchInput,
  EffectWrite,
  Incoming,
  OutgoingMessage,
  TimerWrite,
  WriteSet,
} from "../../src/store/write-set.ts";
import { sqlite } from "../../src/stores/sqlite/sqlite.ts";
import { createTestEnvironment } from "../../src/testing/environment.ts";
import { toForm } from "./message-form.ts";
import type { StoreState } from "./store-state.ts";

const LOG = "cluster-1/orders/incarnation-1";
const LANE = { source: "shop", epoch: 1, lane: "orders/0" };
const FENCE = 7;
const ORDERS: BatchInput = { consumer: "totals", input: "orders/0", epoch: FENCE, log: LOG };
const CANCELS: BatchInput = { consumer: "refunds", input: "cancels", epoch: 1 };
const INDEX = ["customerId", "total", "open"];

export interface GoldenStore {
  readonly bytes: Uint8Array;
  readonly state: StoreState;
}

export async function makeGoldenStore(): Promise<GoldenStore> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-golden-"));
  try {
    const environment = createTestEnvironment({ seed: 7 });
    const { clock } = environment;
    const startMs = clock.now();
    {
      await using store = await sqlite({ directory }).open({ service: "shop", environment });
      await writeDocuments(store);
      await clock.advance(1_000);
      await writeProgress(store);
      await clock.advance(1_000);
      await writeParked(store);
      await writeTimed(store);
      await store.leaseLane("shop/0", "relay", 60_000);
      await store.trimOutbox("shop/0", "relay", 1);
    }
    // Closing has moved the write-ahead log into the file.
    const bytes = await readFile(join(directory, "shop.db"));
    return { bytes, state: expectedState(startMs, clock.now()) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const SHOES = '{"customerId":"c1","total":5,"open":true,"units":9007199254740993}';
const BOOK = '{"customerId":"c2","total":12.5,"open":false}';
const CAKE = '{"customerId":"c1","total":-1,"open":null,"note":"naïve 😀"}';

async function writeDocuments(store: Store): Promise<void> {
  await store.ensureCollections([
    { name: "orders", index: INDEX },
    { name: "empty", index: [] },
  ]);
  const write = (
    id: string,
    expected: number,
    json: string | null,
    [customerId, total, open]: readonly [string, number, boolean | null] = ["c1", 0, true],
  ): WriteSet => ({
    key: `${id}-${expected}`,
    finishes: [],
    documents: [
      {
        collection: "orders",
        id,
        expected,
        json,
        ...(json === null ? {} : { indexed: { customerId, total, open } }),
      },
    ],
  });
  await applyAll(store, undefined, [
    write("o-shoes", 0, '{"customerId":"c1","total":4,"open":true}', ["c1", 4, true]),
    write("o-book", 0, BOOK, ["c2", 12.5, false]),
    write("o-cake", 0, CAKE, ["c1", -1, null]),
    write("o-gone", 0, "{}"),
  ]);
  await applyAll(store, undefined, [
    write("o-shoes", 1, SHOES, ["c1", 5, true]),
    write("o-gone", 1, null),
  ]);
}

const placed = message("event-1", "order-1", Uint8Array.of(0, 0xff, 0x80, 0x7f));
const paid = message("event-2", "order-1", Buffer.from('{"paid":true}'));
const other = message("event-3", null, null);

const confirm: OutgoingMessage = {
  target: { kind: "stream", name: "orders" },
  message: message("event-4", "order-1", Buffer.from("confirm")),
};
const remind: OutgoingMessage = {
  target: { kind: "queue", name: "cancels" },
  message: message("event-5", "order-2", Buffer.from("remind")),
  delayMs: 60_000,
};
const thank: OutgoingMessage = {
  target: { kind: "queue", name: "mails" },
  message: message("event-6", "order-3", Buffer.from("thank")),
};

const marked = (offset: number, sequence: number): Incoming => ({
  offset,
  mark: { ...LANE, sequence },
  id: `marked-${sequence}`,
});

async function writeProgress(store: Store): Promise<void> {
  const first: WriteSet = {
    key: "order-1",
    finishes: [marked(0, 0), marked(1, 1), { offset: 2, id: "stranger-1" }],
    events: [{ entity: "order-1", expected: 0, events: [placed, paid] }],
    outgoing: [confirm, remind],
  };
  await applyAll(store, { ...ORDERS, unfinished: [marked(3, 2)] }, [first], "shop/0");
  const second: WriteSet = {
    key: "order-2",
    finishes: [marked(4, 3), { offset: 7, id: "stranger-2" }],
    events: [{ entity: "order-2", expected: 0, events: [other] }],
    outgoing: [thank],
  };
  const gaps = [{ from: 9, to: 12 }];
  await applyAll(store, { ...ORDERS, gaps, unfinished: [marked(3, 2)] }, [second], "shop/0");
  await applyAll(store, CANCELS, [{ key: "c", finishes: [{ id: "command-1" }] }]);
}

const failed = message("command-2", "order-8", Uint8Array.of(0xc3, 0x28));
const behind = message("command-3", "order-8", Buffer.from("behind"));
const asked = message("command-4", "order-9", Buffer.from("asked"));
const BUG = {
  kind: "bug",
  code: "TypeError",
  message: "total is not a number",
  stack: "TypeError: total is not a number",
  attempts: 4,
  retryAtMs: 4_000_000_000_000,
} as const;
const BAD = { kind: "bad-message", code: "BAD_JSON", message: "byte 1", attempts: 1 } as const;

async function writeParked(store: Store): Promise<void> {
  const park = (key: string, id: string, held: RawMessage, cause?: typeof BUG | typeof BAD) => ({
    key,
    incoming: { id },
    message: held,
    ...(cause === undefined ? {} : { cause }),
  });
  await applyAll(store, CANCELS, [
    {
      key: "order-8",
      finishes: [{ id: "command-2" }, { id: "command-3" }],
      park: [park("order-8", "command-2", failed, BUG), park("order-8", "command-3", behind)],
    },
    {
      key: "order-9",
      finishes: [{ id: "command-4" }],
      park: [park("order-9", "command-4", asked, BAD)],
    },
  ]);
  await store.redriveParked([3]);
}

const late: TimerWrite = {
  consumer: "checkout",
  instance: "order-1",
  name: "payment.due",
  id: "timer-1",
  dueMs: 4_000_000_000_000.25,
  message: message("timer-1", "order-1", Uint8Array.of(0xff, 0)),
};
const early: TimerWrite = {
  ...late,
  name: "reminder.due",
  id: "timer-2",
  dueMs: 1,
  message: message("timer-2", null, null),
};
const charged: EffectWrite = {
  consumer: CANCELS.consumer,
  message: "command-2",
  name: "charge",
  json: '{"receipt":9007199254740993,"note":"naïve 😀"}',
  atMs: 1_000.5,
};
const mailed: EffectWrite = { ...charged, name: "a mail", json: "null", atMs: 2_000 };

async function writeTimed(store: Store): Promise<void> {
  const ended: TimerWrite = { ...late, instance: "order-2" };
  const effects = [charged, mailed, { ...charged, json: "too late" }];
  await applyAll(store, undefined, [
    { key: "set", finishes: [], timers: [late, early, ended], effects },
    { key: "end", finishes: [], timers: [{ consumer: "checkout", instance: "order-2" }] },
  ]);
}

const parkedOf = (key: string) => ({ consumer: CANCELS.consumer, input: CANCELS.input, key });

function expectedState(startMs: number, nowMs: number): StoreState {
  /** Of the store and of what waits in it to be published: when it was made, in seconds. */
  const epoch = Math.floor(startMs / 1000);
  return {
    format: 2,
    nowMs,
    epoch,
    collections: [
      {
        name: "orders",
        index: INDEX,
        count: 3,
        documents: [
          { id: "o-shoes", version: 2, json: SHOES },
          { id: "o-book", version: 1, json: BOOK },
          { id: "o-cake", version: 1, json: CAKE },
        ],
        gone: ["o-gone"],
        found: [
          { query: {}, ids: ["o-book", "o-cake", "o-shoes"] },
          { query: { order: "-total" }, ids: ["o-book", "o-shoes", "o-cake"] },
          { query: { where: { customerId: "c1" }, order: "total" }, ids: ["o-cake", "o-shoes"] },
          { query: { where: { open: null } }, ids: ["o-cake"] },
          { query: { where: { open: true } }, ids: ["o-shoes"] },
        ],
      },
      { name: "empty", index: [], count: 0, documents: [], gone: ["none"], found: [] },
    ],
    events: [
      { sequence: 1, entity: "order-1", version: 1, ...toForm(placed) },
      { sequence: 2, entity: "order-1", version: 2, ...toForm(paid) },
      { sequence: 3, entity: "order-2", version: 1, ...toForm(other) },
    ],
    inputs: [
      {
        consumer: ORDERS.consumer,
        input: ORDERS.input,
        epoch: FENCE,
        progress: {
          position: 3,
          above: [
            { from: 4, to: 5 },
            { from: 7, to: 8 },
            { from: 9, to: 12 },
          ],
          log: LOG,
        },
        lanes: [[laneKey(LANE), { high: 3, holes: [2] }]],
        seen: ["stranger-1", "stranger-2"],
        unseen: ["stranger-3"],
        parkedKeys: [],
      },
      {
        consumer: CANCELS.consumer,
        input: CANCELS.input,
        epoch: CANCELS.epoch,
        progress: null,
        lanes: [],
        seen: ["command-1", "command-2", "command-3", "command-4"],
        unseen: ["command-5"],
        parkedKeys: [
          ["order-8", 2],
          ["order-9", 1],
        ],
      },
    ],
    lanes: [
      {
        lane: "shop/0",
        rows: [
          {
            epoch,
            firstSequence: 1,
            messages: [{ ...remind, message: toForm(remind.message) }],
          },
          { epoch, firstSequence: 2, messages: [{ ...thank, message: toForm(thank.message) }] },
        ],
      },
    ],
    parked: [
      {
        row: 1,
        ...parkedOf("order-8"),
        incoming: { id: "command-2" },
        message: toForm(failed),
        parkedMs: startMs + 2_000,
        cause: BUG,
        redrive: false,
      },
      {
        row: 2,
        ...parkedOf("order-8"),
        incoming: { id: "command-3" },
        message: toForm(behind),
        parkedMs: startMs + 2_000,
        redrive: false,
      },
      {
        row: 3,
        ...parkedOf("order-9"),
        incoming: { id: "command-4" },
        message: toForm(asked),
        parkedMs: startMs + 2_000,
        cause: BAD,
        redrive: true,
      },
    ],
    timed: {
      timers: [late, early].map((timer) => ({ ...timer, message: toForm(timer.message) })),
      effects: [charged, mailed],
      retries: [{ consumer: CANCELS.consumer, input: CANCELS.input, nextMs: BUG.retryAtMs }],
    },
  };
}

async function applyAll(
  store: Store,
  input: BatchInput | undefined,
  sets: readonly WriteSet[],
  lane?: string,
): Promise<void> {
  const outcome = await store.apply({
    sets,
    ...(input === undefined ? {} : { input }),
    ...(lane === undefined ? {} : { lane }),
  });
  const left = outcome.sets.filter(({ status }) => status !== "applied");
  if (left.length > 0) throw new Error(`not applied: ${JSON.stringify(left)}`);
}

function message(id: string, key: string | null, value: Uint8Array | null): RawMessage {
  return {
    key,
    headers: [
      ["ce_id", id],
      ["tag", Uint8Array.of(0xff, id.length)],
    ],
    value,
  };
}
