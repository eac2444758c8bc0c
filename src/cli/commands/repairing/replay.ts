/** `millrace replay`: shows what a replay would do, and does it once that was confirmed. */

import type {
  Job,
  ReplayMode,
  ReplayPlan,
  ReplayRequest,
} from "../../../admin/api/replay-admin.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { followJob } from "../../follow-job.ts";
import { openSession } from "../../session.ts";
import { confirm } from "../../terminal/confirm.ts";

export interface ReplayOptions extends GlobalOptions {
  readonly from: string;
  readonly to?: string;
  readonly stream?: string;
  readonly partition?: number;
  readonly mode: ReplayMode;
  readonly resume?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export async function plan(
  context: CommandContext,
  options: ReplayOptions,
  part: string,
): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const planned = await session.admin.planReplay(requestOf(options, part));
  await output.result(planned, planLines(planned).join("\n"));
  return EXIT.ok;
}

/** Ends with 1 where the replay failed, or messages of it did; Ctrl-C ends the replay too. */
export async function run(
  context: CommandContext,
  options: ReplayOptions,
  part: string,
): Promise<ExitCode> {
  const { output, by } = context;
  if (options.dryRun === true) return plan(context, options, part);
  await using session = await openSession(context);
  const request = requestOf(options, part);
  const planned = await session.admin.planReplay(request);
  for (const line of planLines(planned)) output.note(line);
  const what = `replay ${messagesOf(planned)} of ${part} in the mode ${options.mode}`;
  await confirm(context, { what, yes: options.yes });
  const started = await session.admin.runReplay(request, { by });
  output.note(`job ${started.id}; where it is interrupted, go on with --resume ${started.id}`);
  const job = await followJob(context, session.admin, started);
  await output.result(job, jobText(job));
  for (const { stream, partition, offset, code, message } of job.failures) {
    output.note(`${stream}[${partition}]@${offset}: ${message} (${code})`);
  }
  context.signal.throwIfAborted();
  return job.state === "done" && job.failures.length === 0 ? EXIT.ok : EXIT.failed;
}

function requestOf(
  { from, to, stream, partition, mode, resume }: ReplayOptions,
  part: string,
): ReplayRequest {
  return {
    part,
    from,
    mode,
    ...(to !== undefined && { to }),
    ...(stream !== undefined && { stream }),
    ...(partition !== undefined && { partition }),
    ...(resume !== undefined && { resume }),
  };
}

function planLines({ part, mode, ranges, messages, effects, notes }: ReplayPlan): string[] {
  const listed = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ") || "none";
  return [
    `${part}, mode ${mode}`,
    ...ranges.map(
      ({ stream, partition, from, to }) => `  ${stream}[${partition}] from ${from} to ${to}`,
    ),
    `  messages: ${listed(messages)}`,
    `  recorded effects: ${listed(effects)}`,
    ...notes.map((note) => `  ${note}`),
  ];
}

function messagesOf({ messages }: ReplayPlan): string {
  const count = Object.values(messages).reduce((sum, each) => sum + each, 0);
  return count === 1 ? "1 message" : `${count} messages`;
}

function jobText({ state, done, total, counts, error }: Job): string {
  const counted = Object.entries(counts)
    .map(([name, count]) => `, ${name} ${count}`)
    .join("");
  const why = error === undefined ? "" : `: ${error.message} (${error.code})`;
  return `${state}: ${done} of ${total} messages${counted}${why}`;
}
