/** What the services of the cases are made of. The schemas are of no library, so any project has them. */

import { queue, stream } from "../../schema/channel.ts";
import type {
  CommandType,
  EventType,
  JsonSchema,
  MessageType,
  QueueDeclaration,
  StreamDeclaration,
} from "../../schema/declaration.ts";
import { command, event } from "../../schema/message-type.ts";
import { consumer, type Consumer } from "../../service/consumer/consumer.ts";
import type { DocumentAccess } from "../../service/consumer/handler-types.ts";
import { document, type DocumentDeclaration } from "../../service/consumer/document.ts";
import type { FailurePolicy } from "../../service/part.ts";
import type { LawStage } from "./stage.ts";

export type Schema<Data> = MessageType<string, Data, Data>["schema"];
type Fields<Data> = Readonly<Record<keyof Data & string, "string" | "number">>;

/** A schema of flat data, whose issues name the field. */
export function record<Data extends object>(fields: Fields<Data>): Schema<Data> {
  const expected = Object.entries<string>(fields);
  return {
    "~standard": {
      version: 1,
      vendor: "millrace",
      validate: (value: any) => {
        const issues = expected
          .filter(([field, type]) => typeof value?.[field] !== type)
          .map(([field, type]) => ({ message: `expected a ${type}`, path: [field] }));
        return issues.length === 0 ? { value } : { issues };
      },
    },
  };
}

/** The structure of such a schema, for contracts. */
export function structure<Data extends object>(fields: Fields<Data>): JsonSchema {
  return {
    type: "object",
    properties: Object.fromEntries(
      Object.entries<string>(fields).map(([field, type]) => [field, { type }]),
    ),
    required: Object.keys(fields),
  };
}

export interface Item {
  readonly key: string;
  readonly n: number;
}

export const item: Schema<Item> = record<Item>({ key: "string", n: "number" });
export const byKey: { readonly key: (data: Item) => string; readonly jsonSchema: JsonSchema } = {
  key: ({ key }) => key,
  jsonSchema: structure<Item>({ key: "string", n: "number" }),
};

export const Counted: EventType<"counted", Item, Item> = event("counted", item, byKey);
export const counts: StreamDeclaration<{ readonly Counted: typeof Counted }> = stream(
  "counts",
  { Counted },
  { partitions: 2 },
);
/** Without the broker's window of ids, so that what comes twice also arrives twice. */
export const repeats: typeof counts = stream(
  "repeats",
  { Counted },
  { partitions: 2, dedupe: false },
);
export const Echoed: EventType<"echoed", Item, Item> = event("echoed", item, byKey);
export const echoes: StreamDeclaration<{ readonly Echoed: typeof Echoed }> = stream(
  "echoes",
  { Echoed },
  { partitions: 2, dedupe: false },
);
export const Work: CommandType<"work", Item, Item, never, void> = command("work", item, byKey);
export const work: QueueDeclaration<{ readonly Work: typeof Work }> = queue(
  "work",
  { Work },
  { attempts: 3, dedupe: false },
);
export const ordered: typeof work = queue(
  "ordered",
  { Work },
  { attempts: 3, keyOrder: true, dedupe: false },
);

/** The numbers that came for a key, in the order in which they took effect. */
export const trail: DocumentDeclaration<{ readonly ns: readonly number[] }> = document("trail");

export function items(count: number, keys: readonly string[] = ["a", "b", "c"], from = 0): Item[] {
  return Array.from({ length: count }, (_, index) => ({
    key: keys[index % keys.length]!,
    n: from + index,
  }));
}

export interface KeeperOptions {
  /** What is done before an item is noted; what it throws is the handler's failure. */
  readonly before?: (item: Item, call: KeeperCall) => unknown;
  readonly policy?: Partial<FailurePolicy>;
  readonly concurrency?: number;
}

export interface KeeperCall {
  readonly id: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

interface Docs {
  readonly trail: DocumentAccess<{ readonly ns: readonly number[] }>;
}

function keeping({ before = () => undefined }: KeeperOptions) {
  return async ({ key, n }: Item, call: KeeperCall & { readonly docs: Docs }): Promise<void> => {
    await before({ key, n }, call);
    const { ns } = (await call.docs.trail.get(key)) ?? { ns: [] };
    call.docs.trail.put(key, { ns: [...ns, n] });
  };
}

/** A consumer "keeper" that notes each item of a stream in the trail of its key. */
export function streamKeeper(from: typeof counts, options: KeeperOptions = {}): Consumer {
  const { policy = {}, concurrency = 64 } = options;
  return consumer("keeper", { from, docs: { trail }, policy, concurrency }).handle({
    Counted: keeping(options),
  });
}

/** The same of a queue. */
export function queueKeeper(from: typeof work, options: KeeperOptions = {}): Consumer {
  const { policy = {}, concurrency = 64 } = options;
  return consumer("keeper", { from, docs: { trail }, policy, concurrency }).handle({
    Work: keeping(options),
  });
}

/** What took effect so far, by key. */
export async function trailsOf(
  { store, time }: LawStage,
  keys: readonly string[] = ["a", "b", "c"],
): Promise<Readonly<Record<string, readonly number[]>>> {
  const found = await time.until(store.getDocuments(trail.collection, keys));
  return Object.fromEntries([...found].map(([key, { json }]) => [key, JSON.parse(json).ns]));
}

/** The same where nothing is said of the order, as of queues without key order. */
export async function sortedTrailsOf(
  stage: LawStage,
  keys?: readonly string[],
): Promise<Readonly<Record<string, readonly number[]>>> {
  const sorted = Object.entries(await trailsOf(stage, keys)).map(
    ([key, ns]) => [key, ns.toSorted((one, other) => one - other)] as const,
  );
  return Object.fromEntries(sorted);
}

/** The trails that these items must leave: each once, each key in order. */
export function trailsFor(all: readonly Item[]): Readonly<Record<string, readonly number[]>> {
  const trails: Record<string, number[]> = {};
  for (const { key, n } of all) (trails[key] ??= []).push(n);
  return trails;
}
