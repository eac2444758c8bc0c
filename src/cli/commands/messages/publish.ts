/** `millrace publish`: one message from the argument, or many from standard input, a line each. */

import type { PublishRequest, Published } from "../../../admin/admin.ts";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import { LIMITS } from "../../../model/limits.ts";
import type { Outcome } from "../../../model/outcome.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { readLines, type Line } from "../../input/lines.ts";
import { parseMessage, parseTarget, type MessageMapping } from "../../input/message-input.ts";
import { createPace, paceStep, parseRate } from "../../input/pace.ts";
import { openSession, type Session } from "../../session.ts";

export interface PublishOptions extends GlobalOptions, Omit<MessageMapping, "to"> {
  readonly to?: string;
  readonly rate?: string;
}

/** A line is its payload, an envelope around it, and JSON's escapes. */
const LINE_BYTES_MAX = 2 * LIMITS.messageBytesMax;
/** Messages of one call: enough to share a sync among many, few enough to report soon. */
const STEP_MAX = 500;

interface Counts {
  published: number;
  duplicates: number;
  failed: number;
}

export async function publish(
  context: CommandContext,
  options: PublishOptions,
  json?: string,
): Promise<ExitCode> {
  const { to, ...fields } = options;
  const mapping = { ...fields, ...(to !== undefined && { to: parseTarget(to) }) };
  const rate = options.rate === undefined ? undefined : parseRate(options.rate);
  if (json === undefined && context.stdin.isTTY) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      'there is nothing to publish; pass a message such as \'{"type":"order.placed","data":{}}\', or lines of them on standard input',
    );
  }
  await using session = await openSession(context, { ensure: true });
  if (json !== undefined) return await publishOne(context, session, mapping, json);
  return await publishLines(context, session, mapping, rate);
}

async function publishOne(
  { environment, output }: CommandContext,
  { admin }: Session,
  mapping: MessageMapping,
  json: string,
): Promise<ExitCode> {
  const request = parseMessage(json, mapping, { nowMs: environment.clock.now() });
  const [outcome] = await admin.publish([request]);
  if (outcome === undefined || !outcome.ok) throw outcome?.error;
  await output.result(outcome.value, shownPlace(outcome.value));
  return EXIT.ok;
}

async function publishLines(
  context: CommandContext,
  session: Session,
  mapping: MessageMapping,
  rate: number | undefined,
): Promise<ExitCode> {
  const { environment, output, signal, stdin } = context;
  const counts: Counts = { published: 0, duplicates: 0, failed: 0 };
  const step = rate === undefined ? STEP_MAX : Math.min(STEP_MAX, paceStep(rate));
  const pace = rate === undefined ? undefined : createPace(environment.clock, rate, signal);
  signal.addEventListener("abort", () => stdin.destroy(), { once: true });
  try {
    for await (const lines of readLines(stdin, LINE_BYTES_MAX)) {
      for (let from = 0; from < lines.length; from += step) {
        const group = lines.slice(from, from + step);
        await pace?.(group.length);
        signal.throwIfAborted();
        await publishGroup(context, session, mapping, group, counts);
        output.progress(`${counts.published} published, ${counts.failed} failed`);
      }
    }
    signal.throwIfAborted();
  } finally {
    output.note(summary(counts));
  }
  return counts.failed === 0 ? EXIT.ok : EXIT.failed;
}

/** Publishes the good lines together and tells each line's outcome in the order of the lines. */
async function publishGroup(
  { environment, output }: CommandContext,
  { admin }: Session,
  mapping: MessageMapping,
  lines: readonly Line[],
  counts: Counts,
): Promise<void> {
  const nowMs = environment.clock.now();
  const requests = lines.map((line) => requestOf(line, mapping, nowMs));
  const good = requests.flatMap((request) => (request.ok ? [request.value] : []));
  const call = admin.publish(good).catch((error: unknown) => {
    throw error instanceof MillraceError ? inDoubt(error, lines, good) : error;
  });
  const outcomes = (await call).values();
  for (const [index, request] of requests.entries()) {
    const outcome = request.ok ? outcomes.next().value : request;
    if (outcome === undefined)
      throw new Error("the broker answered fewer messages than it was sent");
    const number = lines[index]!.number;
    if (outcome.ok) {
      counts.published++;
      if (outcome.value.duplicate) counts.duplicates++;
      if (output.json) await output.line(JSON.stringify({ line: number, ...outcome.value }));
    } else {
      counts.failed++;
      const { error } = outcome;
      if (output.json) await output.line(JSON.stringify({ line: number, error: error.toJSON() }));
      else output.note(`line ${number}: ${error.message} (${error.code})`);
    }
  }
}

/** The failure of a whole call leaves its lines in doubt; the error says which, and what to do. */
export function inDoubt(
  error: MillraceError,
  lines: readonly Pick<Line, "number">[],
  requests: readonly Pick<PublishRequest, "id">[],
): MillraceError {
  const [first, last] = [lines[0]?.number, lines.at(-1)?.number];
  const remedy = requests.every(({ id }) => id !== undefined)
    ? `publish again from line ${first}, ids make repeats count once`
    : "some have no id and would count twice if published again: read the end of the stream first, or name ids with --id-field from the start";
  return new MillraceError(
    error.code,
    `${error.message}; whether the lines ${first} to ${last} were published is unknown: ${remedy}`,
    { cause: error, details: error.details },
  );
}

function requestOf(
  { text }: Line,
  mapping: MessageMapping,
  nowMs: number,
): Outcome<PublishRequest> {
  if (typeof text !== "string") return { ok: false, error: text };
  try {
    return { ok: true, value: parseMessage(text, mapping, { nowMs }) };
  } catch (error) {
    if (error instanceof MillraceError) return { ok: false, error };
    throw error;
  }
}

/** Where it went, on one line. */
export function shownPlace({
  id,
  target,
  partition,
  offset,
  sequence,
  duplicate,
}: Published): string {
  const place =
    target.kind === "stream"
      ? `${target.name}[${partition}]@${offset}`
      : `${target.name}#${sequence}`;
  return `${id}  ${target.kind} ${place}${duplicate ? "  (published before)" : ""}`;
}

function summary({ published: count, duplicates, failed }: Counts): string {
  const repeats = duplicates === 0 ? "" : ` (${duplicates} of them before)`;
  return `${count} published${repeats}, ${failed} failed`;
}
