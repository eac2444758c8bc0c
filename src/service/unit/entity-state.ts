/** The state of an entity at a version or a moment: a fold of the events up to it. */

import { MillraceError } from "../../model/errors.ts";
import type { Store } from "../../store/store.ts";
import type { Part } from "../part.ts";

/** Neither: the state now. Both: whichever comes first. */
export interface StateAt {
  /** The state after so many events. */
  readonly atVersion?: number;
  /** The state after the events that had happened by then; milliseconds since 1970. */
  readonly atTimeMs?: number;
}

export interface EntityState {
  readonly key: string;
  /** How many events the state holds. */
  readonly version: number;
  /** How many there are. */
  readonly newest: number;
  /** What the decider's folds returned; the initial state where there is no event. */
  readonly state: unknown;
  /** The last event that the state holds. */
  readonly last?: { readonly id: string; readonly type: string; readonly time: number };
}

const PAGE = 1000;

/** Throws BAD_ARGUMENT for a part that is no decider and a version that is no count. */
export async function entityStateOf(
  store: Store,
  part: Part,
  key: string,
  { atVersion = Infinity, atTimeMs = Infinity }: StateAt = {},
): Promise<EntityState> {
  const { entityFold, name } = part;
  if (entityFold === undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${part.partKind} "${name}" has no entities; name a decider`,
      { details: { part: name } },
    );
  }
  if (
    Number.isNaN(atTimeMs) ||
    !(atVersion >= 0) ||
    !(atVersion === Infinity || Number.isInteger(atVersion))
  ) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `version ${atVersion} at ${atTimeMs} is no place in a history; give a whole number from 0, or a moment`,
    );
  }
  let state = entityFold.initial;
  let version = 0;
  let newest = 0;
  let last: EntityState["last"];
  for (let over = false; ;) {
    const page = await store.readEntity(`${name}/${key}`, { after: newest, limit: PAGE });
    for (const event of page) {
      newest = event.version;
      over ||= event.version > atVersion;
      if (over) continue;
      const message = entityFold.read(event);
      const { id, type, time } = message.envelope;
      over = time > atTimeMs;
      if (over) continue;
      state = entityFold.evolve(state, message);
      version = event.version;
      last = { id, type, time };
    }
    if (page.length < PAGE) return { key, version, newest, state, ...(last && { last }) };
  }
}
