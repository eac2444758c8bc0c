/** Moving a part to another place of one of its inputs. */

import { MillraceError } from "../../model/errors.ts";
import { EVENTS_INPUT } from "./event-input.ts";
import type { RunningInput } from "./part-runtime.ts";

export interface SeekTarget {
  /** The part's name. */
  readonly part: string;
  /** Or the service's own events. */
  readonly stream: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Throws BAD_ARGUMENT for an input that is not at work here, OFFSET_OUT_OF_RANGE for an offset that
 * its log does not hold.
 */
export async function seekInput(
  inputs: ReadonlyMap<string, RunningInput>,
  { part, stream, partition, offset }: SeekTarget,
): Promise<void> {
  const input = inputs.get(stream === EVENTS_INPUT ? stream : `${stream}/${partition}`);
  if (input?.seek === undefined || input.bounds === undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${part} does not work on ${stream}/${partition} in this process; name one of ${[...inputs.keys()].join(", ") || "none"}`,
      { details: { part, stream, partition } },
    );
  }
  const { earliest, end } = await input.bounds();
  if (offset < earliest || offset > end) {
    throw new MillraceError(
      "OFFSET_OUT_OF_RANGE",
      `offset ${offset} is outside ${earliest} to ${end} of ${stream}[${partition}]; choose one within`,
      { details: { earliest, end } },
    );
  }
  await input.seek(offset);
}
