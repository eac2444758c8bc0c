/** Components that are at work in the same lives. */

import type { Driver } from "./driver.ts";

export interface Cast {
  /** How many of the lives are its own, of as many as all casts have together. */
  readonly turns: number;
  readonly drivers: readonly Driver[];
}

/** One round: every cast as often as it has turns, as evenly spread as they go. */
export function roundOf(casts: readonly Cast[]): readonly Cast[] {
  const length = casts.reduce((sum, { turns }) => sum + turns, 0);
  const credit = new Map(casts.map((cast) => [cast, 0]));
  return Array.from({ length }, () => {
    for (const [cast, owed] of credit) credit.set(cast, owed + cast.turns);
    const [next] = [...credit].reduce((most, each) => (each[1] > most[1] ? each : most));
    credit.set(next, credit.get(next)! - length);
    return next;
  });
}

/** Only these components; casts that have none of them have no turns. */
export function onlyOf(casts: readonly Cast[], names: readonly string[]): readonly Cast[] {
  return casts
    .map(({ turns, drivers }) => ({
      turns,
      drivers: drivers.filter(({ name }) => names.includes(name)),
    }))
    .filter(({ drivers }) => drivers.length > 0);
}
