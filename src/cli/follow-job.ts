import type { Admin } from "../admin/admin.ts";
import type { Job } from "../admin/api/replay-admin.ts";
import { delay } from "../model/clock.ts";
import { isErrorCode, MillraceError } from "../model/errors.ts";
import type { CommandContext } from "./context.ts";

const LOOK_MS = 250;

/** Resolves with the job when it has ended, of itself or because it was interrupted here. */
export async function followJob(
  { output, environment, signal, by }: CommandContext,
  admin: Admin,
  started: Job,
): Promise<Job> {
  const unit = started.kind === "replay" ? "messages" : "bytes";
  let job = started;
  while (job.state === "running") {
    output.progress(`${job.done} of ${job.total} ${unit}`);
    await delay(environment.clock, LOOK_MS, signal).catch(() => undefined);
    job = signal.aborted ? await admin.cancelJob(job.id, { by }) : await admin.showJob(job.id);
    if (signal.aborted && job.state === "running") await delay(environment.clock, LOOK_MS);
  }
  output.progress("");
  return job;
}

/** Throws what a job failed with; a defect of the other process stays one here. */
export function throwFailure({ state, error, what }: Job): void {
  if (state === "done") return;
  if (error === undefined) throw new MillraceError("CANCELLED", `${what}: the job was cancelled`);
  throw isErrorCode(error.code)
    ? new MillraceError(error.code, error.message)
    : new Error(error.message);
}
