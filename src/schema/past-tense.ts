/**
 * Whether an event's name says that something has happened.
 *
 * English is not decidable, so this is a lint and refuses nothing: the last part of the type's name
 * must have a word that ends in "ed" or is one of the irregular participles that services use.
 * `order.placed`, `cart.checked-out` and `payment.sent` pass; `order.place` and `order.update` do not.
 */

import type { ContractLock } from "./contract-lock.ts";

const IRREGULAR: ReadonlySet<string> = new Set(
  (
    "agreed became begun bent bought bound broken brought built burnt caught chosen come cut dealt done " +
    "drawn driven fallen felt forgotten fought found freed frozen given gone grown held hidden hit hurt " +
    "kept known laid learnt led left lent lost made meant met overdue overridden paid " +
    "put quit ran read rebuilt reset resent run said seen sent set shown shut sold spent split spoken " +
    "spread stolen stood stuck swept taken taught thrown told undone understood upset went withdrawn " +
    "won worn written"
  ).split(" "),
);

export function isPastTense(type: string): boolean {
  const last = type.slice(type.lastIndexOf(".") + 1);
  const words = last
    .replaceAll(/([a-z\d])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split(/[^a-z]+/);
  return words.some((word) => /.[^e]ed$/.test(word) || IRREGULAR.has(word));
}

/** The events of a lock whose names do not say that something has happened, with what to do. */
export function tenseWarnings({ types }: Pick<ContractLock, "types">): readonly string[] {
  return Object.entries(types)
    .filter(([type, { kind }]) => kind === "event" && !isPastTense(type))
    .map(
      ([type]) =>
        `event ${type}: an event has happened, and this name is not in the past tense; rename it, or make it a command`,
    );
}
