/** Folding an entity's stored events outside of its decider's work: its state at any moment. */

import { MessageReader } from "../service/message-reader.ts";
import type { EntityFold } from "../service/part.ts";
import { evolve, type DeciderRules } from "./decider-rules.ts";

/** The same folds, over the same decoding, that the decider decides on. */
export function entityFold<State>({
  name,
  events,
  initial,
  folds,
}: Pick<DeciderRules<State>, "name" | "events" | "initial" | "folds">): EntityFold<State> {
  const types = Object.values(events).map(({ type }) => type);
  const reader = new MessageReader([{ kind: "decider", name, types: events }], new Set(types));
  return {
    initial,
    read: ({ message }) => {
      const reading = reader.read(message, 0);
      if (reading.status === "message") return reading.message;
      throw reading.status === "unreadable" ? reading.error : new TypeError("no event of its own");
    },
    evolve: (state, { envelope, data }) =>
      evolve(folds, state, { type: envelope.type, data }, envelope),
  };
}
