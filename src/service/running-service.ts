/** What the host, the admin API and the tests see of a service at work. */

import type { DocumentPage, DocumentQuery, ParkedMessage, Store } from "../store/store.ts";
import type { PartKind, Service } from "./part.ts";
import type { PartPause } from "./pause/pauses.ts";

export type PartState = "starting" | "running" | "paused" | "stopping" | "stopped" | "failed";

export interface InputStatus {
  /** `stream/partition` or the queue's name. */
  readonly input: string;
  /** Streams: everything below it is finished. */
  readonly position?: number;
  readonly end?: number;
  readonly lag?: number;
  readonly parked: number;
  /** Why it is paused, where it is: a dependency is down, parking is at its bound, the log is another. */
  readonly paused?: string;
  /** Why what its messages led to does not get out of the outbox, where it does not. */
  readonly unpublished?: string;
}

export interface PartStatus {
  readonly name: string;
  readonly kind: PartKind;
  readonly state: PartState;
  readonly inputs: readonly InputStatus[];
  /** Since the start of the process. */
  readonly handled: number;
  readonly failed: number;
  readonly duplicates: number;
  /** Types that came and that no handler, or no rule of a router, wanted, with their counts. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Who has paused it, and why, where a person has; its inputs are then closed. */
  readonly held?: string;
}

export interface RunningService {
  readonly service: Service;
  readonly store: Store;
  status(): Promise<readonly PartStatus[]>;
  /** A view's document by id, decoded; undefined where there is none. Throws UNKNOWN_VIEW, PARKED, DEADLINE. */
  get(view: string, id: string): Promise<unknown>;
  /** Documents of a view; each decoded. */
  find(
    view: string,
    query: DocumentQuery,
  ): Promise<{
    readonly documents: readonly { readonly id: string; readonly data: unknown }[];
    readonly next?: DocumentPage["next"];
  }>;
  listParked(part: string): Promise<readonly ParkedMessage[]>;
  /** As the store's `redriveParked`, and the parts begin to work the rows off at once. */
  redriveParked(rows: readonly number[] | "all"): Promise<number>;
  /** As the store's `discardParked`, and the parts take up at once what waited behind the rows. */
  discardParked(rows: readonly number[]): Promise<number>;
  /**
   * Moves a part on one partition: what is below `offset` counts as finished, nothing above it. The
   * partition's work is finished first, and goes on from there. Throws BAD_ARGUMENT for a part or
   * partition that does not run here, OFFSET_OUT_OF_RANGE for an offset that the log does not hold.
   */
  seek(part: string, stream: string, partition: number, offset: number): Promise<void>;
  /**
   * A person's pause: the part finishes what it has begun and takes nothing new, also after a restart,
   * until `resume`. False where it was paused before. Throws BAD_ARGUMENT for an unknown part.
   */
  pause(part: string, pause: PartPause): Promise<boolean>;
  /** Ends a pause; the part goes on from where it was. False where it was not paused. */
  resume(part: string): Promise<boolean>;
  /**
   * Resolves when nothing is in flight, the outbox is empty and every input is at the end seen at the
   * call. A part that a person has paused is at rest as it is.
   */
  settled(signal?: AbortSignal): Promise<void>;
  /** Law 5: stop fetching, finish, commit, release, abort at the deadline. Idempotent. */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Rejects when a part fails for good; resolves after `stop`. */
  readonly ended: Promise<void>;
}
