/** Replays, by the places and names that people use. */

import { MillraceError } from "../../model/errors.ts";
import type { ReplayPlan as ServicePlan } from "../../service/replay/plan-replay.ts";
import type { ReplayRequest as ServiceRequest } from "../../service/replay/replay-request.ts";
import type { ReplayOutcome, ReplayProgress } from "../../service/replay/run-replay.ts";
import type { RunningService } from "../../service/running/running-service.ts";
import type { RepairOptions } from "../admin.ts";
import type { Job, ReplayPlan, ReplayRequest } from "../api/replay-admin.ts";
import { streamsOf, type AdminContext } from "../context.ts";
import { locate } from "../locate.ts";
import { requirePart } from "../services/pauses.ts";
import type { JobBook, JobEnd, JobProgress } from "./job-book.ts";

const FAILURES_SHOWN = 100;

export async function planReplay(
  context: AdminContext,
  request: ReplayRequest,
): Promise<ReplayPlan> {
  const { running, replay } = await prepared(context, request);
  const { stream, ranges, messages, effects, ...rest } = await running.planReplay(replay);
  return {
    part: request.part,
    mode: request.mode,
    ranges: ranges.map((range) => ({ stream, ...range })),
    messages,
    effects,
    notes: notesOf(rest),
  };
}

/** The plan is made first, so that what cannot be is refused and no job. */
export async function startReplay(
  context: AdminContext,
  jobs: JobBook,
  request: ReplayRequest,
  { by = "unknown" }: Pick<RepairOptions, "by">,
): Promise<Job> {
  const { running, replay } = await prepared(context, request);
  const { stream, total } = await running.planReplay(replay);
  const id = request.resume ?? context.environment.ids.newId();
  return jobs.start({
    id,
    kind: "replay",
    what: `replay ${total} messages of ${stream} to ${request.part} in the mode ${request.mode}`,
    by,
    total,
    run: async (signal, progress) => {
      const outcome = await running.runReplay(replay, {
        id,
        signal,
        onProgress: (now) => progress(progressOf(now)),
      });
      // A person has ended it for good; one that the service's stop ended can be gone on with.
      if (!outcome.complete && cancelledByPerson(signal)) {
        await running.discardReplay(replay.part, id);
      }
      return endOf(outcome, stream);
    },
  });
}

function cancelledByPerson({ reason }: AbortSignal): boolean {
  return reason instanceof MillraceError && reason.code === "CANCELLED";
}

interface Prepared {
  readonly running: RunningService;
  readonly replay: ServiceRequest;
}

/** Throws BAD_ARGUMENT, UNKNOWN_STREAM, OFFSET_OUT_OF_RANGE, UNREACHABLE where the service does not run. */
async function prepared(
  context: AdminContext,
  { part: name, stream: named, partition, from, to = "end", mode }: ReplayRequest,
): Promise<Prepared> {
  const { known, part } = requirePart(context, name);
  if (known.running === undefined) {
    throw new MillraceError(
      "UNREACHABLE",
      `the service ${known.service.name} does not run here, and only at work it replays; start it first`,
      { details: { service: known.service.name } },
    );
  }
  const common = { part: part.name, mode, ...(named !== undefined && { stream: named }) };
  const read = part.from.filter(({ kind }) => kind === "stream").map((channel) => channel.name);
  const stream = named ?? (read.length === 1 ? read[0] : undefined);
  // Which stream is missing or wrong, the service says itself.
  if (stream === undefined || !read.includes(stream)) {
    return { running: known.running, replay: common };
  }
  const streams = streamsOf(context);
  const info = await streams.describeStream(stream);
  const begin = await locate(streams, info, from, { partition });
  const end = await locate(streams, info, to, { partition });
  const ranges = begin.map(({ partition: number, offset }, at) => ({
    partition: number,
    from: offset,
    to: Math.max(offset, end[at]?.offset ?? offset),
  }));
  return { running: known.running, replay: { ...common, ranges } };
}

function notesOf({
  mode,
  unreadable,
  unrecorded,
}: Pick<ServicePlan, "mode" | "unreadable" | "unrecorded">): readonly string[] {
  const redo = mode === "redo";
  const notes = [
    redo
      ? "effects are called again and messages go out again, with the same idempotency keys and ids"
      : "documents are written again; effects are answered from the journal, and nothing is sent",
  ];
  if (unreadable > 0) notes.push(`${unreadable} messages cannot be read and will be reported`);
  if (unrecorded > 0) {
    const then = redo ? "it is called for the first time" : "the message fails";
    notes.push(`${unrecorded} messages have no recorded effect: where one is called, ${then}`);
  }
  return notes;
}

function progressOf({ done, total, handled, failed, withheld }: ReplayProgress): JobProgress {
  return { done, total, counts: { handled, failed, withheld } };
}

function endOf(outcome: ReplayOutcome, stream: string): JobEnd {
  const { complete, failures, heldBack } = outcome;
  const { counts, ...progress } = progressOf(outcome);
  return {
    ...progress,
    counts: { ...counts, heldBack },
    complete,
    failures: failures.slice(0, FAILURES_SHOWN).map(({ partition, offset, id, code, message }) => ({
      stream,
      partition,
      offset,
      id,
      code,
      message,
    })),
  };
}
