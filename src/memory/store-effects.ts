/** The effect journal of a store in memory. */

import type { StoredEffect } from "../store/store.ts";
import type { EffectWrite } from "../store/write-set.ts";

interface Row extends StoredEffect {
  /** Counts records over all consumers. */
  readonly row: number;
}

export class MemoryEffects {
  /** By consumer, then message. */
  readonly #consumers = new Map<string, Map<string, Row[]>>();

  #nextRow = 1;

  /** The first answer under a name stays. */
  record({ consumer, message, name, json, atMs }: EffectWrite): void {
    const messages = this.#consumers.get(consumer) ?? new Map<string, Row[]>();
    this.#consumers.set(consumer, messages);
    const effects = messages.get(message) ?? [];
    messages.set(message, effects);
    if (effects.every((effect) => effect.name !== name)) {
      effects.push({ row: this.#nextRow++, message, name, json, atMs });
    }
  }

  read(consumer: string, messages: readonly string[]): Map<string, StoredEffect[]> {
    const found = new Map<string, StoredEffect[]>();
    for (const message of messages) {
      const effects = this.#consumers.get(consumer)?.get(message);
      if (effects === undefined) continue;
      found.set(
        message,
        effects.map(({ name, json, atMs }) => ({ message, name, json, atMs })),
      );
    }
    return found;
  }

  /** Those recorded before the moment, the oldest first. */
  trim(beforeMs: number, limit: number): number {
    const old = [...this.#consumers.values()]
      .flatMap((messages) => [...messages.values()].flat())
      .filter(({ atMs }) => atMs < beforeMs)
      .toSorted((one, other) => one.atMs - other.atMs || one.row - other.row)
      .slice(0, limit);
    const gone = new Set(old);
    for (const messages of this.#consumers.values()) {
      for (const [message, effects] of messages) {
        const kept = effects.filter((effect) => !gone.has(effect));
        if (kept.length === 0) messages.delete(message);
        else messages.set(message, kept);
      }
    }
    return old.length;
  }

  forget(consumer: string): void {
    this.#consumers.delete(consumer);
  }
}
