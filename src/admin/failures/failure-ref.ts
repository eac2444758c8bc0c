/** References to failures: `q:QUEUE:SEQUENCE` and `s:SERVICE:PART:ROW`. Names hold no colon. */

import { MillraceError } from "../../model/errors.ts";

export type FailureRef =
  | { readonly place: "queue"; readonly queue: string; readonly sequence: number }
  | {
      readonly place: "store";
      readonly service: string;
      readonly part: string;
      readonly row: number;
    };

export function formatFailureRef(ref: FailureRef): string {
  return ref.place === "queue"
    ? `q:${ref.queue}:${ref.sequence}`
    : `s:${ref.service}:${ref.part}:${ref.row}`;
}

/** Throws BAD_ARGUMENT. */
export function parseFailureRef(text: string): FailureRef {
  const [place, ...fields] = text.split(":");
  const number = /^\d{1,16}$/.test(fields.at(-1) ?? "") ? Number(fields.at(-1)) : Number.NaN;
  const named = Number.isSafeInteger(number) && fields.every((field) => field !== "");
  const [first = "", second = ""] = fields;
  if (named && place === "q" && fields.length === 2) {
    return { place: "queue", queue: first, sequence: number };
  }
  if (named && place === "s" && fields.length === 3) {
    return { place: "store", service: first, part: second, row: number };
  }
  throw new MillraceError(
    "BAD_ARGUMENT",
    `${JSON.stringify(text.slice(0, 100))} names no failure; use a reference as the list shows it, such as q:order-desk:17 or s:shop:refunds:42`,
    { details: { argument: "ref" } },
  );
}
