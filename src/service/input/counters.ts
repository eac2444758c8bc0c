/** What a part counts since the start of its process. */

import { Durations } from "../unit/durations.ts";

export interface PartCounters {
  handled: number;
  failed: number;
  duplicates: number;
  /** Commands that came too late, and were settled without being handled. */
  expired: number;
  /** Messages that a replay or a shadow would have sent. */
  withheld: number;
  /** From giving a unit, messages of one key, to the worker's decision; per unit. */
  readonly durations: Durations;
  /** Wire types that came and that no handler, and no rule of a router, wanted. */
  readonly ignored: Map<string, number>;
}

/** Types of which there are more than this are counted together, so that strangers cannot fill memory. */
const IGNORED_TYPES_MAX = 1000;
const OTHERS = "(other types)";

export function createCounters(): PartCounters {
  return {
    handled: 0,
    failed: 0,
    duplicates: 0,
    expired: 0,
    withheld: 0,
    durations: new Durations(),
    ignored: new Map(),
  };
}

export function countIgnored({ ignored }: PartCounters, type: string): void {
  const name = ignored.has(type) || ignored.size < IGNORED_TYPES_MAX ? type : OTHERS;
  ignored.set(name, (ignored.get(name) ?? 0) + 1);
}

/** `unmatched` are the types of those among them that went nowhere. */
export function countHandled(
  counters: PartCounters,
  count: number,
  unmatched: readonly string[] = [],
): void {
  counters.handled += count - unmatched.length;
  for (const type of unmatched) countIgnored(counters, type);
}
