/**
 * Messages, in the three forms in which they travel.
 *
 * A **draft** is what user code makes: a type and its data, nothing else. Stamping a draft gives it
 * an **envelope** (identity, time, cause). On a wire and in a log the pair is a **raw message**:
 * headers and bytes, which a reader must not trust before it has decoded them.
 */

import type { Envelope } from "./envelope.ts";

declare const draftKind: unique symbol;
declare const draftAnswer: unique symbol;

/** What user code may make; replies are made by the runtime. */
export type DraftKind = "event" | "command" | "timer";

/** What a message constructor returns. Two drafts are equal when type and data are. */
export interface Draft<
  Type extends string = string,
  Data = unknown,
  Kind extends DraftKind = DraftKind,
> {
  readonly type: Type;
  /** In the form of the schema's input, which is also what the wire stores. */
  readonly data: Data;
  /** For the compiler alone: an event cannot be sent, nor a command published. Never set. */
  readonly [draftKind]?: Kind;
}

/** A command's draft knows how the command may be answered. */
export interface CommandDraft<
  Type extends string = string,
  Data = unknown,
  Code extends string = string,
  Reply = unknown,
> extends Draft<Type, Data, "command"> {
  /** For the compiler alone. Never set. */
  readonly [draftAnswer]?: { readonly code: Code; readonly reply: Reply };
}

/** A message with its identity. `Data` is in the form of the schema's output once decoded. */
export interface Message<Data = unknown> {
  readonly envelope: Envelope;
  readonly data: Data;
  /** As it came: there for parts that pass messages on, so that not a byte of the payload changes. */
  readonly raw?: RawMessage;
}

/** A header's value is text where the bytes are valid UTF-8, and otherwise the bytes themselves. */
export type Header = readonly [name: string, value: string | Uint8Array];

/**
 * A message as brokers and logs carry it. Nothing in it is validated.
 *
 * `key` is the partition key (and the address of order); null where the message has none.
 * Headers keep their order and may repeat a name, as Kafka allows.
 */
export interface RawMessage {
  readonly key: string | Uint8Array | null;
  readonly headers: readonly Header[];
  /** Null is Kafka's tombstone. */
  readonly value: Uint8Array | null;
}
