/**
 * Replays: past messages given to a consumer again. What that does to the outside world is the mode's
 * to say, and the plan shows it before anything runs.
 */

import type { RepairOptions } from "../admin.ts";

/**
 * `replay`: recorded answers of effects only, nothing is sent. `shadow`: the same, beside the live
 * consumer and answered from its journal. `redo`: effects are called and messages go out again, with
 * the same idempotency keys and ids.
 */
export type ReplayMode = "replay" | "shadow" | "redo";

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
  readonly kind: "replay";
  /** What it does, as it ends a sentence. */
  readonly what: string;
  readonly by: string;
  readonly state: "running" | "done" | "failed" | "cancelled";
  readonly startedMs: number;
  readonly endedMs?: number;
  /** Messages done so far, of `total`. */
  readonly done: number;
  readonly total: number;
  /** What it counted: handled, failed, effects answered from the journal, … */
  readonly counts: Readonly<Record<string, number>>;
  readonly error?: { readonly code: string; readonly message: string };
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
  /** Ends it after the message at hand; harmless for one that has ended. Throws NOT_FOUND. */
  cancelJob(id: string, options?: Pick<RepairOptions, "by">): Promise<Job>;
}
