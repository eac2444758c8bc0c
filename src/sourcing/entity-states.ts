/**
 * The states of entities that a decider was at lately, so that a busy entity's events are read once.
 *
 * What was decided is not yet true: it is set aside until its commit is known, and then taken over or
 * forgotten with all that is remembered of the entity.
 */

export interface Entity<State> {
  readonly state: State;
  /** How many events led to it. */
  readonly version: number;
}

const STATES_MAX = 10_000;

export class EntityStates<State> {
  /** Committed; the one that was used longest ago first. */
  readonly #states = new Map<string, Entity<State>>();
  readonly #decided = new Map<string, Entity<State>>();

  get(key: string): Entity<State> | undefined {
    return this.#states.get(key);
  }

  keep(key: string, entity: Entity<State>): void {
    this.#states.delete(key);
    this.#states.set(key, entity);
    if (this.#states.size <= STATES_MAX) return;
    const [oldest] = this.#states.keys();
    if (oldest !== undefined) this.#states.delete(oldest);
  }

  /** The entity as it is if the decision is committed. */
  decided(key: string, entity: Entity<State>): void {
    this.#decided.set(key, entity);
  }

  committed(key: string): void {
    const decided = this.#decided.get(key);
    if (decided === undefined) return;
    this.#decided.delete(key);
    this.keep(key, decided);
  }

  forget(key: string): void {
    this.#decided.delete(key);
    this.#states.delete(key);
  }
}
