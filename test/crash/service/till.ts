/**
 * The service under test: payments are tallied per account by a view, by a consumer that sometimes
 * fails and parks, and commands by a consumer that emits what a second view tallies in turn.
 *
 * Each account's messages are numbered from 0. So a tally shows what was lost (a number is missing),
 * done twice (a number comes again) or out of order (both), whatever the runtime itself believes.
 */

import * as z from "zod";
import { queue, stream } from "../../../src/schema/channel.ts";
import { command, event } from "../../../src/schema/message-type.ts";
import type { Service } from "../../../src/service/part.ts";
import { consumer } from "../../../src/service/consumer/consumer.ts";
import { document } from "../../../src/service/consumer/document.ts";
import { service } from "../../../src/service/service.ts";
import { view } from "../../../src/sourcing/view.ts";

const step = z.object({ account: z.string(), nth: z.number() });
const key = ({ account }: z.infer<typeof step>): string => account;
const dedupe = { count: 1_000_000, age: "1h" } as const;

export const Paid = event("till.paid", step, { key });
export const Charge = command("till.charge", step, { key });
export const Charged = event("till.charged", step, { key });

export const payments = stream("payments", { Paid }, { partitions: 3, dedupe });
export const charges = queue("charges", { Charge }, { keyOrder: true, attempts: 1000, dedupe });
/** Without a window of ids, so that what a relay repeats after a kill is the inbox's work alone. */
export const charged = stream("charged", { Charged }, { partitions: 2, dedupe: false });

export interface Tally {
  /** How many were counted. */
  readonly count: number;
  /** The number that must come next. */
  readonly next: number;
  readonly missing: number;
  readonly repeated: number;
}

const NONE: Tally = { count: 0, next: 0, missing: 0, repeated: 0 };

export function tally(state: Tally, nth: number): Tally {
  const { count, next, missing, repeated } = state;
  if (nth < next) return { ...state, count: count + 1, repeated: repeated + 1 };
  return { count: count + 1, next: nth + 1, missing: missing + nth - next, repeated };
}

const picky = document<Tally>("picky");
const charger = document<Tally>("charger");

/** Where each part keeps its tallies, by the part's name. */
export const COLLECTIONS = {
  paid: "view.paid.v1",
  picky: picky.collection,
  charger: charger.collection,
  receipts: "view.receipts.v1",
} as const;

/** `fails` decides whether a handler throws and its message is parked. */
export function createTill(fails: () => boolean): Service {
  return service("till", {
    paid: view("paid", { from: payments, initial: NONE }).evolve({
      Paid: (state, { nth }) => tally(state, nth),
    }),
    picky: consumer("picky", { from: payments, docs: { picky }, policy: { attempts: 1 } }).handle({
      Paid: async ({ account, nth }, { docs }) => {
        if (fails()) throw new Error("fails by chance");
        docs.picky.put(account, tally((await docs.picky.get(account)) ?? NONE, nth));
      },
    }),
    charger: consumer("charger", {
      from: charges,
      publishes: charged,
      docs: { charger },
    }).handle({
      Charge: async ({ account, nth }, { docs, emit }) => {
        docs.charger.put(account, tally((await docs.charger.get(account)) ?? NONE, nth));
        emit(Charged({ account, nth }));
      },
    }),
    receipts: view("receipts", { from: charged, initial: NONE }).evolve({
      Charged: (state, { nth }) => tally(state, nth),
    }),
  });
}
