/**
 * A part of a service, as the runtime sees it. `consumer` and `view` (and later deciders, sagas and
 * flows) are declarations that implement this; the runtime knows no kind of part by name.
 */

import type { Capability } from "../broker/capabilities.ts";
import type { Message } from "../model/message.ts";
import type { Channel, QueueDeclaration, StreamDeclaration } from "../schema/declaration.ts";
import type { CollectionSpec, Store } from "../store/store.ts";
import type { WriteSet } from "../store/write-set.ts";
import type { Draft } from "../model/message.ts";

export type PartKind = "consumer" | "view";

export interface FailurePolicy {
  /** What happens to a key whose message keeps failing: park it, stop the partition, or go on without it. */
  readonly onFailure: "park" | "block" | "skip";
  /** Tries of a message that fails by a bug, the first included. */
  readonly attempts: number;
  /** The first pause between tries; it doubles, with jitter, up to `backoffMsMax`. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** Rows parked for one consumer and input before the input pauses. */
  readonly parkedMax: number;
}

/** What a part decided for one key. The runtime adds what it finishes, and stamps the drafts. */
export interface Decision {
  readonly writes: Pick<WriteSet, "documents" | "events">;
  /** Published through the outbox, caused by the message that emitted it. */
  readonly emitted: readonly { readonly draft: Draft; readonly cause: Message }[];
}

export interface WorkContext {
  readonly store: Store;
  /** Aborts when the partition is lost, the lease ends, or the service's stop deadline passes. */
  readonly signal: AbortSignal;
}

/** A part at work. One instance per running service; keys run in parallel, one key at a time. */
export interface Worker {
  /** The key of order and parking: the document or instance id. Undefined: the message is ignored. */
  keyOf(message: Message): string | undefined;
  /** Handles messages of one key, in order, and returns one decision for all of them. May do I/O. */
  work(key: string, messages: readonly Message[], context: WorkContext): Promise<Decision>;
}

export interface Part {
  readonly partKind: PartKind;
  readonly name: string;
  readonly from: readonly Channel[];
  readonly publishes: readonly StreamDeclaration[];
  readonly sends: readonly QueueDeclaration[];
  readonly collections: readonly CollectionSpec[];
  readonly needs: readonly Capability[];
  readonly policy: FailurePolicy;
  createWorker(): Worker;
}

export interface Service {
  readonly name: string;
  readonly parts: readonly Part[];
}
