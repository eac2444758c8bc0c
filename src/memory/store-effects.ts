/** The effect journal of a store in memory. */

import type { StoredEffect } from "../store/store.ts";
import type { EffectWrite } from "../store/write-set.ts";

export class MemoryEffects {
  /** By consumer, then message. */
  readonly #consumers = new Map<string, Map<string, StoredEffect[]>>();

  /** The first answer under a name stays. */
  record({ consumer, message, name, json, atMs }: EffectWrite): void {
    const messages = this.#consumers.get(consumer) ?? new Map<string, StoredEffect[]>();
    this.#consumers.set(consumer, messages);
    const effects = messages.get(message) ?? [];
    messages.set(message, effects);
    if (effects.every((effect) => effect.name !== name)) {
      effects.push({ message, name, json, atMs });
    }
  }

  read(consumer: string, messages: readonly string[]): Map<string, StoredEffect[]> {
    const found = new Map<string, StoredEffect[]>();
    for (const message of messages) {
      const effects = this.#consumers.get(consumer)?.get(message);
      if (effects !== undefined) found.set(message, [...effects]);
    }
    return found;
  }

  trim(beforeMs: number): number {
    let removed = 0;
    for (const messages of this.#consumers.values()) {
      for (const [message, effects] of messages) {
        const kept = effects.filter(({ atMs }) => atMs >= beforeMs);
        removed += effects.length - kept.length;
        if (kept.length === 0) messages.delete(message);
        else messages.set(message, kept);
      }
    }
    return removed;
  }

  forget(consumer: string): void {
    this.#consumers.delete(consumer);
  }
}
