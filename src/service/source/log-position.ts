/** Which log a kept position belongs to, and whether the one found is it. */

import type { StreamInfo } from "../../broker/streams.ts";
import { MillraceError } from "../../model/errors.ts";

/** Names one life of one stream: `cluster/stream/incarnation`. */
export function logOf({ cluster, spec, incarnation }: StreamInfo): string {
  return `${cluster}/${spec.name}/${incarnation}`;
}

/**
 * Throws POSITION_MISMATCH where the position belongs to another log than the one found, or lies
 * beyond its end: reading on would skip or repeat messages without anybody noticing.
 */
export function checkPosition(
  kept: {
    readonly part: string;
    readonly input: string;
    readonly log: string;
    readonly position: number;
  },
  found: { readonly log: string; readonly end: number },
): void {
  const { part, input, log, position } = kept;
  const details = { part, input, kept: log, found: found.log, position, end: found.end };
  if (log !== found.log) {
    throw new MillraceError(
      "POSITION_MISMATCH",
      `${part} is at ${position} of ${log}, and ${input} now belongs to ${found.log}: the stream or the broker's data was replaced; bring the old data back, or seek ${part} to where it shall go on`,
      { details },
    );
  }
  if (position > found.end) {
    throw new MillraceError(
      "POSITION_MISMATCH",
      `${part} is at ${position} of ${input}, beyond its end ${found.end}: the broker's data is older than the store; bring the newer data back, or seek ${part} to where it shall go on`,
      { details },
    );
  }
}
