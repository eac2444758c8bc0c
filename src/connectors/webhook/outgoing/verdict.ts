/**
 * What an answer means for the message (law 3). Pure.
 *
 * | answer | |
 * |---|---|
 * | 2xx | taken |
 * | 408, 425, 429, 502, 503, 504 | the receiver is down or asks for patience: the part pauses and probes, after `Retry-After` where it says so |
 * | other 5xx | it failed at this message: tried again with growing pauses, then parked |
 * | 3xx | never followed, because where it leads was not declared: parked |
 * | other 4xx | it will never take this message: parked |
 */

import { MillraceError } from "../../../model/errors.ts";
import { badMessage, dependencyDown } from "../../../service/failure.ts";
import type { Answer } from "./exchange.ts";

const DOWN: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

/** Undefined where the message was taken. `who` is the webhook and its origin, without secrets. */
export function failureOf(answer: Answer, who: string, nowMs: number): MillraceError | undefined {
  const { status, beginning } = answer;
  if (status >= 200 && status < 300) return undefined;
  const said = `${who} answered ${status}${beginning === "" ? "" : `: ${beginning}`}`;
  if (DOWN.has(status)) {
    const retryAfterMs = retryAfterMsOf(answer.retryAfter, nowMs);
    return dependencyDown(said, retryAfterMs === undefined ? {} : { retryAfterMs });
  }
  if (status >= 300 && status < 400) {
    return badMessage(
      `${who} answered ${status}, a redirect${originOf(answer.location)}, which is not followed; declare the url that it leads to`,
    );
  }
  if (status >= 400 && status < 500) return badMessage(said);
  return new MillraceError("DELIVERY_FAILED", said, { details: { status } });
}

/** Seconds, or a date of HTTP. */
function retryAfterMsOf(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** Of a location only what cannot hold a secret. */
function originOf(location: string | undefined): string {
  return location !== undefined && URL.canParse(location) ? ` to ${new URL(location).origin}` : "";
}
