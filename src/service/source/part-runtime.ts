/** What all inputs of a running part share. */

import type { Lease, Queues } from "../../broker/queues.ts";
import type { Streams } from "../../broker/streams.ts";
import type { Envelope } from "../../model/envelope.ts";
import type { Environment } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import type { RawMessage } from "../../model/message.ts";
import { STORE_LIMITS } from "../../store/limits.ts";
import type { ParkedMessage, Store } from "../../store/store.ts";
import type { InboxMark, Incoming, TimerRef } from "../../store/write-set.ts";
import type { MessageReader, Reading } from "../message-reader.ts";
import type { MessageStamper } from "../message-stamper.ts";
import type { Part, Worker } from "../part.ts";
import type { Relay } from "../outbox/relay.ts";
import type { Asker } from "../ask/asker.ts";
import { underCommandId } from "../ask/command-id.ts";
import { createArrival, type Arrival } from "../input/arrival.ts";
import { countIgnored, type PartCounters } from "../input/counters.ts";
import type { DocumentReader } from "../input/documents.ts";
import type { EffectMode } from "../effects/effect-mode.ts";
import type { StoreReads } from "../unit/store-reads.ts";
import type { InputEngine } from "../input/input-engine.ts";
import type { EventFeed } from "./event-feed.ts";
import type { TimerWatch } from "./timer-watch.ts";

export interface PartRuntime {
  readonly service: string;
  readonly part: Part;
  readonly worker: Worker;
  readonly reader: MessageReader;
  readonly store: Store;
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  readonly environment: Environment;
  readonly documents: DocumentReader;
  readonly reads: StoreReads;
  /** What becomes of effects; `live` unless said. */
  readonly effects?: EffectMode;
  readonly stamper: MessageStamper;
  readonly relay: Relay;
  /** The service's own events. */
  readonly feed: EventFeed;
  /** The part's timers, as its commits set them. */
  readonly timerWatch: TimerWatch;
  readonly counters: PartCounters;
  /** Inputs at work, by name. */
  readonly inputs: Map<string, RunningInput>;
  /** How long work that is out may go on when an input ends. */
  readonly deadlineMs: () => number;
  readonly changed: () => void;
}

export interface RunningInput {
  readonly name: string;
  readonly engine: InputEngine;
  /** Hands over a stamped command and whoever waits for its answer. Queues only. */
  readonly ask?: (command: StampedCommand, asker: Asker) => void;
  /** Streams only. */
  readonly partition?: { readonly stream: string; readonly number: number };
  /** Logs: everything below it is finished. */
  readonly position?: number;
  /** Logs: whether what stands at the offset is finished, or was no concern of the part. */
  readonly hasFinished?: (offset: number) => boolean;
  /** Logs: the offsets that it may be moved to. */
  readonly bounds?: () => Promise<{ readonly earliest: number; readonly end: number }>;
  /** Whether nothing is due; timers only. */
  readonly atRest?: () => boolean;
  /** What waits to be taken, where neither a log nor a queue tells it. */
  readonly lag?: () => Promise<number>;
  /** Ends this run of the input, moves its position, and begins a new one. Logs only. */
  readonly seek?: (offset: number) => Promise<void>;
}

/** A command that this process has stamped. */
export interface StampedCommand {
  readonly message: RawMessage;
  readonly envelope: Envelope;
}

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
