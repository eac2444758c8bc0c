/**
 * The four kinds of failure (law 3). What happens next depends on the kind alone:
 *
 * - `bad-message`: it can never be handled, or not before a person has done something; its key parks at
 *   once.
 * - `dependency-down`: nothing is wrong with the message; the input pauses and probes, nothing parks.
 * - `bug`: anything else that is thrown; tried again with growing pauses, then its key parks.
 * - `cancelled`: the work was called off; it does not count as a try.
 */

import { isMillraceError, MillraceError } from "../model/errors.ts";
import type { Random } from "../model/ids.ts";
import type { ParkCause } from "../store/write-set.ts";
import type { FailurePolicy } from "./part.ts";

export type FailureKind = "bad-message" | "dependency-down" | "bug" | "cancelled";

/** The bound of texts that are kept with a failed message. */
const TEXT_MAX = 2000;

/** Thrown by a handler: this message can never be handled, so park it without trying again. */
export function badMessage(why: string, options: { readonly cause?: unknown } = {}): MillraceError {
  return new MillraceError("BAD_MESSAGE", why, options);
}

/**
 * Thrown by a handler: what it depends on is down, so pause and probe instead of parking. The probe
 * comes after the policy's backoff, and not before `retryAfterMs`, if the dependency said when.
 */
export function dependencyDown(
  why: string,
  { cause, retryAfterMs }: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
): MillraceError {
  return new MillraceError("DEPENDENCY_DOWN", why, {
    cause,
    ...(retryAfterMs !== undefined && { details: { retryAfterMs } }),
  });
}

/** The longest that a dependency may ask to be left alone: a wrong answer must not stop a part for days. */
const RETRY_AFTER_MS_MAX = 3_600_000;

/** How long the dependency asked to be left alone; 0 where it did not say. */
export function retryAfterMsOf(error: unknown): number {
  const asked = isMillraceError(error, "DEPENDENCY_DOWN") ? error.details["retryAfterMs"] : 0;
  return typeof asked === "number" && asked > 0 ? Math.min(asked, RETRY_AFTER_MS_MAX) : 0;
}

/**
 * The kind of what a worker threw.
 *
 * The store's own failures count as a dependency that is down. Any other code thrown by a handler is
 * a bug: also BAD_PAYLOAD, which there means that the handler emitted something wrong.
 */
export function kindOfFailure(error: unknown, signal: AbortSignal): FailureKind {
  if (signal.aborted) return "cancelled";
  if (isMillraceError(error)) {
    if (error.code === "BAD_MESSAGE" || error.code === "ADDRESS_REFUSED") return "bad-message";
    if (error.code === "DEPENDENCY_DOWN" || isStoreOutage(error)) return "dependency-down";
  }
  return "bug";
}

/** Whether the store failed in a way that the same call may survive later. */
export function isStoreOutage(error: unknown): error is MillraceError {
  return (
    isMillraceError(error) &&
    error.retryable &&
    (error.code === "STORE_FAILED" || error.code === "DISK_FULL" || error.code === "UNREACHABLE")
  );
}

/** What is kept of a failure beside its message. */
export function parkCause(error: unknown, kind: ParkCause["kind"], attempts: number): ParkCause {
  const text = (value: unknown): string => shown(value).slice(0, TEXT_MAX);
  if (!(error instanceof Error)) return { kind, code: "Error", message: text(error), attempts };
  return {
    kind,
    code: isMillraceError(error) ? error.code : text(error.name),
    message: text(error.message),
    ...(error.stack !== undefined && { stack: text(error.stack) }),
    attempts,
  };
}

/**
 * The pause after the given number of failures: doubling up to the policy's bound, of which the
 * second half is random, so that many that failed together do not come back together.
 */
export function backoffMs(
  failures: number,
  { backoffMs: first, backoffMsMax }: Pick<FailurePolicy, "backoffMs" | "backoffMsMax">,
  random: Random,
): number {
  const full = Math.min(backoffMsMax, first * 2 ** Math.min(failures - 1, 40));
  return full * (0.5 + random.next() / 2);
}

export function textOf(error: unknown): string {
  return shown(error instanceof Error ? error.message : error);
}

/** Handlers throw whatever they like, and what has no text must not end the input that it fails on. */
function shown(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `a thrown ${typeof value} that has no text`;
  }
}
