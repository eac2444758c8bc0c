/** Write sets, inputs and messages that the cases of the store port apply. */

import type { Store } from "../../store/store.ts";
import type {
  Batch,
  BatchInput,
  DocumentWrite,
  Incoming,
  IndexValue,
  OutgoingMessage,
  ParkedWrite,
  TimerWrite,
  WriteSet,
} from "../../store/write-set.ts";
import { message } from "../messages.ts";

export const COLLECTION = "orders";
export const LOG = "cluster/orders/1";

/** The stream partition that most batches come from. */
export function input(more: Partial<BatchInput> = {}): BatchInput {
  return { consumer: "refunds", input: "orders/0", epoch: 1, log: LOG, ...more };
}

/** A queue as input: no offsets, no log. */
export const QUEUE: BatchInput = { consumer: "refunds", input: "desk", epoch: 0 };

/** The consumer's own timers as input: no offsets, no log. */
export const TIMERS: BatchInput = { consumer: "refunds", input: "timers", epoch: 0 };

/** A timer of instance `o1`, whose id is its name, unless said. */
export function timer(
  name: string,
  dueMs: number,
  more: Partial<Omit<TimerWrite, "name" | "dueMs">> = {},
): TimerWrite {
  return {
    consumer: "refunds",
    instance: "o1",
    name,
    id: name,
    dueMs,
    message: message(name, { key: "o1" }),
    ...more,
  };
}

/** The timer as it comes back to its consumer. */
export function fired({ consumer, instance, name, id }: TimerWrite): Incoming {
  return { timer: { consumer, instance, name }, id };
}

export function set(key: string, more: Partial<WriteSet> = {}): WriteSet {
  return { key, finishes: [], ...more };
}

/** A set without effects that finishes these offsets, each with an id of its own. */
export function finishing(key: string, ...offsets: readonly number[]): WriteSet {
  return set(key, { finishes: offsets.map((offset) => ({ offset, id: `at-${offset}` })) });
}

export function incoming(offset: number, id = `at-${offset}`): Incoming {
  return { offset, id };
}

/** A message from the lane of a sender of ours. */
export function marked(
  sequence: number,
  { offset, lane = "a", epoch = 1 }: { offset?: number; lane?: string; epoch?: number } = {},
): Incoming {
  const mark = { source: "shop", epoch, lane, sequence };
  return { ...(offset === undefined ? {} : { offset }), mark, id: `${lane}-${sequence}` };
}

export function document(
  id: string,
  expected: number,
  state: Readonly<Record<string, IndexValue>> | null,
): DocumentWrite {
  return {
    collection: COLLECTION,
    id,
    expected,
    json: state === null ? null : JSON.stringify(state),
    ...(state === null ? {} : { indexed: state }),
  };
}

/** A set that writes one document of its own, so that it has an effect. */
export function writing(key: string, more: Partial<WriteSet> = {}): WriteSet {
  return set(key, { documents: [document(key, 0, { status: "new" })], ...more });
}

export function outgoing(text: string): OutgoingMessage {
  return {
    target: { kind: "stream", name: "orders" },
    message: message(text, { key: text, headers: [["ce_type", "order.placed"]] }),
  };
}

export const CAUSE = {
  kind: "bug",
  code: "TypeError",
  message: "x is undefined",
  stack: "at handler",
  attempts: 5,
} as const;

/** The first parked message of a key carries the cause; those after it wait. */
export function parked(key: string, offset: number, failed: boolean): ParkedWrite {
  return {
    key,
    incoming: incoming(offset),
    message: message(`${key}-${offset}`, { key }),
    ...(failed ? { cause: CAUSE } : {}),
  };
}

export function parking(key: string, offset: number, failed: boolean): WriteSet {
  return set(`park-${offset}`, {
    finishes: [incoming(offset)],
    park: [parked(key, offset, failed)],
  });
}

/** Applies sets that no incoming message caused. */
export function applySets(store: Store, ...sets: readonly WriteSet[]): ReturnType<Store["apply"]> {
  return store.apply({ sets });
}

export function applyInput(
  store: Store,
  from: BatchInput,
  ...sets: readonly WriteSet[]
): ReturnType<Store["apply"]> {
  const batch: Batch = { input: from, sets };
  return store.apply(batch);
}

/** A store with one collection that has two indexes. */
export async function withCollection(store: Store): Promise<Store> {
  await store.ensureCollections([{ name: COLLECTION, index: ["status", "total"] }]);
  return store;
}
