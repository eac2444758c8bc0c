/**
 * From a raw message to an arrival: what it is, by what a repeat of it will be known, and to which key
 * it belongs. Nothing here fails: what cannot be read arrives with the reason, under a key and an id
 * that every store takes, and goes the way of failed messages.
 */

import type { Lease } from "../../broker/queues.ts";
import type { Envelope } from "../../model/envelope.ts";
import { MillraceError } from "../../model/errors.ts";
import type { RawMessage } from "../../model/message.ts";
import { STORE_LIMITS } from "../../store/limits.ts";
import type { ParkedMessage } from "../../store/store.ts";
import type { InboxMark, Incoming, TimerRef } from "../../store/write-set.ts";
import type { Asker } from "../ask/asker.ts";
import { underCommandId } from "../ask/command-id.ts";
import { createArrival, type Arrival } from "../input/arrival.ts";
import { countIgnored } from "../input/counters.ts";
import type { Reading } from "../message-reader.ts";
import type { PartRuntime } from "./part-runtime.ts";

/** What identifies a message before it was read. */
interface Arriving {
  readonly raw: RawMessage;
  readonly receivedMs: number;
  /** Stands in for the id of a message whose envelope cannot be read. */
  readonly fallbackId: string;
  /** Streams only. */
  readonly offset?: number;
  /** Queues only. */
  readonly lease?: Lease;
  /** Commands handed over in this process only. */
  readonly asker?: Asker;
  /** Its envelope, where this process has stamped it. */
  readonly stamped?: Envelope;
  /** Whether the message's place in its lane tells repeats: only where order is kept. */
  readonly byPlace: boolean;
  /** Its place, where the input itself gives it. */
  readonly mark?: InboxMark;
  /** Timers only: then its id is `fallbackId`. */
  readonly timer?: TimerRef;
}

/** Reads one message and sorts it to what is handled or what is not. */
export function admit(
  { reader, worker, counters }: PartRuntime,
  { raw, receivedMs, fallbackId, offset, lease, asker, stamped, byPlace, mark, timer }: Arriving,
  intake: { readonly arrivals: Arrival[]; readonly ignored: Arrival[] },
): void {
  const reading = reader.read(raw, receivedMs, stamped);
  const message = reading.status === "message" ? underCommandId(reading.message) : undefined;
  const envelope = message?.envelope ?? envelopeOf(reading);
  const known =
    timer === undefined
      ? identityOf(envelope, { fallbackId, offset, byPlace })
      : { timer, id: fallbackId };
  const incoming = mark === undefined ? known : { ...known, mark };
  if (reading.status === "ignored") {
    countIgnored(counters, reading.envelope.type);
    intake.ignored.push(createArrival({ raw, incoming, key: "", message: undefined, lease }));
    return;
  }
  let { error }: { readonly error?: unknown } = reading.status === "unreadable" ? reading : {};
  if (message !== undefined) {
    try {
      const key = worker.keyOf(message);
      if (storable(key) === undefined) throw unstorable(key);
      intake.arrivals.push(createArrival({ raw, incoming, key, message, lease, asker }));
      return;
    } catch (keyError) {
      error = keyError;
    }
  }
  const named = reading.status === "unreadable" ? envelope?.key : undefined;
  const key = storable(named) ?? storable(rawKey(raw)) ?? incoming.id;
  intake.arrivals.push(
    createArrival({ raw, incoming, key, message: undefined, error, lease, asker }),
  );
}

function envelopeOf(reading: Reading): Envelope | undefined {
  return reading.status === "message" ? reading.message.envelope : reading.envelope;
}

function identityOf(
  envelope: Envelope | undefined,
  {
    fallbackId,
    offset,
    byPlace,
  }: Pick<Arriving, "fallbackId" | "byPlace"> & { readonly offset: number | undefined },
): Incoming {
  const id = storable(envelope?.id) ?? fallbackId;
  const place = byPlace ? envelope?.place : undefined;
  if (envelope === undefined || place === undefined) {
    return offset === undefined ? { id } : { id, offset };
  }
  const { epoch, lane, sequence } = place;
  const mark = { source: envelope.source, epoch, lane, sequence };
  return offset === undefined ? { id, mark } : { id, offset, mark };
}

/** A parked row as an arrival of the key under which it was parked. */
export function rereadRow(runtime: PartRuntime, parked: ParkedMessage): Arrival {
  const { message: raw, parkedMs, row, incoming, key, cause } = parked;
  const reading = runtime.reader.read(raw, parkedMs);
  // The tries at a message whose retry is decoupled go on; a redrive by a person begins them anew.
  const attempts = cause?.retryAtMs === undefined ? 0 : cause.attempts;
  const common = { raw, incoming, key, row, attempts };
  if (reading.status === "message") {
    return createArrival({ ...common, message: underCommandId(reading.message) });
  }
  const error =
    reading.status === "unreadable"
      ? reading.error
      : new MillraceError(
          "UNKNOWN_TYPE",
          `${runtime.part.name} no longer handles "${reading.envelope.type}"; discard the row, or deploy the handler and redrive`,
        );
  return createArrival({ ...common, message: undefined, error });
}

function rawKey({ key }: RawMessage): string | undefined {
  if (key === null) return undefined;
  return typeof key === "string" ? key : new TextDecoder().decode(key);
}

/** A key or id may become the name under which a message parks, so every store must take it. */
function storable(name: string | undefined): string | undefined {
  if (name === undefined || name.length > STORE_LIMITS.nameLengthMax) return undefined;
  return name.isWellFormed() && !name.includes("\0") ? name : undefined;
}

function unstorable(key: string): MillraceError {
  const { nameLengthMax } = STORE_LIMITS;
  return new MillraceError(
    "BAD_ENVELOPE",
    `a key of ${key.length} characters is over ${nameLengthMax}, or holds a zero character or half a surrogate pair; publish the message with another key`,
  );
}
