/**
 * Position tokens: what a write hands to reads that must see it.
 *
 * A token is opaque text, safe in an address and a header. It holds one or more places, each of which
 * a part can compare with its own progress, in whatever process and service it runs:
 *
 * - **record**: published straight to a stream, at a known offset;
 * - **lane**: decided in a commit and published later; known by its place in the lane. The key tells
 *   in which partition a reader will meet it;
 * - **event**: an event of a service's own store, for the parts that are fed from there; known by its
 *   entity and version, which are known before the commit gives it its place in the store.
 */

import { MillraceError } from "../../model/errors.ts";

export type WrittenPlace =
  | {
      readonly kind: "record";
      readonly stream: string;
      readonly partition: number;
      readonly offset: number;
    }
  | {
      readonly kind: "lane";
      readonly source: string;
      readonly epoch: number;
      readonly lane: string;
      readonly sequence: number;
      readonly stream: string;
      readonly key: string;
    }
  | {
      readonly kind: "event";
      readonly service: string;
      readonly entity: string;
      readonly version: number;
    };

const PREFIX = "t1.";
export const PLACES_MAX = 64;

/** The last place of each stream and key is enough; a token of more than 64 places is refused. */
export function encodeToken(places: readonly WrittenPlace[]): string {
  if (places.length > PLACES_MAX) {
    throw new MillraceError(
      "TOO_LARGE",
      `a position token of ${places.length} places; at most ${PLACES_MAX} are allowed: wait for some of the writes first`,
    );
  }
  return PREFIX + Buffer.from(JSON.stringify(places.map(fieldsOf))).toString("base64url");
}

/** Throws BAD_ARGUMENT for a text that no write has returned. */
export function decodeToken(token: string): readonly WrittenPlace[] {
  try {
    if (!token.startsWith(PREFIX)) throw new SyntaxError("unknown form");
    const text = Buffer.from(token.slice(PREFIX.length), "base64url").toString();
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list) || list.length > PLACES_MAX)
      throw new SyntaxError("no list of places");
    return list.map(placeOf);
  } catch (cause) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      "this is no position token; pass one on as ask or publish returned it",
      { cause },
    );
  }
}

type Fields = readonly (string | number)[];

function fieldsOf(place: WrittenPlace): Fields {
  if (place.kind === "record") return ["r", place.stream, place.partition, place.offset];
  if (place.kind === "event") return ["e", place.service, place.entity, place.version];
  const { source, epoch, lane, sequence, stream, key } = place;
  return ["l", source, epoch, lane, sequence, stream, key];
}

function placeOf(fields: unknown): WrittenPlace {
  if (!Array.isArray(fields)) throw new SyntaxError("no place");
  const [kind, ...rest] = fields;
  const text = (at: number): string => {
    const value: unknown = rest[at];
    if (typeof value !== "string") throw new SyntaxError(`field ${at} is no text`);
    return value;
  };
  const count = (at: number): number => {
    const value: unknown = rest[at];
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
      throw new SyntaxError(`field ${at} is no count`);
    return value;
  };
  if (kind === "r") {
    return { kind: "record", stream: text(0), partition: count(1), offset: count(2) };
  }
  if (kind === "e") {
    return { kind: "event", service: text(0), entity: text(1), version: count(2) };
  }
  if (kind !== "l") throw new SyntaxError("unknown kind of place");
  return {
    kind: "lane",
    source: text(0),
    epoch: count(1),
    lane: text(2),
    sequence: count(3),
    stream: text(4),
    key: text(5),
  };
}
