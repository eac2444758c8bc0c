/**
 * The services under test: a saga that leads trips, and a workshop that does what it asks and notes it.
 *
 * What a trip comes to follows from its plan alone, so the workshop's notes of a trip can have one
 * content only: each command once, what was done undone in the reverse order.
 */

import * as z from "zod";
import { abort, after, at, end, step } from "../../../src/saga/actions.ts";
import { saga } from "../../../src/saga/saga.ts";
import { queue, stream } from "../../../src/schema/channel.ts";
import { command, event, timer } from "../../../src/schema/message-type.ts";
import { reject } from "../../../src/service/ask/answer.ts";
import { consumer } from "../../../src/service/consumer/consumer.ts";
import { document } from "../../../src/service/consumer/document.ts";
import { service } from "../../../src/service/service.ts";

/** By plan: what is noted of a trip in the end. */
export const ENDS = {
  /** All goes well, and a timer sends the thanks. */
  good: ["reserve", "charge", "dispatch", "thank"],
  /** The third step is refused. */
  refused: ["reserve", "charge", "refund", "release"],
  /** Nobody answers the third step, which has a deadline. */
  unanswered: ["reserve", "charge", "withdraw", "refund", "release"],
  /** Nobody answers the third step, and a timer gives up. */
  "given-up": ["reserve", "charge", "withdraw", "refund", "release"],
} as const;
export type Plan = keyof typeof ENDS;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a constant
const PLANS = Object.keys(ENDS) as readonly Plan[];

/** How many timers a trip takes up. */
export const FIRED: Readonly<Record<Plan, number>> = {
  good: 1,
  refused: 0,
  unanswered: 0,
  "given-up": 1,
};

export function planOf(nth: number): Plan {
  return PLANS[nth % PLANS.length]!;
}

const THANKS_AFTER_MS = 60;
const PATIENCE_MS = 80;

const one = z.object({ trip: z.string() });
const key = ({ trip }: z.infer<typeof one>): string => trip;
const dedupe = { count: 1_000_000, age: "1h" } as const;

export const Booked = event("trip.booked", one.extend({ plan: z.enum(PLANS) }), { key });
const Reserve = command("trip.reserve", one, { key });
const Release = command("trip.release", one, { key });
const Charge = command("trip.charge", one, { key });
const Refund = command("trip.refund", one, { key });
const Dispatch = command("trip.dispatch", one.extend({ plan: z.enum(PLANS) }), {
  key,
  refuses: ["impassable"],
});
const Recall = command("trip.recall", one, { key });
const Insure = command("trip.insure", one, { key });
const Withdraw = command("trip.withdraw", one, { key });
/** `lateMs`: how long after its moment the timer was taken up. */
const Thank = command("trip.thank", one.extend({ lateMs: z.number() }), { key });

const ThanksDue = timer("trip.thanks-due", one.extend({ dueMs: z.number() }));
const PatienceEnds = timer("trip.patience-ends", one.extend({ dueMs: z.number() }));
/** Far off: it must have gone with its trip. */
const Overdue = timer("trip.overdue", one);

export const bookings = stream("bookings", { Booked }, { partitions: 3, dedupe });
const work = queue(
  "work",
  { Reserve, Release, Charge, Refund, Dispatch, Recall, Withdraw, Thank },
  { attempts: 1000, dedupe },
);
/** Nobody works here. */
const deaf = queue("deaf", { Insure }, { depth: 1_000_000 });

export interface Journey {
  readonly plan: Plan;
  /** Timers taken up. */
  readonly fired: number;
}
const NONE: Journey = { plan: "good", fired: 0 };

const fired = (state: Journey): Journey => ({ ...state, fired: state.fired + 1 });

const journey = saga("journey", {
  from: bookings,
  sends: [work, deaf],
  timers: { ThanksDue, PatienceEnds, Overdue },
  initial: NONE,
})
  .evolve({
    Booked: (state, { plan }) => ({ ...state, plan }),
    ThanksDue: fired,
    PatienceEnds: fired,
    Overdue: fired,
  })
  .react({
    Booked: ({ trip }) => [
      step(Reserve({ trip }), { undo: Release({ trip }) }),
      after("1h", Overdue({ trip })),
    ],
    ThanksDue: ({ trip, dueMs }, _, { now }) => [Thank({ trip, lateMs: now - dueMs }), end()],
    PatienceEnds: () => abort("nobody answered"),
  })
  .answers({
    Reserve: (_, __, { instance: trip }) => step(Charge({ trip }), { undo: Refund({ trip }) }),
    Charge: (_, { plan }, { instance: trip, now }) => {
      const undo = Withdraw({ trip });
      if (plan === "unanswered") return step(Insure({ trip }), { undo, deadline: "80ms" });
      if (plan !== "given-up") return step(Dispatch({ trip, plan }), { undo: Recall({ trip }) });
      const dueMs = now + PATIENCE_MS;
      return [step(Insure({ trip }), { undo }), at(dueMs, PatienceEnds({ trip, dueMs }))];
    },
    Dispatch: (answer, _, { instance: trip, now }) => {
      if (!answer.ok) return abort(answer.refusal.code);
      const dueMs = now + THANKS_AFTER_MS;
      return at(dueMs, ThanksDue({ trip, dueMs }));
    },
  });

export interface Notes {
  readonly done: readonly string[];
  /** How late the thanks were due. */
  readonly lateMs?: number;
}
export const notes = document<Notes>("notes");

interface NoteDocs {
  readonly notes: { get(id: string): Promise<Notes | undefined>; put(id: string, to: Notes): void };
}

async function note({ notes: kept }: NoteDocs, trip: string, what: string): Promise<void> {
  const { done } = (await kept.get(trip)) ?? { done: [] };
  kept.put(trip, { done: [...done, what] });
}

const worker = consumer("worker", { from: work, docs: { notes } }).handle({
  Reserve: ({ trip }, { docs }) => note(docs, trip, "reserve"),
  Release: ({ trip }, { docs }) => note(docs, trip, "release"),
  Charge: ({ trip }, { docs }) => note(docs, trip, "charge"),
  Refund: ({ trip }, { docs }) => note(docs, trip, "refund"),
  Dispatch: ({ trip, plan }, { docs }) =>
    plan === "refused" ? reject("impassable") : note(docs, trip, "dispatch"),
  Recall: ({ trip }, { docs }) => note(docs, trip, "recall"),
  Withdraw: ({ trip }, { docs }) => note(docs, trip, "withdraw"),
  Thank: async ({ trip, lateMs }, { docs }) => {
    const { done } = (await docs.notes.get(trip)) ?? { done: [] };
    docs.notes.put(trip, { done: [...done, "thank"], lateMs });
  },
});

export const trips = service("trips", { journey });
export const workshop = service("workshop", { worker });
