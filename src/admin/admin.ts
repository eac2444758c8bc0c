/**
 * One API for looking and repairing, behind every tool. It has two implementations that a caller
 * cannot tell apart: `createAdmin` works on a broker and services in this process, `openAdminClient`
 * (in `http/`) talks to a running process through its door.
 *
 * Offset expressions, as everywhere in the tools: `start`, `end`, `-10` (ten before the end), `+5`
 * (five after the group's position, or after the start where no group is meant), a number, and
 * `@2026-01-01T00:00` (the first message appended at or after that moment, UTC unless it says).
 */

import type { DeadLetter, QueueInfo } from "../broker/queues.ts";
import type { GroupInfo, StreamInfo, StreamRecord } from "../broker/streams.ts";
import type { Envelope } from "../model/envelope.ts";
import type { Outcome } from "../model/outcome.ts";
import type { DocumentQuery } from "../store/store.ts";
import type { PartStatus } from "../service/running-service.ts";

/** A message to publish: an envelope as far as the caller knows it, and its JSON payload's text. */
export interface PublishRequest {
  readonly type: string;
  readonly key?: string;
  readonly id?: string;
  readonly source?: string;
  readonly time?: number;
  readonly version?: number;
  readonly dataJson: string;
  /** Needed only where several declared streams or queues carry the type, or none does. */
  readonly to?: { readonly kind: "stream" | "queue"; readonly name: string };
}

export interface Published {
  readonly id: string;
  readonly target: { readonly kind: "stream" | "queue"; readonly name: string };
  readonly partition?: number;
  readonly offset?: number;
  readonly sequence?: number;
  readonly duplicate: boolean;
}

/** A record for people: decoded where possible, and otherwise with the reason why not. */
export interface ShownRecord {
  readonly stream: string;
  readonly partition: number;
  readonly offset: number;
  readonly appendedMs: number;
  readonly envelope?: Envelope;
  /** The payload's own text where it is JSON. */
  readonly dataJson?: string;
  readonly undecodable?: {
    readonly code: string;
    readonly message: string;
    readonly valueBase64: string;
  };
  readonly raw?: StreamRecord;
}

/** A dead letter of a queue, or a message parked in a service's store; the tools show both, labelled. */
export interface Failure {
  readonly place: "queue" | "store";
  /** `q:order-desk:17` or `s:shop:refunds:42`: what `show`, `redrive` and `discard` take. */
  readonly ref: string;
  readonly key?: string;
  readonly failedMs: number;
  readonly attempts: number;
  readonly cause?: { readonly code: string; readonly message: string; readonly stack?: string };
  /** True for a message that waits behind a failed one of its key. */
  readonly waiting: boolean;
  readonly envelope?: Envelope;
  readonly dataJson?: string;
  readonly deadLetter?: DeadLetter;
}

export interface ServiceDescription {
  readonly name: string;
  readonly parts: readonly {
    readonly name: string;
    readonly kind: string;
    readonly from: readonly {
      readonly kind: "stream" | "queue";
      readonly name: string;
      readonly types: readonly string[];
    }[];
    readonly publishes: readonly string[];
    readonly sends: readonly string[];
    readonly index: readonly string[];
  }[];
  readonly status: readonly PartStatus[];
}

export interface Description {
  readonly cluster: string;
  readonly services: readonly ServiceDescription[];
  readonly streams: readonly StreamInfo[];
  readonly queues: readonly QueueInfo[];
  readonly groups: readonly GroupInfo[];
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
}

export interface Admin extends AsyncDisposable {
  /** Items fail one by one: BAD_ENVELOPE, BAD_PAYLOAD, UNKNOWN_TYPE, UNKNOWN_STREAM, TOO_LARGE, DISK_FULL. */
  publish(messages: readonly PublishRequest[]): Promise<readonly Outcome<Published>[]>;
  /** Records of all partitions (or one), each partition in order; `follow` goes on at the end. */
  read(
    stream: string,
    options: {
      readonly from: string;
      readonly partition?: number;
      readonly limit?: number;
      readonly follow?: boolean;
      readonly types?: readonly string[];
      readonly key?: string;
      readonly signal?: AbortSignal;
    },
  ): AsyncIterable<ShownRecord>;

  describe(): Promise<Description>;
  listStreams(): Promise<readonly StreamInfo[]>;
  describeStream(stream: string): Promise<StreamInfo>;
  listQueues(): Promise<readonly QueueInfo[]>;
  describeQueue(queue: string): Promise<QueueInfo>;
  listGroups(): Promise<readonly GroupInfo[]>;
  describeGroup(group: string): Promise<GroupInfo>;
  /** Moves a group or a service's part (its name is `service.part`); `dryRun` only answers what would be. */
  seek(options: {
    readonly group: string;
    readonly stream: string;
    readonly partition?: number;
    readonly to: string;
    readonly dryRun?: boolean;
  }): Promise<
    readonly {
      readonly partition: number;
      readonly before: number | undefined;
      readonly after: number;
    }[]
  >;

  lag(): Promise<readonly LagRow[]>;

  /** One document as JSON text; undefined where there is none. */
  get(
    view: string,
    id: string,
  ): Promise<{ readonly id: string; readonly dataJson: string } | undefined>;
  find(
    view: string,
    query: DocumentQuery,
  ): Promise<{
    readonly documents: readonly { readonly id: string; readonly dataJson: string }[];
    readonly next?: string;
  }>;

  listFailures(options?: {
    readonly queue?: string;
    readonly part?: string;
    readonly limit?: number;
    readonly after?: string;
  }): Promise<readonly Failure[]>;
  showFailure(ref: string): Promise<Failure>;
  redrive(
    refs: readonly string[],
    options?: { readonly dryRun?: boolean },
  ): Promise<{ readonly count: number }>;
  discard(
    refs: readonly string[],
    options?: { readonly dryRun?: boolean },
  ): Promise<{ readonly count: number }>;
}
