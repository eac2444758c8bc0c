/**
 * Replays: past messages given to a consumer again. What that does to the outside world is the mode's
 * to say, and the plan shows it before anything runs.
 */

import type { RepairOptions } from "../admin.ts";

/**
 * `rebuild`: documents are written again; effects are answered from the journal alone, and nothing is
 * sent. `redo`: effects are called and messages go out again, with the same idempotency keys and ids.
 */
export type ReplayMode = "rebuild" | "redo";

export interface ReplayRequest {
  /** `service.part`, a consumer. */
  readonly part: string;
  /** One of the streams that it reads; needed where it reads several. */
  readonly stream?: string;
  readonly partition?: number;
  /** Offset expressions; `to` is not included, and is the end seen at the call unless said. */
  readonly from: string;
  readonly to?: string;
  readonly mode: ReplayMode;
  /** The id of the job of a replay that a stop or a crash interrupted: it goes on where that was. */
  readonly resume?: string;
}

export interface ReplayPlan {
  readonly part: string;
  readonly mode: ReplayMode;
  readonly ranges: readonly {
    readonly stream: string;
    readonly partition: number;
    readonly from: number;
    readonly to: number;
  }[];
  /** Messages in the ranges that the part handles, by type. */
  readonly messages: Readonly<Record<string, number>>;
  /** Effects whose answers are recorded for these messages, by name. */
  readonly effects: Readonly<Record<string, number>>;
  /** What the mode means for this part, a sentence each. */
  readonly notes: readonly string[];
}

/** Work that goes on in the process that was asked. Ended jobs are kept as long as the process lives,
 * the last hundred. */
export interface Job {
  readonly id: string;
  readonly kind: "replay" | "backup" | "verify";
  /** What it does, as it ends a sentence. */
  readonly what: string;
  readonly by: string;
  readonly state: "running" | "done" | "failed" | "cancelled";
  readonly startedMs: number;
  readonly endedMs?: number;
  /** Messages done so far, of `total`; bytes, where it reads files. */
  readonly done: number;
  readonly total: number;
  /** What it counted: handled, failed, withheld (messages that a rebuild did not send), … */
  readonly counts: Readonly<Record<string, number>>;
  readonly error?: { readonly code: string; readonly message: string };
  /** Messages that failed, the first hundred: they are reported here and not parked. */
  readonly failures: readonly {
    readonly stream: string;
    readonly partition: number;
    readonly offset: number;
    readonly id: string;
    readonly code: string;
    readonly message: string;
  }[];
}

export interface ReplayAdmin {
  /** Touches nothing. Throws BAD_ARGUMENT, UNKNOWN_STREAM, OFFSET_OUT_OF_RANGE. */
  planReplay(request: ReplayRequest): Promise<ReplayPlan>;
  /** Starts it and answers with the job at once. */
  runReplay(request: ReplayRequest, options?: Pick<RepairOptions, "by">): Promise<Job>;
  /** The newest first. */
  listJobs(): Promise<readonly Job[]>;
  /** Throws NOT_FOUND. */
  showJob(id: string): Promise<Job>;
  /**
   * Ends it when what is out is finished, and forgets how far it was; harmless for one that has ended.
   * Throws NOT_FOUND.
   */
  cancelJob(id: string, options?: Pick<RepairOptions, "by">): Promise<Job>;
}
