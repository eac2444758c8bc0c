/** The jobs of this process: work that was begun by a call and goes on after it. */

import type { Environment } from "../../model/environment.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import type { Job } from "../api/replay-admin.ts";

/** Ended jobs that are remembered. */
const ENDED_MAX = 100;

/** What is known of a job while it works, and at its end. */
export type JobProgress = Pick<Job, "done" | "total" | "counts">;
export type JobEnd = JobProgress & Pick<Job, "failures"> & { readonly complete: boolean };

export interface JobWork {
  readonly id: string;
  readonly kind: Job["kind"];
  readonly what: string;
  readonly by: string;
  readonly total: number;
  /** Ends early when the signal aborts, and then says that it is not complete. */
  readonly run: (signal: AbortSignal, progress: (progress: JobProgress) => void) => Promise<JobEnd>;
}

interface Entry {
  job: Job;
  readonly controller: AbortController;
}

export class JobBook {
  readonly #environment: Environment;
  /** In the order of their start. */
  readonly #entries = new Map<string, Entry>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Newest first. */
  list(): readonly Job[] {
    return [...this.#entries.values()].map(({ job }) => job).toReversed();
  }

  show(id: string): Job {
    return this.#entry(id).job;
  }

  cancel(id: string): Job {
    const { controller } = this.#entry(id);
    controller.abort(new MillraceError("CANCELLED", "the job was cancelled"));
    return this.show(id);
  }

  cancelAll(): void {
    for (const { controller, job } of this.#entries.values()) {
      if (job.state === "running") controller.abort(new MillraceError("CLOSED", "the tools close"));
    }
  }

  start({ id, kind, what, by, total, run }: JobWork): Job {
    const { clock, log } = this.#environment;
    const startedMs = clock.now();
    const state = "running";
    const nothing = { done: 0, counts: {}, failures: [] };
    const job: Job = { id, kind, what, by, state, startedMs, total, ...nothing };
    const entry: Entry = { job, controller: new AbortController() };
    // Of a job that is gone on with, the one before it is of no interest any more.
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    log.info({ job: id, kind, what, by }, "a job was started");
    const { signal } = entry.controller;
    const ended = run(signal, (progress) => (entry.job = { ...entry.job, ...progress })).then(
      ({ complete, ...end }): Partial<Job> => ({ ...end, state: complete ? "done" : "cancelled" }),
      (error: unknown): Partial<Job> => ({ state: "failed", error: factsOf(error) }),
    );
    void ended.then((end) => {
      entry.job = { ...entry.job, ...end, endedMs: clock.now() };
      log.info({ job: id, kind, state: entry.job.state, error: end.error }, "a job has ended");
      this.#forgetOld();
    });
    return entry.job;
  }

  #forgetOld(): void {
    const ended = [...this.#entries].filter(([, { job }]) => job.state !== "running");
    for (const [id] of ended.slice(0, Math.max(0, ended.length - ENDED_MAX))) {
      this.#entries.delete(id);
    }
  }

  #entry(id: string): Entry {
    const found = this.#entries.get(id);
    if (found !== undefined) return found;
    throw new MillraceError(
      "NOT_FOUND",
      `there is no job ${JSON.stringify(id.slice(0, 100))} in this process; jobs end with their process, and the last ${ENDED_MAX} that ended are remembered`,
      { details: { job: id.slice(0, 100) } },
    );
  }
}

function factsOf(error: unknown): { readonly code: string; readonly message: string } {
  if (isMillraceError(error)) return { code: error.code, message: error.message };
  return { code: "DEFECT", message: error instanceof Error ? error.message : String(error) };
}
