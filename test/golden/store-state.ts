/** What a golden store must be found to hold, and how to ask for it. Asking changes nothing. */

import type {
  InputProgress,
  OutboxRow,
  ParkedMessage,
  Store,
  StoredEffect,
  StoredTimer,
} from "../../src/store/store.ts";
import type { OutgoingMessage } from "../../src/store/write-set.ts";
import { toForm, type MessageForm } from "./message-form.ts";

export interface CollectionState {
  readonly name: string;
  readonly index: readonly string[];
  readonly count: number;
  /** Deleted ones have no entry. */
  readonly documents: readonly { id: string; version: number; json: string }[];
  readonly gone: readonly string[];
  /** Pages of 100 by an indexed field: the ids in their order. */
  readonly found: readonly { readonly query: FoundQuery; readonly ids: readonly string[] }[];
}

type FoundQuery = {
  readonly where?: Readonly<Record<string, string | number | boolean | null>>;
  readonly order?: string;
};

export interface EventState extends MessageForm {
  readonly sequence: number;
  readonly entity: string;
  readonly version: number;
}

export interface InputState {
  readonly consumer: string;
  readonly input: string;
  readonly progress: InputProgress["progress"] | null;
  readonly epoch: number;
  readonly lanes: readonly (readonly [lane: string, { high: number; holes: readonly number[] }])[];
  /** Ids of strangers' messages that are remembered, and some that are not. */
  readonly seen: readonly string[];
  readonly unseen: readonly string[];
  readonly parkedKeys: readonly (readonly [key: string, rows: number])[];
}

export interface LaneState {
  readonly lane: string;
  readonly rows: readonly {
    readonly epoch: number;
    readonly firstSequence: number;
    readonly messages: readonly (Omit<OutgoingMessage, "message"> & { message: MessageForm })[];
  }[];
}

export type ParkedState = Omit<ParkedMessage, "message"> & { readonly message: MessageForm };

export type TimerState = Omit<StoredTimer, "message"> & { readonly message: MessageForm };

export interface EffectState extends StoredEffect {
  readonly consumer: string;
}

/** What format 2 brought. */
export interface TimedState {
  /** By instance and name, of one consumer after the other. */
  readonly timers: readonly TimerState[];
  readonly effects: readonly EffectState[];
  /** When the next failure of an input is to be retried. */
  readonly retries: readonly { consumer: string; input: string; nextMs: number }[];
}

export interface StoreState {
  /** `user_version` of the file. */
  readonly format: number;
  readonly nowMs: number;
  readonly epoch: number;
  readonly collections: readonly CollectionState[];
  /** All events in commit order; each entity's are among them. */
  readonly events: readonly EventState[];
  readonly inputs: readonly InputState[];
  readonly lanes: readonly LaneState[];
  readonly parked: readonly ParkedState[];
  /** Absent for format 1. */
  readonly timed?: TimedState;
}

/** Asks what `expected` answers, part by part. */
export async function readStoreState(store: Store, expected: StoreState): Promise<StoreState> {
  const { format, nowMs } = expected;
  const inputs = await readInputs(store, expected.inputs);
  const events = await store.readEvents();
  return {
    format,
    nowMs,
    epoch: store.epoch,
    collections: await Promise.all(
      expected.collections.map((collection) => readCollection(store, collection)),
    ),
    events: events.map(({ message, ...place }) => ({ ...place, ...toForm(message) })),
    inputs,
    lanes: await Promise.all((await store.pendingLanes()).map((lane) => readLane(store, lane))),
    parked: (await store.listParked()).map((row) => ({ ...row, message: toForm(row.message) })),
    ...(expected.timed === undefined ? {} : { timed: await readTimed(store, expected.timed) }),
  };
}

async function readTimed(store: Store, expected: TimedState): Promise<TimedState> {
  const timers: TimerState[] = [];
  for (const consumer of new Set(expected.timers.map((timer) => timer.consumer))) {
    const listed = await store.listTimers(consumer);
    timers.push(...listed.map((timer) => ({ ...timer, message: toForm(timer.message) })));
  }
  const effects: EffectState[] = [];
  for (const consumer of new Set(expected.effects.map((effect) => effect.consumer))) {
    const messages = [...new Set(expected.effects.map(({ message }) => message))];
    const read = await store.readEffects(consumer, messages);
    const found = messages.flatMap((message) => read.get(message) ?? []);
    effects.push(...found.map((effect) => ({ consumer, ...effect })));
  }
  const retries = expected.retries.map(async ({ consumer, input }) => {
    // Nothing is due before 1970, so nothing is marked.
    const { nextMs = 0 } = await store.redriveDue(consumer, input, -1);
    return { consumer, input, nextMs };
  });
  return { timers, effects, retries: await Promise.all(retries) };
}

async function readCollection(
  store: Store,
  { name, index, documents, gone, found }: CollectionState,
): Promise<CollectionState> {
  const asked = [...documents.map(({ id }) => id), ...gone];
  const held = await store.getDocuments(name, asked);
  return {
    name,
    index,
    count: await store.countDocuments(name),
    documents: asked.flatMap((id) => held.get(id) ?? []).map((document) => ({ ...document })),
    gone: asked.filter((id) => !held.has(id)),
    found: await Promise.all(
      found.map(async ({ query }) => {
        const page = await store.findDocuments(name, query);
        return { query, ids: page.documents.map(({ id }) => id) };
      }),
    ),
  };
}

async function readInputs(store: Store, expected: readonly InputState[]): Promise<InputState[]> {
  const listed = await store.listProgress();
  return Promise.all(
    expected.map(async ({ consumer, input, seen, unseen }) => {
      const { progress, epoch, lanes } = await store.readProgress(consumer, input);
      const known = await store.seenIds(consumer, input, [...seen, ...unseen]);
      const inList = listed.some((row) => row.consumer === consumer && row.input === input);
      return {
        consumer,
        input,
        progress: inList ? progress : null,
        epoch,
        lanes: [...lanes].map(([lane, { high, holes }]) => [lane, { high, holes }] as const),
        seen: seen.filter((id) => known.has(id)),
        unseen: unseen.filter((id) => !known.has(id)),
        parkedKeys: [...(await store.parkedKeys(consumer, input))],
      };
    }),
  );
}

async function readLane(store: Store, lane: string): Promise<LaneState> {
  const rows: readonly OutboxRow[] = await store.readOutbox(lane, 1_000);
  return {
    lane,
    rows: rows.map(({ epoch, firstSequence, messages }) => ({
      epoch,
      firstSequence,
      messages: messages.map(({ message, ...rest }) => ({ ...rest, message: toForm(message) })),
    })),
  };
}
