/**
 * Offset expressions: how people say from where to read and where to seek.
 *
 *     start                 the oldest kept message
 *     end                   after the newest message
 *     -10                   ten messages before the end, or the start where fewer are kept
 *     +5                    five after the group's position (no group: after the start), at most the end
 *     123                   this offset
 *     @2026-01-01T00:00     the first message appended at or after this moment; UTC unless it says
 *     0:120,1:7             an offset for each partition; the start for those left out
 *
 * All but the last hold for each partition by itself. Parsing is pure; what an expression means in a
 * given log is worked out in `locate.ts`.
 */

import { MillraceError } from "../model/errors.ts";

export type OffsetExpression =
  | { readonly at: "start" }
  | { readonly at: "end" }
  | { readonly at: "beforeEnd"; readonly count: number }
  | { readonly at: "afterPosition"; readonly count: number }
  | { readonly at: "offset"; readonly offset: number }
  | { readonly at: "time"; readonly timeMs: number }
  | { readonly at: "offsets"; readonly offsets: ReadonlyMap<number, number> };

const FORMS = "start, end, -10, +5, 123, @2026-01-01T00:00 or 0:120,1:7";

const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/;

/** Throws BAD_ARGUMENT, naming the forms. */
export function parseOffsetExpression(text: string): OffsetExpression {
  if (text === "start") return { at: "start" };
  if (text === "end") return { at: "end" };
  if (/^-\d+$/.test(text)) return { at: "beforeEnd", count: wholeNumber(text.slice(1), text) };
  if (/^\+\d+$/.test(text)) return { at: "afterPosition", count: wholeNumber(text.slice(1), text) };
  if (/^\d+$/.test(text)) return { at: "offset", offset: wholeNumber(text, text) };
  if (text.startsWith("@")) return { at: "time", timeMs: moment(text) };
  if (/^\d+:\d+(,\d+:\d+)*$/.test(text))
    return { at: "offsets", offsets: offsetsByPartition(text) };
  throw notAnExpression(text, `use one of ${FORMS}`);
}

/** The expression that reads from just these offsets. */
export function formatOffsets(
  offsets: Iterable<{ readonly partition: number; readonly offset: number }>,
): string {
  return Array.from(offsets, ({ partition, offset }) => `${partition}:${offset}`).join(",");
}

function offsetsByPartition(text: string): ReadonlyMap<number, number> {
  const offsets = new Map<number, number>();
  for (const pair of text.split(",")) {
    const [partition = "", offset = ""] = pair.split(":");
    const number = wholeNumber(partition, text);
    if (offsets.has(number)) throw notAnExpression(text, `it names partition ${number} twice`);
    offsets.set(number, wholeNumber(offset, text));
  }
  return offsets;
}

function moment(text: string): number {
  const match = DATE_TIME.exec(text.slice(1));
  const [, date = "", time = "00:00", zone = "Z"] = match ?? [];
  const timeMs = match === null ? Number.NaN : Date.parse(`${date}T${time}${zone}`);
  // Date.parse takes the 31st of February for the 3rd of March.
  if (Number.isNaN(timeMs) || new Date(`${date}T00:00Z`).toISOString().slice(0, 10) !== date) {
    throw notAnExpression(
      text,
      "after @ stands a moment such as 2026-01-01, 2026-01-01T00:00 or 2026-01-01T00:00:00+01:00",
    );
  }
  return timeMs;
}

function wholeNumber(digits: string, text: string): number {
  const number = Number(digits);
  if (!Number.isSafeInteger(number)) {
    throw notAnExpression(text, `the largest offset is ${Number.MAX_SAFE_INTEGER}`);
  }
  return number;
}

function notAnExpression(text: string, advice: string): MillraceError {
  return new MillraceError(
    "BAD_ARGUMENT",
    `${JSON.stringify(text.slice(0, 100))} is no offset expression: ${advice}`,
    { details: { argument: "offset", forms: FORMS.split(/, | or /) } },
  );
}
