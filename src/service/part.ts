/**
 * A part of a service, as the runtime sees it. `consumer` and `view` (and later deciders, sagas and
 * flows) are declarations that implement this; the runtime knows no kind of part by name.
 */

import type { Capability } from "../broker/capabilities.ts";
import type { Draft, Message } from "../model/message.ts";
import type { Channel, QueueDeclaration, StreamDeclaration } from "../schema/declaration.ts";
import type { CollectionSpec, StoredDocument } from "../store/store.ts";
import type { OutgoingMessage, WriteSet } from "../store/write-set.ts";

export type PartKind = "consumer" | "view";

export interface FailurePolicy {
  /** What happens to a key whose message keeps failing: park it, stop the partition, or go on without it. */
  readonly onFailure: "park" | "block" | "skip";
  /** Tries of a message that fails by a bug, the first included. A queue's own attempts win over it. */
  readonly attempts: number;
  /** The first pause between tries; it doubles, with jitter, up to `backoffMsMax`. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** Rows parked for one consumer and input before the input pauses. */
  readonly parkedMax: number;
}

export const DEFAULT_POLICY: FailurePolicy = {
  onFailure: "park",
  attempts: 5,
  backoffMs: 200,
  backoffMsMax: 30_000,
  parkedMax: 10_000,
};

/** What a part decided for the messages of one key. The runtime adds what it finishes. */
export interface Decision {
  readonly writes: Pick<WriteSet, "documents" | "events">;
  /** Published through the outbox, in this order. */
  readonly outgoing: readonly OutgoingMessage[];
  /** How many of the messages it covers, counted from the first. */
  readonly handled: number;
  /** Why the message behind those failed. Nothing that message did may be in `writes` or `outgoing`. */
  readonly failure?: { readonly error: unknown };
}

/** Names a document. */
export interface DocumentRef {
  readonly collection: string;
  readonly id: string;
}

export interface WorkContext {
  /** Aborts when the partition is lost, the lease ends, or the service's stop deadline passes. */
  readonly signal: AbortSignal;
  /** A document that `reads` named; undefined where it does not exist. */
  loaded(ref: DocumentRef): StoredDocument | undefined;
  /** Any document; reads of one moment share a question to the store. Throws STORE_FAILED. */
  read(ref: DocumentRef): Promise<StoredDocument | undefined>;
  /**
   * Stamps a draft as caused by `cause`. Throws BAD_PAYLOAD naming the field, TOO_LARGE, and
   * UNKNOWN_TYPE for a type that the part does not declare to publish or send.
   */
  stamp(draft: Draft, cause: Message): OutgoingMessage;
}

/** A part at work. One instance per running service; keys run in parallel, one key at a time. */
export interface Worker {
  /** The key of order and parking: the document or instance id. */
  keyOf(message: Message): string;
  /** The documents that the work on a key is sure to read; fetched for many keys together. */
  reads?(key: string): readonly DocumentRef[];
  /**
   * Handles messages of one key, in order, and returns one decision for as many as it could. May do
   * I/O. Whatever it throws counts as a failure of the first message.
   */
  work(
    key: string,
    messages: readonly Message[],
    context: WorkContext,
  ): Decision | Promise<Decision>;
}

export interface Part {
  readonly partKind: PartKind;
  readonly name: string;
  /** The name under which its progress is kept and its groups joined: another for a new version. */
  readonly consumer: string;
  readonly from: readonly Channel[];
  /** The wire types that it handles; others of its channels are counted and passed over. */
  readonly handles: ReadonlySet<string>;
  readonly publishes: readonly StreamDeclaration[];
  readonly sends: readonly QueueDeclaration[];
  readonly collections: readonly CollectionSpec[];
  /** The collection that `get` and `find` read; views only. */
  readonly viewCollection?: string;
  readonly needs: readonly Capability[];
  readonly policy: FailurePolicy;
  /** Keys worked on at one time, per input. */
  readonly concurrency: number;
  /**
   * Its work touches nothing but its write set, so a repeat that only the commit notices does no harm,
   * and the store need not be asked beforehand which ids it has seen.
   */
  readonly pure?: boolean;
  /** Where it begins on a stream that it never read. */
  readonly start: "earliest" | "latest";
  createWorker(): Worker;
}

export interface Service {
  readonly name: string;
  readonly parts: readonly Part[];
}
