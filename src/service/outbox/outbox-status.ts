/** How much waits in a service's outbox, and for how long: what an operator watches. */

import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import { isMillraceError } from "../../model/errors.ts";
import type { Store } from "../../store/store.ts";

export interface OutboxStatus {
  /** Messages that are committed and not published. */
  readonly waiting: number;
  /** When the oldest of them was decided, in milliseconds since 1970; absent where none waits. */
  readonly oldestMs?: number;
}

/**
 * Asks the store, whose answer is a row for each lane that is not trimmed to its end. `publishedOf`
 * says below which sequence a lane is published, for trimming lags behind. Throws STORE_FAILED.
 */
export async function outboxStatus(
  store: Store,
  publishedOf: (lane: string) => number = () => 0,
): Promise<OutboxStatus> {
  let waiting = 0;
  let oldestMs = Infinity;
  for (const { lane, from, to } of await store.pendingOutbox()) {
    const first = Math.max(from, publishedOf(lane));
    if (first >= to) continue;
    waiting += to - first;
    const rows = await store.readOutbox(lane, first - from + 1);
    const oldest = rows.at(-1)?.messages.at(-1);
    if (oldest !== undefined) oldestMs = Math.min(oldestMs, timeOf(oldest.message));
  }
  return { waiting, ...(oldestMs < Infinity && { oldestMs }) };
}

/** Not to be known of what a router passes on undecoded and nobody could read. */
function timeOf(message: Parameters<typeof decodeEnvelope>[0]): number {
  try {
    return decodeEnvelope(message, { receivedMs: Infinity }).time;
  } catch (error) {
    if (isMillraceError(error, "BAD_ENVELOPE")) return Infinity;
    throw error;
  }
}
