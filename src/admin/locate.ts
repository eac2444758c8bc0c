/** What an offset expression means in a given log, partition by partition. */

import type { PartitionInfo, StreamInfo, Streams } from "../broker/streams.ts";
import { MillraceError } from "../model/errors.ts";
import { parseOffsetExpression, type OffsetExpression } from "./offset-expression.ts";

export interface Located {
  readonly partition: number;
  readonly offset: number;
}

export interface LocateOptions {
  /** One partition instead of all. */
  readonly partition?: number | undefined;
  /** Where a group stands, for `+5`. */
  readonly committed?: ReadonlyMap<number, number>;
}

/**
 * Throws BAD_ARGUMENT for an expression or a partition that there is not, and OFFSET_OUT_OF_RANGE for
 * an offset that is not kept: nothing is moved to the nearest one in silence.
 */
export async function locate(
  streams: Streams,
  info: StreamInfo,
  text: string,
  { partition, committed }: LocateOptions = {},
): Promise<readonly Located[]> {
  const expression = parseOffsetExpression(text);
  const chosen = choosePartitions(info, partition);
  if (expression.at === "offsets") requireKnownPartitions(info, expression.offsets);
  return Promise.all(
    chosen.map(async (found) => ({
      partition: found.partition,
      offset:
        expression.at === "time"
          ? await streams.offsetAt(info.spec.name, found.partition, expression.timeMs)
          : offsetIn(info.spec.name, found, expression, committed?.get(found.partition)),
    })),
  );
}

/** The partitions meant: all of them, or the one; throws BAD_ARGUMENT where there is no such. */
export function choosePartitions(
  info: StreamInfo,
  partition: number | undefined,
): readonly PartitionInfo[] {
  if (partition === undefined) return info.partitions;
  const found = info.partitions.find((candidate) => candidate.partition === partition);
  if (found === undefined) throw noSuchPartition(info, partition);
  return [found];
}

function offsetIn(
  stream: string,
  { partition, earliest, end }: PartitionInfo,
  expression: Exclude<OffsetExpression, { at: "time" }>,
  committed: number | undefined,
): number {
  if (expression.at === "start") return earliest;
  if (expression.at === "end") return end;
  if (expression.at === "beforeEnd") return Math.max(earliest, end - expression.count);
  if (expression.at === "afterPosition") {
    return Math.min(end, Math.max(earliest, committed ?? earliest) + expression.count);
  }
  const offset =
    expression.at === "offset"
      ? expression.offset
      : (expression.offsets.get(partition) ?? earliest);
  return requireKept(stream, { partition, earliest, end }, offset);
}

function requireKept(
  stream: string,
  { partition, earliest, end }: Pick<PartitionInfo, "partition" | "earliest" | "end">,
  offset: number,
): number {
  if (offset >= earliest && offset <= end) return offset;
  const limit =
    offset < earliest
      ? `older than ${earliest}, the oldest kept`
      : `beyond ${end}, the end of what is written`;
  throw new MillraceError(
    "OFFSET_OUT_OF_RANGE",
    `offset ${offset} is ${limit} in ${stream}[${partition}]; ` +
      `use "start" or "end", or name an offset for each partition, as in "${partition}:${end}"`,
    { details: { stream, partition, offset, earliest, end } },
  );
}

function requireKnownPartitions(info: StreamInfo, offsets: ReadonlyMap<number, number>): void {
  for (const partition of offsets.keys()) {
    if (!info.partitions.some((known) => known.partition === partition)) {
      throw noSuchPartition(info, partition);
    }
  }
}

function noSuchPartition(info: StreamInfo, partition: number): MillraceError {
  const { name } = info.spec;
  return new MillraceError(
    "BAD_ARGUMENT",
    `${name} has no partition ${partition}; it has ${info.partitions.length}, counted from 0`,
    { details: { argument: "partition", stream: name, partition } },
  );
}
