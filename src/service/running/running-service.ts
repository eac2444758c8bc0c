/** What the host, the admin API and the tests see of a service at work. */

import type { DocumentPage, DocumentQuery, ParkedMessage, Store } from "../../store/store.ts";
import type { Draft } from "../../model/message.ts";
import type { Answer } from "../ask/answer.ts";
import type { AskOptions } from "../ask/direct-asks.ts";
import type { SeenOptions } from "../ask/seen.ts";
import type { InstanceFilter, InstancePage, ShownInstance } from "../instances/instances.ts";
import type { Part, PartKind, Service } from "../part.ts";
import type { PartPause } from "../pause/pauses.ts";
import type { OutboxStatus } from "../outbox/outbox-status.ts";
import type { DurationSummary } from "../unit/durations.ts";
import type { EntityState, StateAt } from "../unit/entity-state.ts";
import type { ReplayControls } from "../replay/replays.ts";
import type { GenerationStatus, ViewStatus } from "../views/view-status.ts";

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
  /** Which message has been with its handler for more than half a minute, where one has. */
  readonly stalled?: string;
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
  /** Commands that came too late, and were settled without being handled. */
  readonly expired: number;
  /** How long its work took, per unit of messages of one key; see `DURATION_BOUNDS_MS`. */
  readonly durations: DurationSummary;
  /** Types that came and that no handler, or no rule of a router, wanted, with their counts. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Messages that a shadow would have sent; absent where there were none. */
  readonly withheld?: number;
  /** Who has paused it, and why, where a person has; its inputs are then closed. */
  readonly held?: string;
}

/** The generations of views: building them anew, letting another one answer, removing one. */
export interface ViewControls {
  listViews(): Promise<readonly ViewStatus[]>;
  /**
   * Builds the view anew beside what answers, which goes on being folded; it takes over when it has
   * caught up. Throws UNKNOWN_VIEW, CONFLICT while another one is built.
   */
  rebuildView(view: string): Promise<GenerationStatus>;
  /**
   * Lets another generation answer: the one being built, or the one named by its version or as
   * `v2.r1`. An old one of the code's version is folded on first. Throws UNKNOWN_VIEW, BAD_ARGUMENT
   * for one that is not there or that other code folds, CONFLICT for one that has not caught up.
   */
  swapView(view: string, generation?: number | string): Promise<GenerationStatus>;
  /**
   * Removes a generation with its documents and its progress. Throws UNKNOWN_VIEW, BAD_ARGUMENT,
   * NOT_ALLOWED for the one that answers.
   */
  dropView(view: string, generation: number | string): Promise<GenerationStatus>;
  /** Stops what is being built, also after a restart. Throws UNKNOWN_VIEW, CONFLICT where nothing is. */
  pauseBuild(view: string): Promise<GenerationStatus>;
  resumeBuild(view: string): Promise<GenerationStatus>;
}

export interface RunningService extends ViewControls, ReplayControls {
  readonly service: Service;
  readonly store: Store;
  /** As they are at work now: a view as the generation that answers. */
  readonly parts: readonly Part[];
  status(): Promise<readonly PartStatus[]>;
  /** A view's document by id, decoded; undefined where there is none. Throws UNKNOWN_VIEW, PARKED, DEADLINE. */
  get(view: string, id: string, seen?: SeenOptions): Promise<unknown>;
  /** Documents of a view; each decoded. Throws as `get` does. */
  find(
    view: string,
    query: DocumentQuery,
    seen?: SeenOptions,
  ): Promise<{
    readonly documents: readonly { readonly id: string; readonly data: unknown }[];
    readonly next?: DocumentPage["next"];
  }>;
  /** Whether the handler of the command runs here now. */
  handles(type: string): boolean;
  /**
   * Hands a command to its handler in this process, and resolves to the answer once what it says is
   * committed. Throws BAD_PAYLOAD naming the field, UNREACHABLE where nothing here handles it,
   * HANDLER_FAILED, PARKED, OVERLOADED, DEADLINE, CLOSED.
   */
  ask(draft: Draft, options: AskOptions): Promise<Answer>;
  /** Throws STORE_FAILED. */
  outbox(): Promise<OutboxStatus>;
  /** Replies that nobody waited for any more, since the start of the process. */
  readonly droppedReplies: number;
  /**
   * The state of a decider's entity after some of its events. Throws BAD_ARGUMENT for a part that is no
   * decider.
   */
  stateOf(decider: string, key: string, at?: StateAt): Promise<EntityState>;
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
  /** Instances of a saga by id, in pages. Throws NOT_FOUND for a saga that the service has not. */
  listSagas(saga: string, filter?: InstanceFilter): Promise<InstancePage>;
  /** Throws NOT_FOUND. */
  showSaga(saga: string, instance: string): Promise<ShownInstance>;
  /**
   * Sends the undo again at which an instance is stuck. Resolves when that is durably asked for; throws
   * NOT_FOUND, and CONFLICT for an instance that is not stuck.
   */
  retrySaga(saga: string, instance: string): Promise<void>;
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
