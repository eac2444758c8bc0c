/**
 * What services declare and share: message types, streams and queues. The constructors stand in
 * `message-type.ts` and `channel.ts`; this page holds their types.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { CommandDraft, Draft, DraftKind } from "../model/message.ts";
import type { DedupeWindow, Durability, Retention } from "../model/durability.ts";

/** A payload's JSON Schema, or the reason why there is none; see `structure.ts`. */
export type Structure =
  | { readonly known: true; readonly jsonSchema: JsonSchema }
  /** `why` completes the sentence "the structure is unknown: …". */
  | { readonly known: false; readonly why: string };

/** A JSON Schema document, draft 2020-12, as far as Millrace looks into it. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/**
 * A message type: call it to make a draft. `Input` is what constructors take and the wire stores,
 * `Output` is what handlers get.
 */
export interface MessageType<Type extends string = string, Input = any, Output = any> {
  (data: Input): Draft<Type, Input, this["kind"]>;
  readonly kind: DraftKind;
  readonly type: Type;
  readonly version: number;
  readonly schema: StandardSchemaV1<Input, Output>;
  readonly jsonSchema: JsonSchema | undefined;
  /** The partition key, taken from validated data; undefined for keyless types. */
  readonly key: ((data: Output) => string) | undefined;
  /** From each older version to the next: `upcast[1]` turns a version 1 payload into version 2. */
  readonly upcast: Upcasters;
  /** Where `jsonSchema` comes from, or why there is none; computed when first asked for. */
  readonly structure: Structure;
}

/** What an older payload looks like is known to nobody but its upcaster. */
export type Upcasters = Readonly<Record<number, (old: any) => unknown>>;

export interface EventType<
  Type extends string = string,
  Input = any,
  Output = any,
> extends MessageType<Type, Input, Output> {
  readonly kind: "event";
}

/** `Code` names the refusals that it declares, `Reply` is what its handler answers with. */
export interface CommandType<
  Type extends string = string,
  Input = any,
  Output = any,
  Code extends string = string,
  Reply = any,
> extends MessageType<Type, Input, Output> {
  (data: Input): CommandDraft<Type, Input, Code, Reply>;
  readonly kind: "command";
  /** The codes with which a handler may refuse it. */
  readonly refuses: readonly Code[];
  /** The schema of the answer; undefined for a command that is answered with its success alone. */
  readonly replies: StandardSchemaV1<Reply> | undefined;
}

/** What a saga sets to be reminded of: private to the service, never on a stream or queue. */
export interface TimerType<
  Type extends string = string,
  Input = any,
  Output = any,
> extends MessageType<Type, Input, Output> {
  readonly kind: "timer";
}

/** Message types by the name under which handlers are written. */
export type EventTypes = Readonly<Record<string, EventType>>;
export type CommandTypes = Readonly<Record<string, CommandType>>;
export type TimerTypes = Readonly<Record<string, TimerType>>;

export type OutputOf<Type extends MessageType> =
  Type extends MessageType<string, any, infer Output> ? Output : never;
export type InputOf<Type extends MessageType> =
  Type extends MessageType<string, infer Input> ? Input : never;

/** The refusals that a command declares. */
export type RefusalOf<Type extends MessageType> =
  Type extends CommandType<string, any, any, infer Code> ? Code : never;
/** What a command's handler answers with; void where its success says all. */
export type ReplyOf<Type extends MessageType> =
  Type extends CommandType<string, any, any, any, infer Reply> ? Reply : void;
/** The draft that a message type's constructor returns. */
export type DraftOf<Type extends MessageType> =
  Type extends MessageType<infer Name, infer Input> ? Draft<Name, Input, Type["kind"]> : never;

export interface StreamDeclaration<Events extends EventTypes = EventTypes> {
  readonly kind: "stream";
  readonly name: string;
  readonly types: Events;
  readonly partitions: number;
  readonly retention: Retention;
  readonly durability: Durability;
  readonly dedupe: DedupeWindow;
}

export interface QueueDeclaration<Commands extends CommandTypes = CommandTypes> {
  readonly kind: "queue";
  readonly name: string;
  readonly types: Commands;
  readonly attempts: number;
  readonly leaseMs: number;
  readonly depthMax: number;
  readonly keyOrder: boolean;
  readonly durability: Durability;
  readonly dedupe: DedupeWindow;
}

/** A queue that carries a stream's events to one reader; see `subscription.ts`. */
export interface SubscriptionDeclaration<Events extends EventTypes = EventTypes> extends Omit<
  QueueDeclaration,
  "types"
> {
  readonly types: Events;
  /** How events come into it. */
  readonly feed: SubscriptionFeed;
}

export interface SubscriptionFeed {
  readonly stream: StreamDeclaration;
  /** `router`: only what the rules of a router send there. */
  readonly by: "subscription" | "router";
  /** Wire types that it admits. */
  readonly admits: ReadonlySet<string>;
  readonly where?: RoutingCondition;
  readonly set?: AttributeChange;
}

/** What is known of a message before its payload is decoded. */
export interface RoutingFacts {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly source: string;
  readonly key: string | undefined;
  readonly time: number;
  readonly actor: string | undefined;
  readonly attributes: Attributes;
}

/** CloudEvents attributes beyond the standard ones; names of a-z and 0-9. */
export type Attributes = Readonly<Record<string, string>>;

/** What an attribute must be; all that are named must hold. */
export type AttributeMatch = Readonly<Record<string, AttributeTest>>;

export type AttributeTest =
  | string
  | readonly string[]
  | { readonly prefix: string }
  | { readonly exists: boolean }
  /** Also where there is no such attribute. */
  | { readonly not: string | readonly string[] };

/** A condition on the payload means decoding it; one on attributes does not. */
export type RoutingCondition<Data = any> =
  | AttributeMatch
  | ((data: Data, facts: RoutingFacts) => boolean);

/** Attributes to add or replace. */
export type AttributeChange<Data = any> =
  | Attributes
  | ((data: Data, facts: RoutingFacts) => Attributes);

export type QueueChannel = QueueDeclaration | SubscriptionDeclaration;
export type Channel = StreamDeclaration | QueueChannel;

export function isSubscription(channel: Channel): channel is SubscriptionDeclaration {
  return "feed" in channel;
}
