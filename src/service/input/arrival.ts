/** One incoming message on its way through an input. */

import type { Lease } from "../../broker/queues.ts";
import type { Message, RawMessage } from "../../model/message.ts";
import type { Asker } from "../ask/asker.ts";
import type { Incoming } from "../../store/write-set.ts";
import { sizeOf } from "../message-reader.ts";

export interface Arrival {
  readonly raw: RawMessage;
  readonly incoming: Incoming;
  /** The key of order and parking. */
  readonly key: string;
  /** Undefined where it could not be decoded; then `error` says why. */
  readonly message: Message | undefined;
  readonly error: unknown;
  readonly bytes: number;
  /** Queue messages only. */
  readonly lease: Lease | undefined;
  /** Commands handed over in this process only. */
  readonly asker: Asker | undefined;
  /** Commands only: when it is no longer wanted, in milliseconds since 1970. */
  readonly expiresMs: number | undefined;
  /** The parked row that it was read from; such a message is settled already, and only unparked. */
  readonly row: number | undefined;
  /** Failed tries by a bug. */
  attempts: number;
  /** Calls off the work on it; there if that work asked for a signal. */
  cancel: AbortController | undefined;
  /** The same message come again while it was worked on: settled together with it. */
  repeats: Arrival[] | undefined;
}

/**
 * An arrival that was not worked on yet. All fields stand in one literal: there is one object of this
 * for every message, and one put together by spreading took 1.7 KB with what it left to collect.
 */
export function createArrival({
  raw,
  incoming,
  key,
  message,
  error,
  lease,
  asker,
  row,
  attempts = 0,
}: Pick<Arrival, "raw" | "incoming" | "key" | "message"> &
  Partial<Pick<Arrival, "error" | "lease" | "asker" | "row" | "attempts">>): Arrival {
  return {
    raw,
    incoming,
    key,
    message,
    error,
    bytes: sizeOf(raw),
    lease,
    asker,
    expiresMs: message?.envelope.kind === "command" ? message.envelope.expires : undefined,
    row,
    attempts,
    cancel: undefined,
    repeats: undefined,
  };
}

/** Everything that settling this arrival settles. */
export function incomingOf({ incoming, repeats }: Arrival): readonly Incoming[] {
  return repeats === undefined ? [incoming] : [incoming, ...repeats.map((each) => each.incoming)];
}

export function leasesOf({ lease, repeats = [] }: Arrival): readonly Lease[] {
  return [lease, ...repeats.map((each) => each.lease)].filter((each) => each !== undefined);
}

/** Whoever waits in this process for what becomes of the message. */
export function askersOf({ asker, repeats = [] }: Arrival): readonly Asker[] {
  return [asker, ...repeats.map((each) => each.asker)].filter((each) => each !== undefined);
}

/** Nobody wants it any more. A parked row is a person's to decide. */
export function isExpired({ expiresMs, row }: Arrival, nowMs: number): boolean {
  return expiresMs !== undefined && expiresMs <= nowMs && row === undefined;
}

/** Nothing but its asker knows of the message: no queue and no row keeps it. */
export function isDirect(arrival: Arrival): boolean {
  return arrival.asker !== undefined && arrival.row === undefined && leasesOf(arrival).length === 0;
}
