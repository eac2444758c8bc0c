/** Checks that hold on every broker: names, sizes and ranges, before anything is sent (law 12). */

import { MillraceError } from "../model/errors.ts";
import type { RawMessage } from "../model/message.ts";
import { LIMITS } from "../model/limits.ts";
import type { QueueSpec } from "./queues.ts";
import type { Compaction, DedupeWindow, Durability, Retention, StreamSpec } from "./streams.ts";

const NAME = /^[A-Za-z0-9._-]+$/;
const encoder = new TextEncoder();
const SETTING_LENGTH_MAX = 4_096;

/** How long a delay or a lease may be: a year. */
const DURATION_MS_MAX = 366 * 24 * 60 * 60 * 1000;

/** Throws BAD_ARGUMENT unless the name is one that Kafka would take for a topic. */
export function checkName(kind: "stream" | "queue" | "group", name: string): void {
  const fits =
    name.length <= LIMITS.nameLengthMax && NAME.test(name) && name !== "." && name !== "..";
  if (fits) return;
  throw new MillraceError(
    "BAD_ARGUMENT",
    `${JSON.stringify(name)} is no name for a ${kind}; use 1 to ${LIMITS.nameLengthMax} letters, digits, dots, underscores or hyphens`,
    { details: { kind, name } },
  );
}

/** Throws BAD_ARGUMENT unless `value` is a whole number within the bounds. */
export function checkWhole(
  what: string,
  value: number,
  { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new MillraceError(
    "BAD_ARGUMENT",
    `${what} is ${value}; give a whole number from ${min} to ${max}`,
    { details: { what, min, max } },
  );
}

/** Throws BAD_ARGUMENT unless `value` is a duration in milliseconds, fractions allowed. */
export function checkDuration(what: string, value: number): void {
  if (Number.isFinite(value) && value >= 0 && value <= DURATION_MS_MAX) return;
  throw new MillraceError(
    "BAD_ARGUMENT",
    `${what} is ${value}; give milliseconds from 0 to ${DURATION_MS_MAX} (366 days)`,
    { details: { what } },
  );
}

/** Throws TOO_LARGE when one call carries more messages than a broker takes at once. */
export function checkBatchCount(what: string, count: number): void {
  if (count <= LIMITS.batchCountMax) return;
  throw new MillraceError(
    "TOO_LARGE",
    `${what} carries ${count} messages, more than ${LIMITS.batchCountMax}; send several smaller batches`,
    { details: { count, limit: LIMITS.batchCountMax } },
  );
}

export function checkStreamSpec(spec: StreamSpec): void {
  checkName("stream", spec.name);
  checkWhole(`partitions of ${spec.name}`, spec.partitions, { min: 1, max: LIMITS.partitionsMax });
  checkRetention(spec.name, spec.retention);
  checkDurability(spec.name, spec.durability);
  checkDedupe(spec.name, spec.dedupe);
  checkCompaction(spec.name, spec.compaction);
  checkSettings(spec.name, spec.settings);
}

export function checkQueueSpec(spec: QueueSpec): void {
  checkName("queue", spec.name);
  if (spec.attempts !== undefined) {
    checkWhole(`attempts of ${spec.name}`, spec.attempts, { min: 1, max: 1_000_000 });
  }
  if (spec.leaseMs !== undefined) {
    checkWhole(`leaseMs of ${spec.name}`, spec.leaseMs, { min: 1, max: DURATION_MS_MAX });
  }
  if (spec.depthMax !== undefined)
    checkWhole(`depthMax of ${spec.name}`, spec.depthMax, { min: 1 });
  checkDurability(spec.name, spec.durability);
  checkDedupe(spec.name, spec.dedupe);
}

function checkRetention(name: string, retention: Retention | undefined): void {
  if (retention?.ageMs !== undefined) checkWhole(`ageMs of ${name}`, retention.ageMs, { min: 1 });
  if (retention?.bytes !== undefined) checkWhole(`bytes of ${name}`, retention.bytes, { min: 1 });
  if (retention?.count !== undefined) checkWhole(`count of ${name}`, retention.count, { min: 1 });
}

function checkDurability(name: string, durability: Durability | undefined): void {
  if (durability?.mode !== "interval") return;
  checkWhole(`intervalMs of ${name}`, durability.intervalMs, { min: 1, max: 60_000 });
}

function checkDedupe(name: string, dedupe: DedupeWindow | undefined): void {
  if (dedupe === undefined) return;
  checkWhole(`dedupe count of ${name}`, dedupe.count, { min: 1, max: 10_000_000 });
  checkWhole(`dedupe ms of ${name}`, dedupe.ms, { min: 1 });
}

function checkCompaction(name: string, compaction: Compaction | undefined): void {
  if (compaction === undefined) return;
  const { minLagMs = 0, maxLagMs = Number.MAX_SAFE_INTEGER, tombstoneMs = 0 } = compaction;
  checkWhole(`minLagMs of ${name}`, minLagMs, { min: 0 });
  checkWhole(`maxLagMs of ${name}`, maxLagMs, { min: Math.max(1, minLagMs) });
  checkWhole(`tombstoneMs of ${name}`, tombstoneMs, { min: 0 });
}

/** They are small facts, kept with the stream's name: not a place for data. */
function checkSettings(name: string, settings: StreamSpec["settings"] = {}): void {
  const entries = Object.entries(settings);
  checkWhole(`the number of settings of ${name}`, entries.length, {
    min: 0,
    max: LIMITS.headersMax,
  });
  for (const [key, value] of entries) {
    const fits = NAME.test(key) && key.length <= LIMITS.nameLengthMax;
    if (fits && typeof value === "string" && value.length <= SETTING_LENGTH_MAX) continue;
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${JSON.stringify(key.slice(0, 80))} is no setting for ${name}; use a name of 1 to ${LIMITS.nameLengthMax} letters, digits, dots, underscores or hyphens, and a text of at most ${SETTING_LENGTH_MAX} letters`,
      { details: { stream: name, setting: key.slice(0, 80) } },
    );
  }
}

/**
 * The length in UTF-8, exact when it may pass `limit` and otherwise at most three bytes a letter.
 */
function textBytes(text: string, limit: number): number {
  return text.length * 3 <= limit ? text.length : encoder.encode(text).length;
}

/**
 * Refuses a message that is over a limit; undefined when it fits. `address` names where it would
 * go.
 *
 * Returned and not thrown, because one message of a batch fails without the others.
 */
export function tooLarge(address: string, message: RawMessage): MillraceError | undefined {
  const { key, headers, value } = message;
  let bytes = value === null ? 0 : value.length;
  if (key !== null) {
    const keyBytes = typeof key === "string" ? textBytes(key, LIMITS.keyBytesMax) : key.length;
    if (keyBytes > LIMITS.keyBytesMax) {
      return refusal(address, "key", keyBytes, LIMITS.keyBytesMax, "bytes");
    }
    bytes += keyBytes;
  }
  if (headers.length > LIMITS.headersMax) {
    return refusal(address, "header list", headers.length, LIMITS.headersMax, "headers");
  }
  for (const [name, content] of headers) {
    const headerBytes =
      textBytes(name, LIMITS.headerBytesMax) +
      (typeof content === "string" ? textBytes(content, LIMITS.headerBytesMax) : content.length);
    if (headerBytes > LIMITS.headerBytesMax) {
      return refusal(
        address,
        `header ${name.slice(0, 80)}`,
        headerBytes,
        LIMITS.headerBytesMax,
        "bytes",
      );
    }
    bytes += headerBytes;
  }
  if (bytes <= LIMITS.messageBytesMax) return undefined;
  return refusal(address, "message", bytes, LIMITS.messageBytesMax, "bytes");
}

function refusal(
  address: string,
  what: string,
  found: number,
  limit: number,
  unit: string,
): MillraceError {
  return new MillraceError(
    "TOO_LARGE",
    `the ${what} for ${address} has ${found} ${unit}, more than ${limit}; store large data elsewhere and send a reference`,
    { details: { address, what, found, limit } },
  );
}
