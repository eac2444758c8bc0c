/** What a case of the broker port is given. */

import assert from "node:assert/strict";
import type { Broker } from "../broker/broker.ts";
import type { BrokerCapabilities, Capability } from "../broker/capabilities.ts";
import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import { isMillraceError, type ErrorCode, type MillraceError } from "../model/errors.ts";
import type { Note, Topic } from "./case.ts";

/**
 * What can befall a broker: `restart` closes it and opens it again on the same data, `kill` ends it
 * without letting it finish anything and opens it again.
 */
export type Fault = "restart" | "kill";

export type BrokerNeed = Capability | Fault;

/** The time that the broker lives in: virtual where it can be, else real. */
export interface TestTime {
  now(): number;
  /** Lets `ms` pass, and what falls due in it happen. */
  pass(ms: number): Promise<void>;
}

/** One broker with data of its own. */
export interface BrokerPlace extends AsyncDisposable {
  /** The broker that is open now: another one after each fault. */
  readonly broker: Broker;
  readonly time: TestTime;
  readonly faults: Readonly<Partial<Record<Fault, () => Promise<void>>>>;
}

export interface BrokerContext {
  /** Throws where the broker lacks the face; cases are skipped before that. */
  readonly streams: () => Streams;
  readonly queues: () => Queues;
  readonly broker: () => Broker;
  readonly capabilities: BrokerCapabilities;
  readonly time: TestTime;
  /** Applies a fault that the case named among its needs. */
  readonly suffer: (fault: Fault) => Promise<void>;
  /** A name for a stream, queue or group that nobody used before: the broker may be shared. */
  readonly name: (stem: string) => string;
  readonly note: Note;
}

export type BrokerTopic = Topic<BrokerContext, BrokerNeed>;

/** The error of a call that must be refused, thrown by the call or given for its only item. */
export async function refusal(
  call: () => Promise<unknown>,
  ...codes: readonly ErrorCode[]
): Promise<MillraceError> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    return expectCode(error, codes);
  }
  const only: unknown = Array.isArray(result) && result.length === 1 ? result[0] : undefined;
  assert.ok(isFailure(only), `expected ${codes.join(" or ")}, but the call succeeded`);
  return expectCode(only.error, codes);
}

function isFailure(item: unknown): item is { readonly ok: false; readonly error: unknown } {
  return typeof item === "object" && item !== null && "ok" in item && item.ok === false;
}

function expectCode(error: unknown, codes: readonly ErrorCode[]): MillraceError {
  assert.ok(isMillraceError(error), `expected ${codes.join(" or ")}, got ${String(error)}`);
  assert.ok(
    codes.includes(error.code),
    `expected ${codes.join(" or ")}, got ${error.code}: ${error.message}`,
  );
  assert.ok(error.message.length > 0, `${error.code} comes without a text`);
  return error;
}

/** Lets time pass in steps until the check holds; fails with `what` after `tries`. */
export async function eventually(
  { time }: Pick<BrokerContext, "time">,
  what: string,
  check: () => boolean | Promise<boolean>,
  { stepMs = 10, tries = 1000 }: { readonly stepMs?: number; readonly tries?: number } = {},
): Promise<void> {
  for (let attempt = 0; attempt < tries; attempt++) {
    if (await check()) return;
    await time.pass(stepMs);
  }
  assert.fail(`never came true within ${stepMs * tries} ms: ${what}`);
}
