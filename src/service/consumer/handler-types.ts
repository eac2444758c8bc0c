/** What a consumer's handlers take, worked out from what it declares. */

import type { FoldContext } from "../../model/fold.ts";
import type {
  Channel,
  DraftOf,
  MessageType,
  OutputOf,
  QueueDeclaration,
  StreamDeclaration,
} from "../../schema/declaration.ts";
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

type TypesOf<Channels> = Channels extends Channel ? Channels["types"] : never;

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

type StreamsIn<Channels> = Extract<Channels, { readonly kind: "stream" }>;
type QueuesIn<Channels> = Extract<Channels, { readonly kind: "queue" }>;

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
  /**
   * Publishes or sends when the handler's work is committed, together with its documents or not at
   * all. Throws BAD_PAYLOAD naming the field, TOO_LARGE.
   */
  readonly emit: (draft: DraftsOf<Emittable<Options>>) => void;
  readonly docs: DocsOf<Options>;
}

type Handler<Data, Options> = (
  data: Data,
  context: HandlerContext<Options>,
) => void | Promise<void>;

/** Queue handlers are total, because a command is a wish that somebody must answer; others partial. */
export type Handlers<Options extends ConsumerOptions> = {
  readonly [Name in NamesOf<QueuesIn<ItemOf<Options["from"]>>>]: Handler<
    DataOf<QueuesIn<ItemOf<Options["from"]>>, Name>,
    Options
  >;
} & {
  readonly [Name in NamesOf<StreamsIn<ItemOf<Options["from"]>>>]?: Handler<
    DataOf<StreamsIn<ItemOf<Options["from"]>>, Name>,
    Options
  >;
};
