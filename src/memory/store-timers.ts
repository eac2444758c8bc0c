/** Timers of a store in memory: by instance and name, and by their moment. */

import { compareTexts } from "../store/document-search.ts";
import type { StoredTimer } from "../store/store.ts";
import type { TimerCancel, TimerRef, TimerWrite } from "../store/write-set.ts";

export interface DueFilter {
  readonly dueMs: number;
  readonly limit?: number;
}

export interface TimerFilter {
  readonly instance?: string;
  readonly limit?: number;
  readonly after?: TimerRef;
}

/** A timer, with its place among those of the same moment. */
interface Entry {
  readonly timer: StoredTimer;
  readonly order: number;
}

interface Consumer {
  /** By instance, then name. */
  readonly instances: Map<string, Map<string, Entry>>;
  /** The earliest first. */
  readonly byMoment: Entry[];
}

export class MemoryTimers {
  readonly #consumers = new Map<string, Consumer>();
  #nextOrder = 0;

  idOf({ consumer, instance, name }: TimerRef): string | undefined {
    return this.#consumers.get(consumer)?.instances.get(instance)?.get(name)?.timer.id;
  }

  write(write: TimerWrite | TimerCancel): void {
    const { consumer, instance, name } = write;
    if (name === undefined) {
      const names = this.#consumers.get(consumer)?.instances.get(instance)?.keys() ?? [];
      for (const each of names) this.#remove({ consumer, instance, name: each });
      return;
    }
    this.#remove({ consumer, instance, name });
    if ("id" in write) this.#insert({ ...write });
  }

  /** Removes the timer; one that has its name under another id stays. */
  settle(timer: TimerRef, id: string): void {
    if (this.idOf(timer) === id) this.#remove(timer);
  }

  due(consumer: string, { dueMs, limit = 100 }: DueFilter): StoredTimer[] {
    const byMoment = this.#consumers.get(consumer)?.byMoment ?? [];
    const due: StoredTimer[] = [];
    for (const { timer } of byMoment) {
      if (timer.dueMs > dueMs || due.length >= limit) break;
      due.push(timer);
    }
    return due;
  }

  nextMs(consumer: string): number | undefined {
    return this.#consumers.get(consumer)?.byMoment[0]?.timer.dueMs;
  }

  list(consumer: string, { instance, limit = 100, after }: TimerFilter): StoredTimer[] {
    return (this.#consumers.get(consumer)?.byMoment ?? [])
      .map(({ timer }) => timer)
      .filter((timer) => instance === undefined || timer.instance === instance)
      .filter((timer) => after === undefined || compareRefs(timer, after) > 0)
      .toSorted(compareRefs)
      .slice(0, limit);
  }

  forget(consumer: string): void {
    this.#consumers.delete(consumer);
  }

  #insert(timer: StoredTimer): void {
    const { consumer, instance, name } = timer;
    const known = this.#consumers.get(consumer) ?? { instances: new Map(), byMoment: [] };
    this.#consumers.set(consumer, known);
    const names = known.instances.get(instance) ?? new Map<string, Entry>();
    known.instances.set(instance, names);
    const entry: Entry = { timer, order: this.#nextOrder++ };
    names.set(name, entry);
    known.byMoment.splice(placeOf(known.byMoment, entry), 0, entry);
  }

  #remove({ consumer, instance, name }: TimerRef): void {
    const known = this.#consumers.get(consumer);
    const names = known?.instances.get(instance);
    const entry = names?.get(name);
    if (known === undefined || names === undefined || entry === undefined) return;
    known.byMoment.splice(placeOf(known.byMoment, entry), 1);
    names.delete(name);
    if (names.size === 0) known.instances.delete(instance);
  }
}

/** Where the entry stands in the list, or would stand. */
function placeOf(byMoment: readonly Entry[], entry: Entry): number {
  let low = 0;
  let high = byMoment.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareEntries(byMoment[middle]!, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareEntries(a: Entry, b: Entry): number {
  return a.timer.dueMs - b.timer.dueMs || a.order - b.order;
}

function compareRefs(a: TimerRef, b: TimerRef): number {
  return compareTexts(a.instance, b.instance) || compareTexts(a.name, b.name);
}
