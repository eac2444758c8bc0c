/** Sending what an outbox holds to its stream or queue, each message with its place. */

import type { Queues } from "../../broker/queues.ts";
import type { Streams } from "../../broker/streams.ts";
import { parseTime } from "../../codecs/rfc3339.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import type { Header } from "../../model/message.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { SpanFacts } from "../../model/tracer.ts";
import type { OutgoingMessage } from "../../store/write-set.ts";

/** A message of a lane, with what was fixed in the commit that decided it. */
export interface Sequenced {
  readonly sequence: number;
  readonly epoch: number;
  readonly outgoing: OutgoingMessage;
}

export interface Targets {
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  /** Wall time. */
  readonly nowMs: number;
  /** Told of replies that nobody waits for any more: they are not sent. */
  readonly dropped: (count: number) => void;
}

/**
 * Sends messages of one lane that have the same target. Throws what the whole call fails with.
 *
 * A reply that is past its time, or whose queue went with whoever asked, is dropped: it must not hold
 * up the lane.
 */
export async function sendPlaced(
  targets: Targets,
  lane: string,
  messages: readonly Sequenced[],
): Promise<readonly Outcome<unknown>[]> {
  if (messages[0]!.outgoing.target.kind === "stream") return send(targets, lane, messages);
  const { nowMs, dropped } = targets;
  const late = messages.map((message) => isReply(message) && expiryMs(message) <= nowMs);
  const wanted = messages.filter((_, at) => !late[at]);
  if (wanted.length < messages.length) dropped(messages.length - wanted.length);
  const outcomes = wanted.length === 0 ? [] : await sendToQueue(targets, lane, wanted);
  let next = 0;
  return late.map((isLate) => (isLate ? DONE : outcomes[next++]!));
}

const DONE: Outcome<unknown> = { ok: true, value: undefined };

async function sendToQueue(
  targets: Targets,
  lane: string,
  messages: readonly Sequenced[],
): Promise<readonly Outcome<unknown>[]> {
  try {
    return await send(targets, lane, messages);
  } catch (error) {
    if (!isMillraceError(error, "UNKNOWN_QUEUE") || !messages.every(isReply)) throw error;
    targets.dropped(messages.length);
    return messages.map(() => DONE);
  }
}

function isReply({ outgoing }: Sequenced): boolean {
  return outgoing.message.headers.some(([name, value]) => name === "ce_kind" && value === "reply");
}

function expiryMs({ outgoing }: Sequenced): number {
  const expiry = outgoing.message.headers.find(([name]) => name === "ce_expirytime")?.[1];
  const ms = typeof expiry === "string" ? parseTime(expiry) : undefined;
  return ms ?? Infinity;
}

function send(
  { streams, queues }: Targets,
  lane: string,
  messages: readonly Sequenced[],
): Promise<readonly Outcome<unknown>[]> {
  const { kind, name } = messages[0]!.outgoing.target;
  const laneHeader: Header = ["ce_lane", lane];
  const placed = messages.map(({ outgoing: { message }, epoch, sequence }) => {
    const { key, headers, value } = message;
    // The place, as the CloudEvents mapping has it.
    const epochHeader: Header = ["ce_laneepoch", String(epoch)];
    const sequenceHeader: Header = ["ce_lanesequence", String(sequence)];
    return { key, headers: [...headers, laneHeader, epochHeader, sequenceHeader], value };
  });
  if (kind === "stream") return requireFace(streams, "streams", name).append(name, placed);
  const items = placed.map((message, index) => {
    const { delayMs } = messages[index]!.outgoing;
    return delayMs === undefined ? { message } : { message, delayMs };
  });
  return requireFace(queues, "queues", name).send(name, items);
}

function requireFace<Face>(face: Face | undefined, kind: string, name: string): Face {
  if (face !== undefined) return face;
  throw new MillraceError(
    "CAPABILITY_MISSING",
    `the outbox holds messages for "${name}", and no broker with ${kind} is configured; configure one`,
  );
}

/** More links tell no more, and exporters cut them. */
const LINKS_MAX = 128;

/** A stretch has many causes: its span begins a trace of its own and links to theirs. */
export function stretchFacts(lane: string, stretch: readonly Sequenced[]): SpanFacts {
  const contexts = new Set<string>();
  for (const { outgoing } of stretch) {
    if (contexts.size >= LINKS_MAX) break;
    const traceparent = outgoing.message.headers.find(([name]) => name === "ce_traceparent")?.[1];
    if (typeof traceparent === "string") contexts.add(traceparent);
  }
  return {
    kind: "producer",
    parent: null,
    links: Array.from(contexts, (traceparent) => ({ traceparent })),
    attributes: {
      "messaging.system": "millrace",
      "messaging.operation.type": "send",
      "messaging.batch.message_count": stretch.length,
      "millrace.lane": lane,
    },
  };
}
