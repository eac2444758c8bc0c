/**
 * A fold: a first state and a function from a state and an event to the next state. Deciders, views
 * and sagas are three uses of it. Folds are pure: what they may know of the event beside its data is
 * the context, and nothing else is in reach.
 */

export interface FoldContext {
  /** The event's id. */
  readonly id: string;
  /** The event's time, in milliseconds since 1970. */
  readonly time: number;
  /** The event's schema version as it was written, before upcasting. */
  readonly version: number;
}

/** Returns the state after the event. */
export type Evolve<State, Data> = (state: State, data: Data, context: FoldContext) => State;
