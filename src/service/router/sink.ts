/** What a router's rule or a connector delivers to outside of streams and queues. */

import type { Clock } from "../../model/clock.ts";
import type { Message } from "../../model/message.ts";

/** How one delivery is made. */
export interface SinkContext {
  /**
   * The same for every try at delivering one message through one rule, also after a crash: whoever
   * takes it can tell a repeat by it.
   */
  readonly idempotencyKey: string;
  /** Aborts when the work shall end unfinished: pass it on to whatever is called. */
  readonly signal: AbortSignal;
  /** The moment of this try; milliseconds since 1970. */
  readonly nowMs: number;
  /** For its deadlines: real time where the world is real, a test's where it is not. */
  readonly clock: Clock;
}

/**
 * A place outside, such as a webhook.
 *
 * `deliver` resolves when the other side has taken the message. It may be called again for a message
 * that was taken, with the same idempotency key: after a crash, or where the answer was lost. What it
 * throws counts as a handler's failure does: `dependencyDown` pauses the input, `badMessage` parks
 * the message at once, all else is tried again and then parks.
 */
export interface Sink {
  readonly kind: "sink";
  readonly name: string;
  deliver(message: Message, context: SinkContext): Promise<void>;
}
