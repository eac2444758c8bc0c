/** `stream` and `queue`: where declared messages travel. */

import type { DedupeWindow, Durability, Retention } from "../model/durability.ts";
import { LIMITS } from "../model/limits.ts";
import type {
  CommandTypes,
  EventTypes,
  MessageType,
  QueueDeclaration,
  StreamDeclaration,
} from "./declaration.ts";
import { byteCount, durationMs, type ByteSize, type Duration } from "./duration.ts";
import { checkName, checkOptionNames, checkWholeNumber, refuse } from "./refusal.ts";

/** How safely messages are kept: synced before acknowledged (default), every so often, or never. */
export type DurabilityOption = "fsync" | "memory" | { readonly interval: Duration };

/** How many ids are remembered and how long, so that one sent twice counts once; false: none. */
export type DedupeOption = false | { readonly count: number; readonly age: Duration };

export interface StreamOptions {
  /** A message may go when any limit is passed; nothing ever goes unless said. */
  readonly keep?:
    | Duration
    | {
        readonly age?: Duration;
        /** Per partition. */
        readonly bytes?: ByteSize;
        /** Messages per partition. */
        readonly count?: number;
      };
  /** Fixed for the stream's life, because a key's partition depends on it; 6 unless said. */
  readonly partitions?: number;
  readonly durability?: DurabilityOption;
  /** 100,000 ids and 10 minutes unless said. */
  readonly dedupe?: DedupeOption;
}

export interface QueueOptions {
  /** Deliveries before a message becomes a dead letter; 5 unless said. */
  readonly attempts?: number;
  /** How long a consumer has a message for itself, unless it extends it; 30 seconds unless said. */
  readonly lease?: Duration;
  /** Messages in the queue at one time; sends beyond it fail with QUEUE_FULL. A million unless said. */
  readonly depth?: number;
  /** Messages of one key are delivered one after another. Needs a broker that can. */
  readonly keyOrder?: boolean;
  readonly durability?: DurabilityOption;
  /** 100,000 ids and 10 minutes unless said. */
  readonly dedupe?: DedupeOption;
}

const PARTITIONS = 6;
const DEDUPE: DedupeWindow = { count: 100_000, ms: 600_000 };
const ATTEMPTS = 5;
const LEASE_MS = 30_000;
const DEPTH_MAX = 1_000_000;

/**
 * Declares a stream: a partitioned, retained, replayable log of the given events. The names are the
 * ones under which handlers are written.
 *
 * Throws BAD_DECLARATION for a bad name, an option out of range, and two events of one wire type.
 */
export function stream<const Events extends EventTypes>(
  name: string,
  events: Events,
  options: StreamOptions = {},
): StreamDeclaration<Events> {
  checkName(name, "stream");
  const what = `stream "${name}"`;
  checkOptionNames(options, what, ["keep", "partitions", "durability", "dedupe"]);
  checkTypes(what, "event", events);
  const partitions = options.partitions ?? PARTITIONS;
  checkWholeNumber(partitions, `the number of partitions of ${what}`, {
    min: 1,
    max: LIMITS.partitionsMax,
  });
  return Object.freeze({
    kind: "stream",
    name,
    types: Object.freeze({ ...events }),
    partitions,
    retention: retentionOf(what, options.keep),
    durability: durabilityOf(what, options.durability),
    dedupe: dedupeOf(what, options.dedupe),
  });
}

/**
 * Declares a queue: the one address of the given commands, each of which is consumed once.
 *
 * Throws BAD_DECLARATION like `stream`.
 */
export function queue<const Commands extends CommandTypes>(
  name: string,
  commands: Commands,
  options: QueueOptions = {},
): QueueDeclaration<Commands> {
  checkName(name, "queue");
  const what = `queue "${name}"`;
  checkOptionNames(options, what, QUEUE_OPTIONS);
  checkTypes(what, "command", commands);
  return Object.freeze({
    kind: "queue",
    name,
    types: Object.freeze({ ...commands }),
    ...queueSettings(what, options),
  });
}

export const QUEUE_OPTIONS: readonly (keyof QueueOptions)[] = [
  "attempts",
  "lease",
  "depth",
  "keyOrder",
  "durability",
  "dedupe",
];

/** What a queue is beside its name and types. Throws BAD_DECLARATION for an option out of range. */
export function queueSettings(
  what: string,
  options: QueueOptions,
): Omit<QueueDeclaration, "kind" | "name" | "types"> {
  const attempts = options.attempts ?? ATTEMPTS;
  checkWholeNumber(attempts, `the number of attempts of ${what}`, { min: 1, max: 1_000 });
  const depthMax = options.depth ?? DEPTH_MAX;
  checkWholeNumber(depthMax, `the depth of ${what}`, { min: 1, max: 1e9 });
  return {
    attempts,
    leaseMs:
      options.lease === undefined ? LEASE_MS : durationMs(options.lease, `the lease of ${what}`),
    depthMax,
    keyOrder: options.keyOrder ?? false,
    durability: durabilityOf(what, options.durability),
    dedupe: dedupeOf(what, options.dedupe),
  };
}

function checkTypes(
  what: string,
  kind: "event" | "command",
  types: Readonly<Record<string, MessageType>>,
): void {
  const nameByType = new Map<string, string>();
  for (const [name, declared] of Object.entries(types)) {
    if (declared?.kind !== kind) {
      const remedy = kind === "event" ? "commands go to a queue" : "events go to a stream";
      refuse(`${what} takes ${kind}s, and ${name} is ${kindOf(declared)}; ${remedy}`);
    }
    const earlier = nameByType.get(declared.type);
    if (earlier !== undefined) {
      refuse(
        `${what} has the type "${declared.type}" twice, as ${earlier} and ${name}; rename one type or remove it`,
      );
    }
    nameByType.set(declared.type, name);
  }
  if (nameByType.size === 0)
    refuse(`${what} carries no ${kind}; name at least one as second argument`);
}

function kindOf(declared: MessageType | undefined): string {
  if (declared?.kind === "event") return "an event";
  return declared?.kind === "command" ? "a command" : typeof declared;
}

function retentionOf(what: string, keep: StreamOptions["keep"]): Retention {
  if (keep === undefined) return {};
  if (typeof keep === "string") return { ageMs: durationMs(keep, `keep of ${what}`) };
  checkOptionNames(keep, `keep of ${what}`, ["age", "bytes", "count"]);
  const { age, bytes, count } = keep;
  if (count !== undefined) {
    checkWholeNumber(count, `keep.count of ${what}`, { min: 1, max: Number.MAX_SAFE_INTEGER });
  }
  return {
    ...(age !== undefined && { ageMs: durationMs(age, `keep.age of ${what}`) }),
    ...(bytes !== undefined && { bytes: byteCount(bytes, `keep.bytes of ${what}`) }),
    ...(count !== undefined && { count }),
  };
}

function durabilityOf(what: string, option: DurabilityOption = "fsync"): Durability {
  if (option === "fsync" || option === "memory") return { mode: option };
  if (typeof option !== "object" || option === null || !("interval" in option)) {
    refuse(
      `durability of ${what} is ${JSON.stringify(option)}; write "fsync", "memory" or { interval: "100ms" }`,
    );
  }
  checkOptionNames(option, `durability of ${what}`, ["interval"]);
  return {
    mode: "interval",
    intervalMs: durationMs(option.interval, `durability.interval of ${what}`),
  };
}

/** Off is a window of nothing, so that brokers need no second way to say it. */
function dedupeOf(what: string, option: DedupeOption | undefined): DedupeWindow {
  if (option === undefined) return DEDUPE;
  if (option === false) return { count: 0, ms: 0 };
  checkOptionNames(option, `dedupe of ${what}`, ["count", "age"]);
  checkWholeNumber(option.count, `dedupe.count of ${what}`, { min: 1, max: 10_000_000 });
  return { count: option.count, ms: durationMs(option.age, `dedupe.age of ${what}`) };
}
