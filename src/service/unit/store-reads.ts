/** What workers read of their service's store beside documents: entities and effect answers. */

import { isMillraceError } from "../../model/errors.ts";
import type { Store, StoredEffect, StoredEvent } from "../../store/store.ts";
import { SharedRead } from "./shared-read.ts";

interface EntityAsk {
  readonly entity: string;
  readonly after: number;
}

/** Entities asked for with one question; one more page of each follows by itself. */
const ENTITIES_MAX = 256;
/** What a store gives of one entity at once. */
const PAGE = 1000;

export class StoreReads {
  readonly #store: Store;
  readonly #journal: string;
  readonly #entities: SharedRead<EntityAsk, readonly StoredEvent[]>;
  readonly #effects: SharedRead<string, readonly StoredEffect[]>;

  /** `journal` is the name under which the part's effects are recorded. */
  constructor(store: Store, journal: string) {
    this.#store = store;
    this.#journal = journal;
    this.#entities = new SharedRead(
      ({ entity }) => entity,
      (asked) => this.#readEntities(asked),
    );
    this.#effects = new SharedRead(
      (message) => message,
      (messages) => this.#store.readEffects(this.#journal, messages),
    );
  }

  /** All events of the entity from the one after `after`, page by page. */
  async entity(entity: string, after: number): Promise<readonly StoredEvent[]> {
    const first = (await this.#entities.read({ entity, after })) ?? [];
    if (first.length < PAGE) return first;
    const events = [...first];
    for (let page = first; page.length === PAGE;) {
      page = await this.#store.readEntity(entity, { after: events.at(-1)!.version, limit: PAGE });
      events.push(...page);
    }
    return events;
  }

  async effects(message: string): Promise<readonly StoredEffect[]> {
    return (await this.#effects.read(message)) ?? [];
  }

  async #readEntities(
    asked: readonly EntityAsk[],
  ): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
    const found = new Map<string, readonly StoredEvent[]>();
    for (let first = 0; first < asked.length; first += ENTITIES_MAX) {
      const some = asked.slice(first, first + ENTITIES_MAX);
      for (const [entity, events] of await this.#readSome(some)) found.set(entity, events);
    }
    return found;
  }

  /** Together they may be too large for one answer; then half of them is asked for at a time. */
  async #readSome(
    asked: readonly EntityAsk[],
  ): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
    try {
      return await this.#store.readEntities(asked);
    } catch (error) {
      const [only, second] = asked;
      if (!isMillraceError(error, "TOO_LARGE") || only === undefined) throw error;
      if (second === undefined) return new Map([[only.entity, await this.#readAlone(only)]]);
      const half = Math.ceil(asked.length / 2);
      const parts = [
        await this.#readSome(asked.slice(0, half)),
        await this.#readSome(asked.slice(half)),
      ];
      return new Map(parts.flatMap((part) => [...part]));
    }
  }

  /** A page of one entity is over the bound by itself: its events are large, so a few at a time. */
  async #readAlone({ entity, after }: EntityAsk): Promise<readonly StoredEvent[]> {
    const events: StoredEvent[] = [];
    while (events.length < PAGE) {
      const limit = Math.min(LARGE_PAGE, PAGE - events.length);
      const page = await this.#store.readEntity(entity, {
        after: events.at(-1)?.version ?? after,
        limit,
      });
      events.push(...page);
      if (page.length < limit) break;
    }
    return events;
  }
}

const LARGE_PAGE = 32;
