/** The state of an entity of a decider, now or at an earlier moment. */

export interface ShownState {
  readonly service: string;
  readonly decider: string;
  readonly key: string;
  /** How many of its events the state holds. */
  readonly version: number;
  /** How many there are. */
  readonly newest: number;
  readonly stateJson: string;
  /** The last event that the state holds. */
  readonly last?: { readonly id: string; readonly type: string; readonly time: number };
}

export interface StateAdmin {
  /**
   * By `DECIDER/KEY`, or `SERVICE.DECIDER/KEY`; `at` is a version (`17`) or a moment
   * (`@2026-01-01T00:00`: the events that happened by then). An entity without events has version 0.
   * Throws BAD_ARGUMENT, naming the deciders there are.
   */
  stateOf(entity: string, options?: { readonly at?: string }): Promise<ShownState>;
}
