/**
 * The store port: one service's own database.
 *
 * It holds documents, events, progress, inbox, outbox and parked messages, and changes them by write
 * sets alone. `conformance/stores` states in executable form what every implementation must do.
 */

import type { Environment } from "../model/environment.ts";
import type { RawMessage } from "../model/message.ts";
import type { LaneProgress, Progress } from "./progress.ts";
import type {
  Batch,
  BatchOutcome,
  Incoming,
  IndexValue,
  OutgoingMessage,
  ParkCause,
  TimerRef,
} from "./write-set.ts";

export interface StoreCapabilities {
  /** The store's name, as it stands in error texts: `sqlite`. */
  readonly adapter: string;
  /** Survives a power cut once `apply` resolves. */
  readonly durable: boolean;
  /** Several processes of one service may have it open. */
  readonly shared: boolean;
}

export interface CollectionSpec {
  readonly name: string;
  /** Names of indexed fields, in any order. `id` is always found by and must not stand here. */
  readonly index: readonly string[];
}

export interface StoredDocument {
  readonly id: string;
  /** 1 for a document's first state; grows by one with every write, a deletion included. */
  readonly version: number;
  readonly json: string;
}

/** A range holds only values of its bounds' own type: numbers are never between two texts. */
export type Comparison =
  | IndexValue
  | { readonly in: readonly IndexValue[] }
  | {
      readonly gte?: string | number;
      readonly gt?: string | number;
      readonly lte?: string | number;
      readonly lt?: string | number;
    };

export interface DocumentQuery {
  /** All conditions must hold; only indexed fields and `id`. */
  readonly where?: Readonly<Record<string, Comparison>> | undefined;
  /**
   * An indexed field or `id`, `-` before it for descending; `id` unless said. Null comes before
   * numbers, numbers before texts (by code point), texts before false and true. Ties fall by id, in
   * the same direction.
   */
  readonly order?: string | undefined;
  /** 1 to 1,000; 100 unless said. */
  readonly limit?: number | undefined;
  /**
   * The `next` of the page before. It names a place in the order, not a row number, so no document
   * that keeps its place is shown twice or missed while others come, move and go.
   */
  readonly after?: string | undefined;
}

export interface DocumentPage {
  readonly documents: readonly StoredDocument[];
  /** Opaque; absent on the last page. */
  readonly next?: string;
}

export interface StoredEvent {
  /** From 1, in commit order, over the whole store. */
  readonly sequence: number;
  readonly entity: string;
  /** From 1, within the entity. */
  readonly version: number;
  readonly message: RawMessage;
}

/** A timer that waits in the store. */
export interface StoredTimer extends TimerRef {
  readonly id: string;
  readonly dueMs: number;
  readonly message: RawMessage;
}

/** A recorded answer of the outside world; see `EffectWrite`. */
export interface StoredEffect {
  readonly message: string;
  readonly name: string;
  readonly json: string;
  readonly atMs: number;
}

export interface OutboxRow {
  readonly lane: string;
  /** The epoch of the store: it stands in each message's place. */
  readonly epoch: number;
  /** The sequence of the first message; the others follow by one. */
  readonly firstSequence: number;
  readonly messages: readonly OutgoingMessage[];
}

export interface ParkedMessage {
  /** The store's own name for it; ascending in the order of parking. */
  readonly row: number;
  readonly consumer: string;
  readonly input: string;
  readonly key: string;
  readonly incoming: Incoming;
  readonly message: RawMessage;
  readonly parkedMs: number;
  /** Undefined for a message that waits behind a failed one of its key. */
  readonly cause?: ParkCause;
  /** Redrive was asked for: the runtime shall work it off. */
  readonly redrive: boolean;
}

export interface InputProgress {
  /** Undefined where this consumer never finished anything of this input. */
  readonly progress?: Progress & { readonly log: string };
  /** The highest fencing epoch seen. */
  readonly epoch: number;
  /** By `laneKey`. */
  readonly lanes: ReadonlyMap<string, LaneProgress>;
}

/** A copy that is whole, of a store that takes no writes until it is released. */
export interface StoreBackup {
  /** Lets the writes go on that came meanwhile. Idempotent. */
  release(): Promise<void>;
}

export interface Store extends AsyncDisposable {
  readonly capabilities: StoreCapabilities;

  /**
   * Copies the store, while it works, to a file that is not there yet. When it resolves the copy is
   * what the store holds, and writes wait for `release`; reads do not. Missing where a store is backed
   * up by its own tools. Throws DISK_FULL, STORE_FAILED, CLOSED.
   */
  backup?(file: string): Promise<StoreBackup>;
  /** What it takes on the disk; missing where it does not know. */
  bytes?(): Promise<number>;

  /**
   * Creates these collections where missing and brings their indexes to what is asked. A new index
   * over documents that exist takes their JSON's top-level field of that name.
   */
  ensureCollections(collections: readonly CollectionSpec[]): Promise<void>;

  /**
   * Applies a batch in one durable transaction; concurrent calls share one. Sets with unmet conditions
   * are left out; each set sees what the ones before it wrote.
   *
   * Throws, with nothing applied, FENCED (an older epoch), POSITION_MISMATCH (offsets of another log),
   * BAD_ARGUMENT (an unknown collection), TOO_LARGE (with the set's key in `details`), STORE_FAILED,
   * DISK_FULL, CLOSED.
   */
  apply(batch: Batch): Promise<BatchOutcome>;

  getDocuments(
    collection: string,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, StoredDocument>>;
  /** Throws BAD_ARGUMENT for a field that is not indexed. */
  findDocuments(collection: string, query: DocumentQuery): Promise<DocumentPage>;
  countDocuments(collection: string): Promise<number>;
  dropCollection(collection: string): Promise<void>;

  /** At most 1,000 events unless said. */
  readEntity(
    entity: string,
    options?: { readonly after?: number; readonly limit?: number },
  ): Promise<readonly StoredEvent[]>;
  /**
   * Of several entities at once, each from the one after `after`; at most 1,000 of each. Entities
   * without such events have no entry. Throws TOO_LARGE where all of them together take more than a
   * batch may (`batchBytesMax`): ask for fewer, or page through one by `readEntity`.
   */
  readEntities(
    entities: readonly { readonly entity: string; readonly after?: number }[],
  ): Promise<ReadonlyMap<string, readonly StoredEvent[]>>;
  /** The sequence of the newest event of the store; 0 where there is none. */
  lastEvent(): Promise<number>;
  /** All events in commit order, from the one after `after`; at most 1,000 unless said. */
  readEvents(options?: {
    readonly after?: number;
    readonly limit?: number;
  }): Promise<readonly StoredEvent[]>;

  /**
   * Everything the runtime needs to take over an input. An owner gives its `epoch`: from then on all
   * older ones are fenced, so nothing changes behind what it has read. Throws FENCED for an old one.
   */
  readProgress(
    consumer: string,
    input: string,
    options?: { readonly epoch?: number },
  ): Promise<InputProgress>;
  /** Which of these ids, seen from strangers, fall into the consumer's id window. */
  seenIds(consumer: string, input: string, ids: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Moves a consumer: everything below `position` counts as finished, nothing above it. The inbox of
   * that input forgets, because moving back asks for repetition. A move to another log forgets the
   * fencing epoch too, which that log's broker counts anew.
   */
  seek(
    consumer: string,
    input: string,
    to: { readonly position: number; readonly log: string },
  ): Promise<void>;
  listProgress(): Promise<
    readonly {
      readonly consumer: string;
      readonly input: string;
      readonly position: number;
      readonly log: string;
    }[]
  >;

  /**
   * Forgets a consumer altogether: its progress, inbox, timers with their lease, effects and parked
   * messages. Its documents stay, and what is in its lanes is published. For a view that is dropped or
   * built anew, and a replay that is over; the caller sees to it that the consumer is at work no more.
   */
  forgetConsumer(consumer: string): Promise<void>;

  /**
   * Timers of the consumer whose moment is `dueMs` or before, the earliest first, those of one moment
   * in the order in which they were set; 100 unless said. Firing one is a write set that settles it.
   */
  dueTimers(
    consumer: string,
    options: { readonly dueMs: number; readonly limit?: number },
  ): Promise<readonly StoredTimer[]>;
  /** The moment of the consumer's next timer. */
  nextTimerMs(consumer: string): Promise<number | undefined>;
  /** By instance and name, after `after`; 100 unless said. */
  listTimers(
    consumer: string,
    options?: { readonly instance?: string; readonly limit?: number; readonly after?: TimerRef },
  ): Promise<readonly StoredTimer[]>;

  /** The recorded answers of these messages, by message id, in the order in which they were recorded. */
  readEffects(
    consumer: string,
    messages: readonly string[],
  ): Promise<ReadonlyMap<string, readonly StoredEffect[]>>;
  /**
   * Forgets answers that were recorded before the moment, the oldest first and no more than `limit`,
   * 1,000 unless said, so that a commit never waits long behind it. Returns how many: fewer than the
   * limit when none is left.
   */
  trimEffects(beforeMs: number, limit?: number): Promise<number>;

  /** Lanes that have messages to publish, oldest first. */
  pendingLanes(): Promise<readonly string[]>;
  /** For each of those lanes the sequences that are not trimmed, up to and not including `to`. */
  pendingOutbox(): Promise<readonly PendingLane[]>;
  /**
   * Takes or prolongs the lease of a lane, or of a consumer's timers (`timersLease`), to `leaseMs`
   * from now. False while another owner's lease lasts; the leases of a store that serves one process
   * end when it is opened anew, since their owners are gone.
   */
  leaseLane(lane: string, owner: string, leaseMs: number): Promise<boolean>;
  /** The oldest messages of the lane, at most `limit` of them; the last row may be cut. */
  readOutbox(lane: string, limit: number): Promise<readonly OutboxRow[]>;
  /** Forgets messages of the lane below `sequence`. Throws FENCED if the lease was lost. */
  trimOutbox(lane: string, owner: string, sequence: number): Promise<void>;

  /** Keys of this consumer and input that have parked messages, with the number of rows. */
  parkedKeys(consumer: string, input: string): Promise<ReadonlyMap<string, number>>;
  /** In order of parking; 100 rows unless said. */
  listParked(options?: {
    readonly consumer?: string;
    readonly input?: string;
    readonly key?: string;
    readonly after?: number;
    readonly limit?: number;
    readonly redrive?: boolean;
  }): Promise<readonly ParkedMessage[]>;
  /**
   * Marks all rows of the keys of these rows for redrive; the runtime drains them in order, and what
   * comes to wait behind them is marked as well. Returns the rows that were not marked before.
   */
  redriveParked(rows: readonly number[] | "all"): Promise<number>;
  /**
   * Marks for redrive the keys whose failure, the first row of the key, is to be retried by now
   * (`retryAtMs` of its cause). Returns the rows marked, and the moment of the next such failure.
   */
  redriveDue(
    consumer: string,
    input: string,
    nowMs: number,
  ): Promise<{ readonly count: number; readonly nextMs?: number }>;
  /** Removes rows for good; what waited behind a removed failure is marked for redrive. Returns rows removed. */
  discardParked(rows: readonly number[]): Promise<number>;

  readonly epoch: number;
  close(): Promise<void>;
}

/** What waits in a lane of the outbox, or is published and not yet trimmed. */
export interface PendingLane {
  readonly lane: string;
  readonly from: number;
  readonly to: number;
}

/** What a factory such as `sqlite()` returns: settings checked, nothing opened. */
export interface StoreFactory {
  readonly adapter: string;
  /** Throws DIRECTORY_IN_USE where the store serves one process and another has it. */
  open(options: { readonly service: string; readonly environment: Environment }): Promise<Store>;
}
