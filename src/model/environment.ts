/** What the host hands to everything it opens: the only way to time, randomness, ids and a log. */

import type { Clock } from "./clock.ts";
import type { IdSource, Random } from "./ids.ts";
import type { Tracer } from "./tracer.ts";

export interface Environment {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly random: Random;
  /** Takes structured facts about what happens; never payloads or secrets. */
  readonly log: Log;
  /** Absent where nobody traces. */
  readonly tracer?: Tracer;
}

export interface Log {
  debug(facts: Readonly<Record<string, unknown>>, text: string): void;
  info(facts: Readonly<Record<string, unknown>>, text: string): void;
  warn(facts: Readonly<Record<string, unknown>>, text: string): void;
  error(facts: Readonly<Record<string, unknown>>, text: string): void;
}
