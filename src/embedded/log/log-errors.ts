/** Why a partition takes an append, or answers a read, no more. */

import { MillraceError } from "../../model/errors.ts";

export function closedError(directory: string): MillraceError {
  return new MillraceError("CLOSED", `the partition ${directory} is closed; open it again first`, {
    details: { directory },
  });
}

export function overloadedError(
  directory: string,
  { pendingBytes, limit }: { readonly pendingBytes: number; readonly limit: number },
): MillraceError {
  return new MillraceError(
    "OVERLOADED",
    `${pendingBytes} bytes wait for the disk in ${directory}, over the limit of ${limit}; wait until ` +
      `earlier appends are durable`,
    { details: { directory, limit } },
  );
}

export function outOfRangeError(
  offset: number,
  {
    directory,
    earliest,
    end,
  }: { readonly directory: string; readonly earliest: number; readonly end: number },
): MillraceError {
  const text =
    offset < earliest
      ? `offset ${offset} is older than ${earliest}, the oldest kept in ${directory}; start ` +
        `from "earliest" or raise the retention`
      : `offset ${offset} is beyond ${end}, the end of ${directory}; start from "latest"`;
  return new MillraceError("OFFSET_OUT_OF_RANGE", text, { details: { offset, earliest, end } });
}
