/**
 * One API for looking and repairing, behind every tool. It has two implementations that a caller
 * cannot tell apart: `createAdmin` works on a broker and services in this process, `openAdminClient`
 * (in `http/`) talks to a running process through its door. Therefore everything here is plain JSON
 * data: payloads are text, bytes are base64, and nothing is a live object. Topics that stand by
 * themselves have a file each in `api/`.
 *
 * Offset expressions, as everywhere in the tools: `start`, `end`, `-10` (ten before the end), `+5`
 * (five after the group's position, or after the start where no group is meant), a number, and
 * `@2026-01-01T00:00` (the first message appended at or after that moment, UTC unless it says). They
 * hold for each partition by itself; `0:120,1:7` names an offset for each partition, and the start
 * for those it leaves out.
 */

import type { QueueInfo } from "../broker/queues.ts";
import type { GroupInfo, StreamInfo } from "../broker/streams.ts";
import type { Envelope } from "../model/envelope.ts";
import type { Outcome } from "../model/outcome.ts";
import type { OutboxStatus } from "../service/outbox/outbox-status.ts";
import type { PartStatus } from "../service/running/running-service.ts";
import type { DocumentQuery } from "../store/store.ts";
import type { CommandAdmin } from "./api/command-admin.ts";
import type { EditAdmin } from "./api/edit-admin.ts";
import type { FlowAdmin } from "./api/flow-admin.ts";
import type { PauseAdmin } from "./api/pause-admin.ts";
import type { ReplayAdmin } from "./api/replay-admin.ts";
import type { SagaAdmin } from "./api/saga-admin.ts";
import type { StateAdmin } from "./api/state-admin.ts";
import type { DiskReport, UpkeepAdmin } from "./api/upkeep-admin.ts";
import type { ViewAdmin } from "./api/view-admin.ts";

export interface Target {
  readonly kind: "stream" | "queue";
  readonly name: string;
}

/**
 * A message to publish: an envelope as far as the caller knows it, and its JSON payload's text. What
 * is left out is stamped: a new id, the time of now, the newest declared version, the source `admin`,
 * and the key as the declaration takes it from the payload.
 */
export interface PublishRequest extends Partial<
  Omit<Envelope, "type" | "contentType" | "place" | "attempt">
> {
  readonly type: string;
  readonly dataJson: string;
  /** Needed only where several declared streams or queues carry the type, or none does. */
  readonly to?: Target;
}

export interface Published {
  readonly id: string;
  readonly target: Target;
  /** Streams. */
  readonly partition?: number;
  readonly offset?: number;
  /** Queues. */
  readonly sequence?: number;
  /** The id was published before; nothing was written now. */
  readonly duplicate: boolean;
}

/** A message for people: decoded where possible, and otherwise with the reason why not. */
export interface ShownMessage {
  readonly envelope?: Envelope;
  /** The payload's own text where it is JSON, on one line; digits are kept as they were written. */
  readonly dataJson?: string;
  readonly undecodable?: {
    readonly code: string;
    readonly message: string;
    readonly valueBase64: string;
    /** Text values as they are, others as base64. */
    readonly headers: readonly (readonly [name: string, value: string])[];
  };
}

export interface ShownRecord extends ShownMessage {
  readonly stream: string;
  readonly partition: number;
  readonly offset: number;
  readonly appendedMs: number;
  /** The partition key; base64 where it is not text. */
  readonly key?: string;
}

export interface ReadRecordsOptions {
  /** An offset expression. */
  readonly from: string;
  readonly partition?: number;
  /** At most so many records, counted after the filters. */
  readonly limit?: number;
  /** Go on at the end, until the signal aborts or the caller leaves the loop. */
  readonly follow?: boolean;
  /** Names, or classes such as `order.*`. */
  readonly types?: readonly string[];
  readonly key?: string;
  readonly signal?: AbortSignal;
}

/** A dead letter of a queue, or a message parked in a service's store; the tools show both, labelled. */
export interface Failure extends ShownMessage {
  readonly place: "queue" | "store";
  /** `q:order-desk:17` or `s:shop:refunds:42`: what `show`, `redrive` and `discard` take. */
  readonly ref: string;
  /** The queue's name, or `stream/partition` or the queue from which the part took it. */
  readonly input: string;
  /** `service.part`, where it is parked in a store. */
  readonly part?: string;
  readonly key?: string;
  readonly failedMs: number;
  readonly attempts: number;
  readonly cause?: { readonly code: string; readonly message: string; readonly stack?: string };
  /** True for a message that waits behind a failed one of its key. */
  readonly waiting: boolean;
  /** Redrive was asked for and is not done yet. */
  readonly redriving: boolean;
}

/** Failures by where they are: of one queue, of one part (`service.part`), or with neither, all. */
export interface FailureFilter {
  readonly queue?: string;
  readonly part?: string;
}

export interface ServiceDescription {
  readonly name: string;
  readonly parts: readonly {
    readonly name: string;
    readonly kind: string;
    readonly from: readonly (Target & { readonly types: readonly string[] })[];
    /** Deciders of the service whose events, kept in its store, the part reads. */
    readonly readsEventsOf: readonly string[];
    readonly publishes: readonly string[];
    readonly sends: readonly string[];
    readonly index: readonly string[];
  }[];
  /** Empty where the service does not run here. */
  readonly status: readonly PartStatus[];
  /** What is committed and not published. */
  readonly outbox: OutboxStatus;
  /** Replies that nobody waited for any more when they could be sent, since the start. */
  readonly droppedReplies: number;
}

export interface Description {
  readonly services: readonly ServiceDescription[];
  readonly streams: readonly StreamInfo[];
  readonly queues: readonly QueueInfo[];
  readonly groups: readonly GroupInfo[];
  /** Answers that came to this process when nobody waited for them any more, since its start. */
  readonly lateReplies: number;
  /** Where the broker keeps its data in this process. */
  readonly disk?: DiskReport;
}

export interface LagRow {
  readonly service: string;
  readonly part: string;
  readonly input: string;
  readonly position?: number;
  readonly end?: number;
  readonly lag: number;
  readonly parked: number;
  readonly paused?: string;
  /** Why what was emitted does not get out of the outbox, where it does not. */
  readonly unpublished?: string;
  /** Which message does not come back from its handler, where one does not. */
  readonly stalled?: string;
}

export interface SeekOptions {
  /** A group, or a service's part by `service.part`. */
  readonly group: string;
  readonly stream: string;
  /** All partitions unless said. */
  readonly partition?: number;
  /** An offset expression. */
  readonly to: string;
  /** Only answers what would be. */
  readonly dryRun?: boolean;
  /** Who moves it: stands in the log of the process that does. */
  readonly by?: string;
}

export interface RepairOptions {
  /** Only answers what would be. */
  readonly dryRun?: boolean;
  /** Who repairs: stands in the log of the process that does. */
  readonly by?: string;
}

/** `before` is absent where the group had no position. */
export interface Moved {
  readonly partition: number;
  readonly before?: number;
  readonly after: number;
}

export interface ShownDocument {
  readonly id: string;
  readonly dataJson: string;
}

/** How fresh a read of a view must be. */
export interface ReadOptions {
  /** A position token of a write that the read must see. */
  readonly notBefore?: string;
  /** How long it may wait for that; 10,000 unless said. */
  readonly deadlineMs?: number;
}

export interface Admin
  extends
    AsyncDisposable,
    CommandAdmin,
    EditAdmin,
    FlowAdmin,
    PauseAdmin,
    ReplayAdmin,
    SagaAdmin,
    StateAdmin,
    UpkeepAdmin,
    ViewAdmin {
  /**
   * Items fail one by one: BAD_ENVELOPE, BAD_PAYLOAD, BAD_JSON, UNKNOWN_TYPE, UNKNOWN_STREAM,
   * UNKNOWN_QUEUE, TOO_LARGE, QUEUE_FULL, DISK_FULL. An item that is ok is as durable as its target.
   */
  publish(messages: readonly PublishRequest[]): Promise<readonly Outcome<Published>[]>;

  /**
   * Records of all partitions (or one), each partition in its order, partitions merged by time of
   * appending as far as they are known. The next records are fetched when asked for.
   * Throws UNKNOWN_STREAM, BAD_ARGUMENT, OFFSET_OUT_OF_RANGE.
   */
  read(stream: string, options: ReadRecordsOptions): AsyncIterable<ShownRecord>;

  /** The offsets that an expression means now; the text `0:120,1:7` of them reads from just there. */
  locate(
    stream: string,
    expression: string,
    options?: { readonly partition?: number },
  ): Promise<readonly { readonly partition: number; readonly offset: number }[]>;

  describe(): Promise<Description>;
  listStreams(): Promise<readonly StreamInfo[]>;
  describeStream(stream: string): Promise<StreamInfo>;
  listQueues(): Promise<readonly QueueInfo[]>;
  describeQueue(queue: string): Promise<QueueInfo>;
  listGroups(): Promise<readonly GroupInfo[]>;
  describeGroup(group: string): Promise<GroupInfo>;

  /**
   * Moves a group or a service's part, and answers with every partition moved. A part at work in this
   * process finishes what it has begun and goes on from there. Throws UNKNOWN_GROUP, BAD_ARGUMENT,
   * OFFSET_OUT_OF_RANGE, and FENCED while a group has a member, which would go on from where it is.
   */
  seek(options: SeekOptions): Promise<readonly Moved[]>;

  lag(): Promise<readonly LagRow[]>;

  /**
   * One document as JSON text; undefined where there is none. Throws UNKNOWN_VIEW, PARKED, and
   * DEADLINE where the view has not seen what `notBefore` names in time.
   */
  get(view: string, id: string, options?: ReadOptions): Promise<ShownDocument | undefined>;
  find(
    view: string,
    query: DocumentQuery,
    options?: ReadOptions,
  ): Promise<{ readonly documents: readonly ShownDocument[]; readonly next?: string }>;

  /** Queues before services, each by name, oldest first; from the one after `after`; 1 to 1,000, 100 unless said. */
  listFailures(
    options?: FailureFilter & { readonly limit?: number; readonly after?: string },
  ): Promise<readonly Failure[]>;
  /** Throws UNKNOWN_DEAD_LETTER. */
  showFailure(ref: string): Promise<Failure>;
  /**
   * Lets failures run again: a dead letter waits in its queue anew; a parked message, and what waits
   * behind it, is worked off in order by its part. Answers how many messages that concerns (`dryRun`:
   * would). Throws UNKNOWN_DEAD_LETTER before anything is done if one of the refs is not there.
   */
  redrive(
    failures: readonly string[] | FailureFilter,
    options?: RepairOptions,
  ): Promise<{ readonly count: number }>;
  /** Removes failures for good; what waited behind one of them runs. Throws as `redrive` does. */
  discard(
    failures: readonly string[] | FailureFilter,
    options?: RepairOptions,
  ): Promise<{ readonly count: number }>;
}
