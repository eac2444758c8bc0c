/**
 * What a unit of work wrote, told before its commit: the entities' versions, and the keys of the
 * streams that it publishes to. The commit alone fixes the places in the lane, so here they are counted
 * back from the end of what the unit publishes; whoever knows the place of that end knows them all.
 */

import type { OutgoingMessage, WriteSet } from "../../store/write-set.ts";
import { PLACES_MAX, type WrittenPlace } from "./position-token.ts";

export interface Wrote {
  /** Entity and version. */
  readonly events: readonly (readonly [entity: string, version: number])[];
  /** Stream, key, and how many sequences before the end of the unit's messages. */
  readonly published: readonly (readonly [stream: string, key: string, back: number])[];
}

/** Where a message of the lane stands. */
export interface LaneEnd {
  readonly source: string;
  readonly epoch: number;
  readonly lane: string;
  /** The sequence behind the unit's last message. */
  readonly end: number;
}

/**
 * The last message of each stream and key is enough. Keyless ones are left out, because nobody can say
 * in which partition they will be; of more than a token holds, those written last are kept.
 */
export function wroteOf(
  writes: Pick<WriteSet, "events">,
  outgoing: readonly OutgoingMessage[],
): Wrote {
  const events = (writes.events ?? []).map(
    (write) => [write.entity, write.expected + write.events.length] as const,
  );
  const last = new Map<string, readonly [string, string, number]>();
  outgoing.forEach(({ target: { kind, name }, message: { key } }, index) => {
    if (kind !== "stream" || typeof key !== "string") return;
    const place = `${name}\n${key}`;
    last.delete(place);
    last.set(place, [name, key, outgoing.length - index]);
  });
  const room = Math.max(0, PLACES_MAX - events.length);
  return {
    events: events.slice(-PLACES_MAX),
    published: room === 0 ? [] : [...last.values()].slice(-room),
  };
}

/** As seen from `by` sequences further on. */
export function shifted({ events, published }: Wrote, by: number): Wrote {
  if (by === 0) return { events, published };
  return { events, published: published.map(([stream, key, back]) => [stream, key, back + by]) };
}

export function placesOf({ events, published }: Wrote, { end, ...lane }: LaneEnd): WrittenPlace[] {
  return [
    ...events.map(
      ([entity, version]) =>
        ({ kind: "event", service: lane.source, entity, version }) satisfies WrittenPlace,
    ),
    ...published.map(
      ([stream, key, back]) =>
        ({ kind: "lane", ...lane, sequence: end - back, stream, key }) satisfies WrittenPlace,
    ),
  ];
}

export function isWrote(value: unknown): value is Wrote {
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(value ?? {}));
  return isRows(fields.get("events"), EVENT_ROW) && isRows(fields.get("published"), PUBLISHED_ROW);
}

const EVENT_ROW = ["string", "number"];
const PUBLISHED_ROW = ["string", "string", "number"];

function isRows(value: unknown, types: readonly string[]): boolean {
  if (!Array.isArray(value) || value.length > PLACES_MAX) return false;
  return value.every(
    (row) =>
      Array.isArray(row) &&
      row.length === types.length &&
      types.every((type, at) => typeof row[at] === type),
  );
}
