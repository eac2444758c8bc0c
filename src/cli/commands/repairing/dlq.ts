/** `millrace dlq`: dead letters of queues and messages parked in stores, told apart by their `ref`. */

import type { Failure, FailureFilter } from "../../../admin/admin.ts";
import { writeShown } from "../../../http/shown-json.ts";
import { printable } from "../../../host/text/printable.ts";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import { confirm } from "../../terminal/confirm.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";
import type { Column } from "../../terminal/table.ts";

export interface ListOptions extends GlobalOptions, FailureFilter {
  readonly limit?: number;
  readonly after?: string;
}

export interface RepairOptions extends GlobalOptions, FailureFilter {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const COLUMNS: readonly Column<Failure>[] = [
  { title: "ref", value: ({ ref }) => ref },
  { title: "type", value: ({ envelope }) => envelope?.type },
  { title: "key", value: ({ key }) => key },
  { title: "failed", value: ({ failedMs }) => new Date(failedMs).toISOString() },
  { title: "attempts", value: ({ attempts }) => attempts },
  { title: "state", value: stateOf },
  { title: "cause", value: ({ cause }) => (cause ? `${cause.code}: ${cause.message}` : undefined) },
];

function stateOf({ waiting, redriving }: Failure): string {
  if (redriving) return "redriving";
  return waiting ? "waits behind another" : "failed";
}

export async function list(
  context: CommandContext,
  { queue, part, limit, after }: ListOptions,
): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const failures = await session.admin.listFailures({
    ...filterOf({ queue, part }),
    ...(limit !== undefined && { limit }),
    ...(after !== undefined && { after }),
  });
  await output.shown(failures, COLUMNS, "no failures");
  return EXIT.ok;
}

export async function show(
  context: CommandContext,
  _options: GlobalOptions,
  ref: string,
): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const failure = await session.admin.showFailure(ref);
  if (output.json) await output.line(writeShown(failure));
  else for (const line of detailLines(failure)) await output.line(line);
  return EXIT.ok;
}

export async function redrive(
  context: CommandContext,
  options: RepairOptions,
  ...refs: string[]
): Promise<ExitCode> {
  const chosen = choose(options, refs);
  const { output, by } = context;
  await using session = await openSession(context);
  const dryRun = options.dryRun === true;
  const { count } = await session.admin.redrive(chosen, { dryRun, by });
  const done = dryRun ? "would run again" : "will run again";
  await output.result({ count, dryRun }, `${messages(count)} ${done}`);
  return EXIT.ok;
}

export async function discard(
  context: CommandContext,
  options: RepairOptions,
  ...refs: string[]
): Promise<ExitCode> {
  const chosen = choose(options, refs);
  const { output, by } = context;
  await using session = await openSession(context);
  const planned = await session.admin.discard(chosen, { dryRun: true });
  if (options.dryRun === true) {
    const value = { count: planned.count, dryRun: true };
    await output.result(value, `${messages(planned.count)} would be removed for good`);
    return EXIT.ok;
  }
  if (planned.count > 0) {
    const what = `remove ${messages(planned.count)} for good`;
    await confirm(context, { what, yes: options.yes });
  }
  const { count } = await session.admin.discard(chosen, { by });
  await output.result({ count, dryRun: false }, `${messages(count)} removed for good`);
  return EXIT.ok;
}

/** Exactly one way of choosing: nobody discards everything by a forgotten argument. */
function choose(
  { queue, part, all = false }: RepairOptions,
  refs: readonly string[],
): readonly string[] | FailureFilter {
  const filtered = queue !== undefined || part !== undefined;
  const ways = [refs.length > 0, filtered, all].filter((given) => given).length;
  if (ways !== 1) {
    const problem = ways === 0 ? "nothing is chosen" : "refs, filters and --all exclude each other";
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${problem}; name refs from millrace dlq ls, or --queue, or --part, or --all`,
    );
  }
  return refs.length > 0 ? refs : filterOf({ queue, part });
}

function filterOf({
  queue,
  part,
}: {
  readonly queue: string | undefined;
  readonly part: string | undefined;
}): FailureFilter {
  return { ...(queue !== undefined && { queue }), ...(part !== undefined && { part }) };
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

function detailLines(failure: Failure): string[] {
  const { ref, input, part, key, failedMs, attempts, cause, envelope, dataJson, undecodable } =
    failure;
  const facts: readonly (readonly [name: string, value: string | number | undefined])[] = [
    ["ref", ref],
    ["input", input],
    ["part", part],
    ["key", key],
    ["state", stateOf(failure)],
    ["failed", new Date(failedMs).toISOString()],
    ["attempts", attempts],
    ["cause", cause && `${cause.code}: ${cause.message}`],
    ["envelope", envelope && JSON.stringify(envelope)],
    ["data", dataJson],
    ["undecodable", undecodable && `${undecodable.code}: ${undecodable.message}`],
    ["value", undecodable && `${undecodable.valueBase64} (base64)`],
  ];
  const lines = facts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(11)} ${printable(String(value))}`);
  const stack = cause?.stack?.split("\n").map((line) => `  ${printable(line)}`) ?? [];
  return [...lines, ...stack];
}
