/** What every store refuses before it begins a transaction. */

import { assert } from "../model/assert.ts";
import { MillraceError } from "../model/errors.ts";
import { STORE_LIMITS } from "./limits.ts";
import type {
  Batch,
  DocumentWrite,
  EffectWrite,
  IndexValue,
  TimerCancel,
  TimerWrite,
  WriteSet,
} from "./write-set.ts";

/**
 * Throws TOO_LARGE or BAD_ARGUMENT, with the set's key in `details`, for what a caller's data can
 * cause; a batch that the runtime itself built wrongly breaks an invariant.
 */
export function checkBatch(batch: Batch): void {
  if (batch.sets.length > STORE_LIMITS.setsMax) {
    throw new MillraceError(
      "TOO_LARGE",
      `a batch has ${batch.sets.length} write sets, over the limit of ${STORE_LIMITS.setsMax}; split it`,
    );
  }
  const keys = new Set<string>();
  for (const set of batch.sets) {
    assert(!keys.has(set.key), `each key stands once in a batch: ${set.key}`);
    keys.add(set.key);
    checkSet(set, batch);
  }
}

function checkSet(set: WriteSet, batch: Batch): void {
  assert(
    batch.lane !== undefined || set.outgoing === undefined || set.outgoing.length === 0,
    "a batch with outgoing messages names its lane",
  );
  assert(
    batch.input !== undefined || (set.finishes.length === 0 && (set.park ?? []).length === 0),
    "a batch that settles or parks messages names their input",
  );
  assert(
    batch.input?.log !== undefined || set.finishes.every(({ offset }) => offset === undefined),
    "a batch that finishes offsets names their log",
  );
  assert(
    set.finishes.every(
      ({ timer, offset, mark }) =>
        timer === undefined || (offset === undefined && mark === undefined),
    ),
    "a timer has no place in an input",
  );
  const documents = set.documents ?? [];
  for (const write of documents) checkDocument(write, set.key);
  assert(
    documents.length < 2 ||
      new Set(documents.map(({ collection, id }) => JSON.stringify([collection, id]))).size ===
        documents.length,
    `a set writes each document once: ${set.key}`,
  );
  const entities = (set.events ?? []).map((write) => write.entity);
  for (const entity of entities) checkName("entity", entity, set.key);
  assert(
    new Set(entities).size === entities.length,
    `a set appends to each entity once: ${set.key}`,
  );
  for (const write of set.timers ?? []) checkTimer(write, set.key);
  for (const write of set.effects ?? []) checkEffect(write, set.key);
  for (const { key, cause } of set.park ?? []) {
    checkName("key", key, set.key);
    checkMoment("retryAtMs", cause?.retryAtMs, set.key);
  }
  for (const { cause } of set.repark ?? []) checkMoment("retryAtMs", cause.retryAtMs, set.key);
}

function checkTimer(timer: TimerWrite | TimerCancel, key: string): void {
  checkName("consumer of a timer", timer.consumer, key);
  checkName("instance of a timer", timer.instance, key);
  if (timer.name !== undefined) checkName("timer", timer.name, key);
  if (!("id" in timer)) return;
  checkName("id of a timer", timer.id, key);
  checkMoment(`moment of timer ${timer.name} of ${timer.instance}`, timer.dueMs, key);
}

function checkEffect({ consumer, message, name, json, atMs }: EffectWrite, key: string): void {
  checkName("consumer of an effect", consumer, key);
  checkName("message of an effect", message, key);
  checkName("effect", name, key);
  checkMoment(`moment of effect ${name} of message ${message}`, atMs, key);
  if (isLongerThan(json, STORE_LIMITS.effectBytesMax)) {
    throw new MillraceError(
      "TOO_LARGE",
      `the answer of effect ${name} of message ${message} is over the limit of ` +
        `${STORE_LIMITS.effectBytesMax} bytes; return only what the handler needs of it`,
      { details: { key, message, name } },
    );
  }
}

function checkMoment(what: string, ms: number | undefined, key: string): void {
  if (ms === undefined || Number.isFinite(ms)) return;
  throw new MillraceError("BAD_ARGUMENT", `${what} is ${ms}; it must be a finite number`, {
    details: { key },
  });
}

function checkDocument({ collection, id, json, indexed }: DocumentWrite, key: string): void {
  checkName("document id", id, key);
  if (json !== null && isLongerThan(json, STORE_LIMITS.documentBytesMax)) {
    throw new MillraceError(
      "TOO_LARGE",
      `document ${id} of ${collection} is over the limit of ${STORE_LIMITS.documentBytesMax} bytes; ` +
        `split it, or keep large content elsewhere and its address here`,
      { details: { key, collection, id } },
    );
  }
  for (const [field, value] of Object.entries(indexed ?? {})) {
    checkIndexValue(value, `${collection}.${field} of document ${id}`, key);
  }
}

function checkIndexValue(value: IndexValue, what: string, key: string): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${what} is ${value}; an indexed number must be finite`,
      {
        details: { key },
      },
    );
  }
  if (typeof value === "string") checkName(what, value, key);
}

/** Names must survive UTF-8, and a zero character ends a text for some databases. */
function checkName(what: string, name: string, key: string): void {
  if (name.length > STORE_LIMITS.nameLengthMax) {
    throw new MillraceError(
      "TOO_LARGE",
      `${what} has ${name.length} characters, over the limit of ${STORE_LIMITS.nameLengthMax}; shorten it`,
      { details: { key } },
    );
  }
  if (!name.isWellFormed() || name.includes("\0")) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${what} ${JSON.stringify(name)} holds half a surrogate pair or a zero character; remove it`,
      { details: { key } },
    );
  }
}

/** Whether the text takes more bytes as UTF-8; counts them only where the length leaves it open. */
function isLongerThan(text: string, bytesMax: number): boolean {
  if (text.length > bytesMax) return true;
  if (text.length * 3 <= bytesMax) return false;
  return new TextEncoder().encode(text).length > bytesMax;
}
