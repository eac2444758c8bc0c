/**
 * Timers as they will be after the sets of a batch taken so far: a timer that an earlier set settled,
 * ended or replaced is gone for a later one, as it would be for a later batch.
 */

import type { TimerCancel, TimerRef } from "./write-set.ts";

/** A timer to set or to end, as far as the plan looks at it. */
export type PlannedTimer = (TimerRef & { readonly id: string }) | TimerCancel;

interface Instance {
  /** All that the store has of it were ended; `ids` has what came since. */
  ended: boolean;
  /** By name; undefined for one that is gone. */
  readonly ids: Map<string, string | undefined>;
}

export class TimersAhead {
  readonly #storedId: (timer: TimerRef) => string | undefined;
  readonly #instances = new Map<string, Instance>();

  /** `storedId`: the id of the timer that has this name in the store. */
  constructor(storedId: (timer: TimerRef) => string | undefined) {
    this.#storedId = storedId;
  }

  has(timer: TimerRef, id: string): boolean {
    const { ended, ids } = this.#instance(timer);
    if (ended || ids.has(timer.name)) return ids.get(timer.name) === id;
    return this.#storedId(timer) === id;
  }

  /** Takes the timer away; one that has its name under another id stays. */
  settle(timer: TimerRef, id: string): void {
    if (this.has(timer, id)) this.#instance(timer).ids.set(timer.name, undefined);
  }

  change(timers: readonly PlannedTimer[]): void {
    for (const timer of timers) {
      const instance = this.#instance(timer);
      if (timer.name === undefined) {
        instance.ended = true;
        instance.ids.clear();
      } else {
        instance.ids.set(timer.name, "id" in timer ? timer.id : undefined);
      }
    }
  }

  #instance({ consumer, instance }: Omit<TimerRef, "name">): Instance {
    const key = JSON.stringify([consumer, instance]);
    let found = this.#instances.get(key);
    if (found === undefined) {
      found = { ended: false, ids: new Map() };
      this.#instances.set(key, found);
    }
    return found;
  }
}
