/** What a decider's functions take and return, worked out from what it declares. */

import type { Evolve } from "../model/fold.ts";
import type {
  DraftOf,
  EventTypes,
  MessageType,
  OutputOf,
  QueueDeclaration,
  RefusalOf,
  ReplyOf,
  StreamDeclaration,
} from "../schema/declaration.ts";
import type { Refusal, Reply } from "../service/ask/answer.ts";
import type {
  ConsumerOptions,
  HandlerContext,
  ItemOf,
  NamesOf,
} from "../service/consumer/handler-types.ts";
import type { FailurePolicy } from "../service/part.ts";

type OneOrMany<Item> = Item | readonly Item[];

/** What a decider decides about, and what it decides. */
export interface DeciderShape {
  /** The queue that carries its commands; each needs a key, which names the entity. */
  readonly commands: QueueDeclaration;
  /** Its events, kept in the service's store. */
  readonly events: EventTypes;
  /** The streams that it publishes to. Events that one of them carries go there as they are. */
  readonly publishes?: OneOrMany<StreamDeclaration>;
}

export interface DeciderSettings<State> {
  /** The state of an entity before its first event. */
  readonly initial: State;
  readonly policy?: Partial<FailurePolicy>;
  /** Entities decided on at one time; 1,024 unless said. */
  readonly concurrency?: number;
}

/** Refuses a misspelt option, which a type parameter alone would let through. */
export type KnownDeciderOptions<Options> = {
  readonly [
    Name in Exclude<keyof Options, keyof DeciderShape | keyof DeciderSettings<unknown>>
  ]: never;
};

/** Folds by the names of the events; an event without one leaves the state as it is. */
export type Evolvers<Events extends EventTypes, State> = {
  readonly [Name in keyof Events]?: Evolve<State, OutputOf<Events[Name]>>;
};

/** What a decision may know beside command and state; all of it is the same when it is made again. */
export interface DecideContext {
  /** The command's id. */
  readonly id: string;
  /** The moment of the decision, in milliseconds since 1970. */
  readonly now: number;
  /** On whose behalf the command was sent. */
  readonly actor: string | undefined;
  /** A new UUIDv7. */
  readonly newId: () => string;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
}

type DraftsOf<Types> = Types[keyof Types] extends infer Type
  ? Type extends MessageType
    ? DraftOf<Type>
    : never
  : never;

/** The events of a command, or its refusal; a command with a declared reply is answered by `reply`. */
export type Decided<Command extends MessageType, Events extends EventTypes> =
  | Refusal<RefusalOf<Command>>
  | ([ReplyOf<Command>] extends [void]
      ? OneOrMany<DraftsOf<Events>> | void
      : Reply<ReplyOf<Command>, DraftsOf<Events>> | Reply<ReplyOf<Command>>);

/** A decision for every command of the queue, because somebody must answer it. */
export type Deciders<Shape extends DeciderShape, State> = {
  readonly [Name in keyof Shape["commands"]["types"]]: (
    command: OutputOf<Shape["commands"]["types"][Name]>,
    state: State,
    context: DecideContext,
  ) => Decided<Shape["commands"]["types"][Name], Shape["events"]>;
};

type Published<Shape> = Shape extends { readonly publishes: infer Streams }
  ? ItemOf<Streams>
  : never;

export interface PublishContext<State> {
  /** The event's id. */
  readonly id: string;
  readonly time: number;
  /** The entity's key. */
  readonly key: string;
  /** The entity's state after the event. */
  readonly state: State;
}

type PublishedDrafts<Shape> =
  Published<Shape> extends infer Stream
    ? Stream extends StreamDeclaration
      ? DraftsOf<Stream["types"]>
      : never
    : never;

/** Public events for private ones, by the private ones' names. */
export type Publications<Shape extends DeciderShape, State> = {
  readonly [Name in Exclude<keyof Shape["events"], NamesOf<Published<Shape>>>]?: (
    event: OutputOf<Shape["events"][Name]>,
    context: PublishContext<State>,
  ) => OneOrMany<PublishedDrafts<Shape>> | void;
};

/** What domain-event handlers may touch beside the decider's own events. */
export type DomainOptions = Pick<ConsumerOptions, "docs" | "publishes" | "sends">;

/** As a consumer's, without what reaches outside the unit of work. */
export type DomainContext<Options> = Omit<HandlerContext<Options>, "effect" | "signal">;

/** Handlers that run in the unit of work of the command whose decision the event is. */
export type DomainHandlers<Events extends EventTypes, Options> = {
  readonly [Name in keyof Events]?: (
    event: OutputOf<Events[Name]>,
    context: DomainContext<Options>,
  ) => void | Promise<void>;
};
