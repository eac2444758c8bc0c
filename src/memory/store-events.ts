/** Events of a store in memory, globally in commit order and by entity. */

import type { EntityRead } from "../store/read-check.ts";
import type { StoredEvent } from "../store/store.ts";
import type { EventWrite } from "../store/write-set.ts";

export const EVENTS_LIMIT = 1000;

export interface EventRange {
  readonly after?: number;
  readonly limit?: number;
}

export class MemoryEvents {
  readonly #all: StoredEvent[] = [];
  readonly #entities = new Map<string, StoredEvent[]>();

  /** The sequence of the newest event; 0 where there is none. */
  get last(): number {
    return this.#all.length;
  }

  countOf(entity: string): number {
    return this.#entities.get(entity)?.length ?? 0;
  }

  append({ entity, events }: EventWrite): void {
    const ofEntity = this.#entities.get(entity) ?? [];
    this.#entities.set(entity, ofEntity);
    for (const message of events) {
      const sequence = this.#all.length + 1;
      const event = { sequence, entity, version: ofEntity.length + 1, message };
      this.#all.push(event);
      ofEntity.push(event);
    }
  }

  readEntity(entity: string, { after = 0, limit = EVENTS_LIMIT }: EventRange): StoredEvent[] {
    return (this.#entities.get(entity) ?? []).slice(after, after + limit);
  }

  readEntities(reads: readonly EntityRead[]): Map<string, StoredEvent[]> {
    const found = new Map<string, StoredEvent[]>();
    for (const { entity, after = 0 } of reads) {
      const events = this.readEntity(entity, { after });
      if (events.length > 0) found.set(entity, events);
    }
    return found;
  }

  readAll({ after = 0, limit = EVENTS_LIMIT }: EventRange): StoredEvent[] {
    return this.#all.slice(after, after + limit);
  }
}
