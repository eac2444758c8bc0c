/** What a consumer's handlers take, worked out from what it declares. */

import type { FoldContext } from "../../model/fold.ts";
import type {
  Attributes,
  Channel,
  DraftOf,
  MessageType,
  OutputOf,
  QueueDeclaration,
  RefusalOf,
  ReplyOf,
  StreamDeclaration,
  SubscriptionFeed,
} from "../../schema/declaration.ts";
import type { Refusal, Reply } from "../ask/answer.ts";
import type { Effect } from "../effects/effect-calls.ts";
import type { FailurePolicy } from "../part.ts";
import type { DocumentDeclaration } from "./document.ts";

type OneOrMany<Item> = Item | readonly Item[];
export type ItemOf<List> = List extends readonly (infer Item)[] ? Item : List;

export interface ConsumerOptions {
  /** The streams and queues that it reads. */
  readonly from: OneOrMany<Channel>;
  /** The streams that it may emit to. The service that publishes to a stream owns it. */
  readonly publishes?: OneOrMany<StreamDeclaration>;
  /** The queues that it may emit commands to. */
  readonly sends?: OneOrMany<QueueDeclaration>;
  /** Documents that it keeps, by the name under which handlers get them. */
  readonly docs?: Readonly<Record<string, DocumentDeclaration>>;
  readonly policy?: Partial<FailurePolicy>;
  /** Keys handled at one time, per partition or queue; 64 unless said. */
  readonly concurrency?: number;
  /** Where it begins on a stream that it never read; `earliest` unless said. */
  readonly start?: "earliest" | "latest";
}

/** Refuses a misspelt option, which a type parameter alone would let through. */
export type KnownOptions<Options> = {
  readonly [Name in Exclude<keyof Options, keyof ConsumerOptions>]: never;
};

/** What a channel carries, or a decider's own events. */
type TypesOf<Sources> = Sources extends Channel
  ? Sources["types"]
  : Sources extends { readonly partKind: "decider"; readonly events: infer Events }
    ? Events
    : never;

/** Each handler name with the message type that it stands for. */
export type NamesOf<Channels> = TypesOf<Channels> extends infer Types ? KeysOfEach<Types> : never;
type KeysOfEach<Types> = Types extends unknown ? keyof Types & string : never;
type NamedType<Types, Name extends string> =
  Types extends Readonly<Record<Name, infer Type>> ? Type : never;

/** The payload that a handler of this name gets. */
export type DataOf<Channels, Name extends string> =
  NamedType<TypesOf<Channels>, Name> extends infer Type
    ? Type extends MessageType
      ? OutputOf<Type>
      : never
    : never;

/** Names that two of the channels carry: a handler could not tell which was meant. */
export type SharedNames<List> = List extends readonly [infer First, ...infer Rest]
  ? (NamesOf<First> & NamesOf<Rest[number]>) | SharedNames<Rest>
  : never;

/** Compiles only where no two channels share a handler name. */
export type DistinctNames<From> = [SharedNames<From>] extends [never]
  ? unknown
  : { readonly from: `two channels carry ${SharedNames<From>}` };

/** What carries events: streams and subscriptions. */
type EventsIn<Channels> = Extract<
  Channels,
  { readonly kind: "stream" } | { readonly feed: SubscriptionFeed }
>;
type QueuesIn<Channels> = Exclude<
  Extract<Channels, { readonly kind: "queue" }>,
  { readonly feed: SubscriptionFeed }
>;

type Emittable<Options> =
  | (Options extends { readonly publishes: infer List } ? ItemOf<List> : never)
  | (Options extends { readonly sends: infer List } ? ItemOf<List> : never);
type DraftsOf<Channels> =
  TypesOf<Channels> extends infer Types
    ? Types extends unknown
      ? Types[keyof Types] extends infer Type
        ? Type extends MessageType
          ? DraftOf<Type>
          : never
        : never
      : never
    : never;

/** Documents of one kind, as one handler call sees and changes them. */
export interface DocumentAccess<Data> {
  /** The document, with what this unit of work has put; undefined where there is none. */
  get(id: string): Promise<Data | undefined>;
  /** Writes the document when the handler's work is committed. Throws BAD_PAYLOAD, TOO_LARGE. */
  put(id: string, data: Data): void;
  /** Removes the document when the handler's work is committed. */
  delete(id: string): void;
}

type DocsOf<Options> = Options extends { readonly docs: infer Docs }
  ? {
      readonly [Name in keyof Docs]: Docs[Name] extends DocumentDeclaration<infer Data>
        ? DocumentAccess<Data>
        : never;
    }
  : Readonly<Record<string, never>>;

export interface HandlerContext<Options> extends FoldContext {
  /** The message's key; undefined for a keyless one. */
  readonly key: string | undefined;
  /** Aborts when the work shall end unfinished: pass it on to whatever is called. */
  readonly signal: AbortSignal;
  /** On whose behalf the message was sent. */
  readonly actor: string | undefined;
  /** CloudEvents attributes beyond the standard ones, with those that a subscription or router set. */
  readonly attributes: Attributes;
  /** Which try at the message this is: 1 at the first. */
  readonly attempt: number;
  /**
   * Publishes or sends when the handler's work is committed, together with its documents or not at
   * all. It takes no attributes: what readers shall know stands in the payload, and a subscription's
   * or router's `set` makes attributes of it. Throws BAD_PAYLOAD naming the field, TOO_LARGE.
   */
  readonly emit: (draft: DraftsOf<Emittable<Options>>) => void;
  /**
   * Calls the outside world and records what it answered, under a name that is unique within the
   * handling of the message: `await effect("charge", (how) => bank.charge(card, how))`. Handling the
   * message again returns the recorded answer without calling. Where none was recorded, because a
   * crash came between, the call is made again with the same idempotency key.
   *
   * The answer must be plain JSON data; nothing counts as null. Throws what the call throws,
   * BAD_PAYLOAD, TOO_LARGE, BAD_ARGUMENT for a name used twice, and, in a replay, EFFECT_NOT_RECORDED.
   */
  readonly effect: Effect;
  /** The moment of the handling; milliseconds since 1970. The message's own is `time`. */
  readonly now: number;
  /** A UUIDv7 that is the same whenever this message is handled: a repeat makes no second thing. */
  readonly newId: () => string;
  /** From 0 up to, not including, 1; as repeatable as the ids. */
  readonly random: () => number;
  readonly docs: DocsOf<Options>;
}

type Handler<Data, Options, Result = void> = (
  data: Data,
  context: HandlerContext<Options>,
) => Result | Promise<Result>;

/** What a command's handler may answer with: what the command declares, and its refusals. */
type AnswerOf<Channels, Name extends string> =
  NamedType<TypesOf<Channels>, Name> extends infer Type
    ? Type extends MessageType
      ? ReplyOf<Type> | Reply<ReplyOf<Type>> | Refusal<RefusalOf<Type>>
      : void
    : void;

/** Queue handlers are total, because a command is a wish that somebody must answer; others partial. */
export type Handlers<Options extends ConsumerOptions> = {
  readonly [Name in NamesOf<QueuesIn<ItemOf<Options["from"]>>>]: Handler<
    DataOf<QueuesIn<ItemOf<Options["from"]>>, Name>,
    Options,
    AnswerOf<QueuesIn<ItemOf<Options["from"]>>, Name>
  >;
} & {
  readonly [Name in NamesOf<EventsIn<ItemOf<Options["from"]>>>]?: Handler<
    DataOf<EventsIn<ItemOf<Options["from"]>>, Name>,
    Options
  >;
};
