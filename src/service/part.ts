/**
 * A part of a service, as the runtime sees it. `consumer` and `view` (and later deciders, sagas and
 * flows) are declarations that implement this; the runtime knows no kind of part by name.
 */

import type { Capability } from "../broker/capabilities.ts";
import type { Environment } from "../model/environment.ts";
import type { IdSource } from "../model/ids.ts";
import type { Draft, Message, RawMessage } from "../model/message.ts";
import type {
  Attributes,
  Channel,
  MessageType,
  QueueChannel,
  StreamDeclaration,
} from "../schema/declaration.ts";
import type { CollectionSpec, StoredDocument, StoredEffect, StoredEvent } from "../store/store.ts";
import type { OutgoingMessage, WriteSet } from "../store/write-set.ts";
import type { RefusalData } from "./ask/answer.ts";
import type { EffectMode } from "./effects/effect-mode.ts";
import type { InstanceKeeper } from "./instances/instances.ts";

export type PartKind = "consumer" | "view" | "decider" | "saga" | "router" | "subscription";

export interface FailurePolicy {
  /** What happens to a key whose message keeps failing: park it, stop the partition, or go on without it. */
  readonly onFailure: "park" | "block" | "skip";
  /** Tries of a message that fails by a bug, the first included. A queue's own attempts win over it. */
  readonly attempts: number;
  /** The first pause between tries; it doubles, with jitter, up to `backoffMsMax`. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /**
   * Where a message that failed by a bug waits for its next try. `in-place`: in memory, and the count
   * of its tries ends with the process. `decoupled`: as a row of the store, its key behind it, so that
   * its memory is free and both it and the count survive a restart. Queues without `keyOrder` keep
   * such messages and their count themselves, whatever this says.
   */
  readonly retry: "in-place" | "decoupled";
  /** Takes failures by bugs of many keys in a row for an outage; none unless said. */
  readonly breaker?: Breaker;
  /** Rows parked for one consumer and input before the input pauses. */
  readonly parkedMax: number;
}

/**
 * When so many different keys fail by a bug within the time, and no message is handled in between,
 * their input pauses instead of parking them one after another. After the rest one message is tried
 * alone: if it goes through, all go on. So it finds what fails for everybody, not what fails often.
 */
export interface Breaker {
  /** Different keys, without a success among them. */
  readonly failures: number;
  readonly withinMs: number;
  readonly restMs: number;
}

export const DEFAULT_POLICY: FailurePolicy = {
  onFailure: "park",
  attempts: 5,
  backoffMs: 200,
  backoffMsMax: 30_000,
  retry: "in-place",
  parkedMax: 10_000,
};

/** What a part decided for the messages of one key. The runtime adds what it finishes. */
export interface Decision {
  readonly writes: Pick<WriteSet, "documents" | "events" | "timers" | "effects">;
  /** Published through the outbox, in this order. */
  readonly outgoing: readonly OutgoingMessage[];
  /** How many of the messages it covers, counted from the first. */
  readonly handled: number;
  /**
   * Why the message behind those failed. Nothing that message did may be in `writes` or `outgoing`,
   * except the answers of its effects: they happened, and are committed even where nothing else is.
   */
  readonly failure?: { readonly error: unknown };
  /**
   * What became of each command that it covers, in their order; absent where all were simply done.
   * Told to whoever asked, after the commit.
   */
  readonly verdicts?: readonly Verdict[];
  /**
   * The types of messages that it covers and that led to nothing, because no rule of a router took
   * them, or no instance of a saga waited for them: counted as ignored.
   */
  readonly unmatched?: readonly string[];
  /** How many messages it would have sent, in a replay or a shadow. */
  readonly withheld?: number;
}

/** What became of a command. A refusal is an answer: it is final, and no failure. */
export type Verdict =
  | { readonly ok: true; readonly reply?: unknown }
  | { readonly ok: false; readonly refusal: RefusalData };

/** Names a document. */
export interface DocumentRef {
  readonly collection: string;
  readonly id: string;
}

export interface WorkContext {
  /** The service: the source of what it stamps. */
  readonly source: string;
  /** Whether no other process writes the service's store. */
  readonly exclusive: boolean;
  /** Which try at the message this is: 1 at the first. */
  attemptOf(message: Message): number;
  /** Aborts when the partition is lost, the lease ends, or the service's stop deadline passes. */
  readonly signal: AbortSignal;
  /**
   * A document that `reads` named; undefined where it does not exist. One of the part's own collection
   * may be outdated for a moment: a decision that writes it then conflicts and is made anew, but one
   * that rests on it without writing it has to `read` it before.
   */
  loaded(ref: DocumentRef): StoredDocument | undefined;
  /** Any document; reads of one moment share a question to the store. Throws STORE_FAILED. */
  read(ref: DocumentRef): Promise<StoredDocument | undefined>;
  /** The moment of this unit of work; the same for all its messages. Milliseconds since 1970. */
  readonly nowMs: number;
  /**
   * Events of an entity, from the one after `after`; readers of one moment share a question to the
   * store. Throws STORE_FAILED.
   */
  readEntity(entity: string, after?: number): Promise<readonly StoredEvent[]>;
  /** What becomes of effects; `live` unless said. */
  readonly effects?: EffectMode;
  /** The recorded answers of the effects of one message; the unit's messages share a question. */
  readEffects(message: string): Promise<ReadonlyMap<string, StoredEffect>>;
  /**
   * Ids and randomness that depend on the message and the part alone: handling it again, after a
   * conflict, a crash or in a replay, draws the same ones in the same order.
   */
  chanceOf(cause: Message): Chance;
  /**
   * Stamps a draft as caused by `cause`. Throws BAD_PAYLOAD naming the field, TOO_LARGE, and
   * UNKNOWN_TYPE for a type that the part does not declare to publish or send.
   */
  stamp(draft: Draft, cause: Message, how?: StampOptions): OutgoingMessage;
  /**
   * Stamps a draft that stays in the service's store: an event of `appends`, or a timer of `timers`.
   * Throws as `stamp` does.
   */
  stampKept(draft: Draft, cause: Message, how?: KeptStampOptions): RawMessage;
}

/** A repeatable source of ids and randomness. */
export interface Chance extends IdSource {
  /** From 0 up to, not including, 1. */
  random(): number;
}

export interface StampOptions {
  /** The id; a new one of the message's `Chance` unless said. */
  readonly id?: string;
  /** The key of a message whose type takes none from its data. */
  readonly key?: string;
  /** Needed only where several of the part's channels carry the type. */
  readonly to?: OutgoingMessage["target"];
  /** Where the answer to a command shall go. */
  readonly replyTo?: string;
  /** Further attributes, beside those that the envelope has fields for. */
  readonly attributes?: Attributes;
  readonly expires?: number;
}

/** What stays in the store has no address. */
export interface KeptStampOptions extends Pick<StampOptions, "id" | "key"> {
  /** When it happens, where that is not now: a timer's moment. */
  readonly time?: number;
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
  /** The last decision on the key was committed: what the worker keeps of the key may follow it. */
  committed?(key: string): void;
  /** The last decision on the key was not committed, or met another state: forget what is kept. */
  forget?(key: string): void;
}

export interface Part {
  readonly partKind: PartKind;
  readonly name: string;
  /** The name under which its progress is kept and its groups joined: another for a new version. */
  readonly consumer: string;
  readonly from: readonly Channel[];
  /** It is given the service's own events, of these types, from the store in commit order. */
  readonly fromStore?: readonly MessageType[];
  /** Types of the events that it appends to the store; private to it unless a stream of `publishes` has them. */
  readonly appends?: readonly MessageType[];
  /** It sets timers of these types, and is given them when they fall due. */
  readonly timers?: readonly MessageType[];
  /**
   * The commands that it sends are answered to it: in a service it also reads its own reply queue, and
   * handles `REPLY_TYPE`. See `ask/reply-queue.ts`.
   */
  readonly answered?: boolean;
  /** How its instances are looked at and set going again; sagas only. */
  readonly instances?: InstanceKeeper;
  /** The wire types that it handles; others of its channels are counted and passed over. */
  readonly handles: ReadonlySet<string>;
  readonly publishes: readonly StreamDeclaration[];
  readonly sends: readonly QueueChannel[];
  readonly collections: readonly CollectionSpec[];
  /** The collection that nothing but this part writes: its documents are kept in memory. */
  readonly ownCollection?: string;
  /** The collection that `get` and `find` read; views only. */
  readonly viewCollection?: string;
  /** Views only. */
  readonly versioning?: ViewVersioning;
  /** Deciders only: how the state of an entity comes of its events. */
  readonly entityFold?: EntityFold;
  /** Under whose name the answers of its effects are recorded and found; `consumer` unless said. */
  readonly journal?: string;
  /** Capabilities beyond those that its channels ask for by themselves; see `refusal.ts`. */
  readonly needs?: readonly Capability[];
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
  /** Its worker is given messages with what they were read from, to pass them on unchanged. */
  readonly keepsRaw?: boolean;
  /**
   * Its worker is given messages undecoded, with what they were read from: `data` decodes the payload
   * when it is first asked for, and throws then what decoding throws.
   */
  readonly undecoded?: boolean;
  /** `environment` is for timers and the log; a worker's randomness comes from its context. */
  createWorker(environment: Environment): Worker;
}

/** The fold of a decider, over events as the store keeps them. */
export interface EntityFold<State = any> {
  readonly initial: State;
  /** Throws what decoding throws. */
  readonly read: (event: StoredEvent) => Message;
  readonly evolve: (state: State, event: Message) => State;
}

/** How a view's versions are built and read; see `views/view-record.ts`. */
export interface ViewVersioning {
  readonly version: number;
  /** Whether a version that has caught up takes over by itself. */
  readonly swap: "automatic" | "manual";
  /** Brings a document from the shape that an older version left to this version's. */
  readonly upcast: (document: unknown, fromVersion: number) => unknown;
  /** The view as another generation of this version: with documents and progress of its own. */
  readonly generation: (number: number) => Part;
}

export interface Service {
  readonly name: string;
  readonly parts: readonly Part[];
}
