/**
 * Which logs of streams and queues were made, in the broker's state log: so a log whose files somebody
 * deleted is not taken for a new one.
 *
 * One entry for each stream and queue, with a number for each of its logs: the offset from which on the
 * log has given out at most `UNKNOWN_SPAN` offsets (`log/lost-files.ts`). It is written when the files
 * are durable and before the first append can be: a crash in between leaves logs that begin anew, and
 * nobody was told of anything in them. It goes with the description of its stream or queue, before the
 * files do.
 */

import type { KeyedLog, StateChange } from "./keyed-log.ts";
import { UNKNOWN_SPAN } from "./log/lost-files.ts";

const keyOf = (incarnation: string): string => `made/${incarnation}`;

/** For each log that was made `madeUpTo` of its opening; none where a release before this one made them. */
export function madeLogs(state: KeyedLog, incarnation: string): readonly number[] {
  const value = state.get(keyOf(incarnation));
  return value === undefined ? [] : value.split(" ").map(Number);
}

/** What is to be noted when the logs are open; nothing where that stands already. */
export function madeChanges(
  state: KeyedLog,
  incarnation: string,
  logs: readonly { readonly end: number }[],
): readonly StateChange[] {
  const noted = madeLogs(state, incarnation);
  const made = logs.map(({ end }, at) => {
    const madeUpTo = noted[at];
    // Long before the span is used up.
    return madeUpTo === undefined || end - madeUpTo > UNKNOWN_SPAN / 2 ? end : madeUpTo;
  });
  const value = made.join(" ");
  return value === noted.join(" ") ? [] : [[keyOf(incarnation), value]];
}

export function forgetMade(incarnation: string): StateChange {
  return [keyOf(incarnation), undefined];
}
