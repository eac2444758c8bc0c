/**
 * The service under test: one view, whose version is chosen anew for every life.
 *
 * A document says by which version it was folded, and holds a checksum over all that went into it, so
 * a document that two generations had a hand in shows by itself.
 */

import * as z from "zod";
import { stream } from "../../../src/schema/channel.ts";
import { event } from "../../../src/schema/message-type.ts";
import type { Service } from "../../../src/service/part.ts";
import { service } from "../../../src/service/service.ts";
import { type View, view } from "../../../src/sourcing/view.ts";
import { type Tally, tally } from "../service/till.ts";

export const VIEW = "tallies";
export const VERSIONS = 3;

export const Entered = event("ledger.entered", z.object({ account: z.string(), nth: z.number() }), {
  key: ({ account }) => account,
});
const entries = stream(
  "entries",
  { Entered },
  { partitions: 3, dedupe: { count: 1_000_000, age: "1h" } },
);

export interface Checked extends Tally {
  readonly version: number;
  readonly sum: number;
}

const NOTHING = { count: 0, next: 0, missing: 0, repeated: 0, sum: 0 };

/** Keeps the version that the document began with: the checksum tells if another one went on with it. */
function fold(state: Checked, nth: number, version: number): Checked {
  const sum = (state.sum * 31 + nth + version) % 1_000_003;
  return { ...state, ...tally(state, nth), sum };
}

export interface Tallies {
  readonly ledger: Service;
  readonly tallies: View<Checked>;
}

export function createTallies(version: number): Tallies {
  const initial: Checked = { ...NOTHING, version };
  const tallies = view(VIEW, { from: entries, version, initial }).evolve({
    Entered: (state, { nth }) => fold(state, nth, version),
  });
  return { ledger: service("ledger", { tallies }), tallies };
}

/** What the document must be that claims to hold the first `next` entries of its account. */
export function expectedSum(version: number, next: number): number {
  let state: Checked = { ...NOTHING, version };
  for (let nth = 0; nth < next; nth++) state = fold(state, nth, version);
  return state.sum;
}
