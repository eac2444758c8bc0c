/**
 * The envelope: everything that is known of a message beside its payload.
 *
 * The fields marked reserved are part of the format from the first version on, so that logs written
 * today can be read by the releases that use them. `envelope.golden.json` beside the test keeps the
 * format: a change that breaks it breaks every log in the field.
 *
 * On every wire and in the log an envelope is CloudEvents 1.0 (see `codecs/cloudevents`).
 */

/**
 * An event is a fact, a command is a wish with one address, a reply is the answer to a command. A timer
 * is what a saga sets for itself: it stays in the service's store, and is seen by tools alone.
 */
export type MessageKind = "event" | "command" | "reply" | "timer";

/** W3C trace context. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/**
 * Where a message stands in its source's ordered output: fixed in the commit that decided the
 * message, so a relay that publishes it twice publishes the same place twice.
 */
export interface LanePlace {
  /** Grows by one when a source's store was restored from a backup. */
  readonly epoch: number;
  readonly lane: string;
  /** From 0, by one, without gaps, within (source, epoch, lane). */
  readonly sequence: number;
}

export interface Envelope {
  /** UUIDv7, stamped once; a redelivery, a redrive and a replay keep it. Strangers may use any text. */
  readonly id: string;
  /** Names the schema: `order.placed`. Not the partition key. */
  readonly type: string;
  readonly kind: MessageKind;
  /** The version of the schema that the payload was written with, from 1. */
  readonly version: number;
  /** The service that published. */
  readonly source: string;
  /** What the message is about: the partition key, CloudEvents' `subject`. */
  readonly key?: string;
  /** When it happened, in milliseconds since 1970: event time, not the time of appending. */
  readonly time: number;
  /** The media type of the payload; `application/json` unless said. */
  readonly contentType?: string;
  /** The id of the first message of the whole conversation. */
  readonly correlation?: string;
  /** The id of the message that caused this one. */
  readonly causation?: string;
  /** On whose behalf. */
  readonly actor?: string;
  readonly trace?: TraceContext;
  /** The address for the reply to a command. */
  readonly replyTo?: string;
  /** After this moment the message is no longer wanted; milliseconds since 1970. */
  readonly expires?: number;
  /** The id of the event that this one corrects. */
  readonly corrects?: string;
  /** How often delivery was tried before, where the broker keeps no count itself. */
  readonly attempt?: number;
  readonly place?: LanePlace;
  /** Reserved: the names of encrypted top-level fields of the payload, and the key's id. */
  readonly encrypted?: { readonly fields: readonly string[]; readonly keyId: string };
  /** Reserved: the hash of the previous message of the same chain, in hexadecimal digits. */
  readonly previousHash?: string;
  /** CloudEvents attributes of strangers that have no field above, kept as they came. */
  readonly extensions?: Readonly<Record<string, string>>;
}
