/** What is to be replayed, and the checks that come before anything is touched. */

import type { Streams } from "../../broker/streams.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Part } from "../part.ts";

/**
 * `rebuild`: documents are written again; effects are answered from the journal alone, and nothing is
 * sent. `redo`: effects are called again and messages go out again, with the same idempotency keys and
 * ids; a broker whose window still holds an id, and a reader that knows it, take it for a repeat.
 */
export type ReplayMode = "rebuild" | "redo";

export interface ReplayRange {
  readonly partition: number;
  /** An offset; the earliest kept unless said. */
  readonly from?: number;
  /** Not included; the end seen at the call unless said. */
  readonly to?: number;
}

export interface ReplayRequest {
  /** A consumer. */
  readonly part: string;
  /** One of the streams that it reads; needed where it reads several. */
  readonly stream?: string;
  /** All partitions, whole, unless said. */
  readonly ranges?: readonly ReplayRange[];
  readonly mode: ReplayMode;
}

/** A request with everything filled in. */
export interface ReplayScope {
  readonly part: Part;
  readonly stream: string;
  readonly mode: ReplayMode;
  readonly ranges: readonly Required<ReplayRange>[];
}

/** Throws BAD_ARGUMENT, UNKNOWN_STREAM, OFFSET_OUT_OF_RANGE. */
export async function scopeOf(
  part: Part,
  request: ReplayRequest,
  streams: Streams | undefined,
): Promise<ReplayScope> {
  const { mode } = request;
  if (part.partKind !== "consumer") throw refused(part, noReplayOf(part));
  if (mode !== "rebuild" && mode !== "redo") {
    throw refused(part, `the mode is ${JSON.stringify(mode)}; write "rebuild" or "redo"`);
  }
  const read = part.from.filter(({ kind }) => kind === "stream").map(({ name }) => name);
  const stream = request.stream ?? read[0];
  if (stream === undefined || !read.includes(stream)) {
    throw refused(
      part,
      `${part.name} reads ${read.length === 0 ? "no stream; only what a stream keeps can be replayed" : `${read.join(", ")}, not ${stream}`}`,
    );
  }
  if (request.stream === undefined && read.length > 1) {
    throw refused(part, `${part.name} reads ${read.join(", ")}; name one of them`);
  }
  const { partitions } = await streams!.describeStream(stream);
  const asked = request.ranges ?? partitions.map(({ partition }) => ({ partition }));
  const ranges = asked.map(({ partition, from, to }: ReplayRange) => {
    const found = partitions[partition];
    if (found === undefined) {
      throw refused(
        part,
        `${stream} has ${partitions.length} partitions, and none is ${partition}`,
      );
    }
    const range = { partition, from: from ?? found.earliest, to: to ?? found.end };
    if (range.from >= found.earliest && range.to <= found.end && range.from <= range.to)
      return range;
    throw new MillraceError(
      "OFFSET_OUT_OF_RANGE",
      `offsets ${range.from} to ${range.to} are outside ${found.earliest} to ${found.end} of ${stream}[${partition}]; choose some within`,
      { details: { earliest: found.earliest, end: found.end } },
    );
  });
  const twice = ranges.find(({ partition }, at) =>
    ranges.some((other, index) => index < at && other.partition === partition),
  );
  if (twice !== undefined)
    throw refused(part, `partition ${twice.partition} stands twice; give it once`);
  return { part, stream, mode, ranges };
}

function noReplayOf({ partKind, name }: Part): string {
  if (partKind === "view") return `a view is built anew by a rebuild: rebuild ${name}`;
  return `${partKind} "${name}" is never replayed: what it decided stands in the store; replay a consumer`;
}

function refused({ name }: Part, why: string): MillraceError {
  return new MillraceError("BAD_ARGUMENT", why, { details: { part: name } });
}
