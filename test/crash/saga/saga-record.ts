/**
 * What the parent knows of the trips, and what it demands: every trip ends, its notes are what its plan
 * comes to, command by command, its timers were taken up as often as they should and not before their
 * moment, and none is left.
 */

import type { ComponentRecord, Opened, Violation } from "../driver.ts";
import { documentsOf, parkedIn, restUntil } from "../open-app.ts";
import type { Json, Report } from "../report.ts";
import { runTrips } from "./run-trips.ts";
import { ENDS, FIRED, type Journey, type Notes, notes, planOf } from "./trips.ts";

interface Instance {
  readonly status: string;
  readonly state: Journey;
}

const NO_NOTES: Notes = { done: [] };

export class SagaRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #bookers: number;
  readonly #acknowledged = new Set<string>();
  readonly #inFlight = new Set<string>();
  /** Instances that were neither new nor ended when the child died. */
  #active = 0;
  #compensating = 0;
  #counts = { ended: 0, undone: 0, commands: 0, fired: 0 };

  constructor(bookers: number) {
    this.#bookers = bookers;
  }

  take([, kind, ...facts]: Report): void {
    if (kind === "error") return this.#report("wrong", String(facts[0]));
    const [a = 0, b = 0] = facts.map(Number);
    if (kind === "under-way") {
      this.#active = a;
      this.#compensating = b;
      return;
    }
    const trip = `t${a}-${b}`;
    if (kind === "try") this.#inFlight.add(trip);
    else {
      this.#inFlight.delete(trip);
      this.#acknowledged.add(trip);
    }
  }

  died(): ReturnType<ComponentRecord["died"]> {
    const inFlight = {
      booking: this.#inFlight.size,
      sagas: this.#active,
      undoing: this.#compensating,
    };
    this.#inFlight.clear();
    this.#active = 0;
    this.#compensating = 0;
    return inFlight;
  }

  /** For each booker its oldest booking that was not acknowledged. */
  resume(): Json {
    return Array.from({ length: this.#bookers }, (_, booker) => {
      let nth = 0;
      while (this.#acknowledged.has(`t${booker}-${nth}`)) nth++;
      return nth;
    });
  }

  async verify(opened: Opened): Promise<void> {
    await using app = await runTrips(opened);
    const [trips, workshop] = app.services;
    const ended = await restUntil(app, async () => {
      const open = (["active", "compensating"] as const).map((status) =>
        trips!.listSagas("journey", { status, limit: 1 }),
      );
      return (await Promise.all(open)).every(({ instances }) => instances.length === 0);
    });
    if (!ended) this.#report("lost", "a trip did not come to its end");
    const kept = new Map<string, Notes>();
    for await (const [trip, json] of documentsOf(workshop!.store, notes.collection)) {
      kept.set(trip, JSON.parse(json));
    }
    Object.assign(this.#counts, { ended: 0, undone: 0, commands: 0, fired: 0 });
    const known = new Set<string>();
    for await (const [trip, json] of documentsOf(trips!.store, "saga.journey")) {
      known.add(trip);
      this.#judge(trip, JSON.parse(json), kept.get(trip));
    }
    for (const trip of this.#acknowledged) {
      if (!known.has(trip)) this.#report("lost", `${trip} was booked and never began`);
    }
    const [left] = await trips!.store.listTimers("journey", { limit: 1 });
    if (left !== undefined) this.#report("wrong", `a timer of ${left.instance} is left`);
    for (const text of await parkedIn(app)) this.#report("wrong", text);
  }

  #judge(trip: string, instance: Instance, kept: Notes = NO_NOTES): void {
    this.violations.push(...judgeTrip(trip, instance, kept));
    if (instance.status === "ended") this.#counts.ended++;
    if (planOf(nthOf(trip)) !== "good") this.#counts.undone++;
    this.#counts.commands += kept.done.length;
    this.#counts.fired += instance.state.fired;
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text });
  }

  get totals(): ComponentRecord["totals"] {
    const { ended, undone, commands, fired } = this.#counts;
    return {
      "trips booked": this.#acknowledged.size,
      "sagas ended": ended,
      "compensated among them": undone,
      "effects of steps counted": commands,
      "timers taken up": fired,
    };
  }
}

const nthOf = (trip: string): number => Number(trip.split("-")[1]);

/** What is wrong with a trip that should have come to its end. Pure. */
export function judgeTrip(
  trip: string,
  { status, state }: Instance,
  { done, lateMs = 0 }: Notes,
): readonly Violation[] {
  const plan = planOf(nthOf(trip));
  const expected: readonly string[] = ENDS[plan];
  const found: Violation[] = [];
  const report = (kind: Violation["kind"], text: string): void => {
    found.push({ kind, text: `${trip}, ${plan}, ${text}` });
  };
  if (status !== "ended") report("lost", `is ${status}`);
  if (new Set(done).size < done.length) report("twice", `came to ${done.join()}`);
  else if (expected.some((what) => !done.includes(what))) report("lost", `came to ${done.join()}`);
  else if (done.join() !== expected.join()) report("disorder", `came to ${done.join()}`);
  const fired = state.fired - FIRED[plan];
  if (fired !== 0) report(fired > 0 ? "twice" : "lost", `took up ${state.fired} timers`);
  if (lateMs < 0) report("wrong", `took up a timer ${-lateMs} ms too early`);
  return found;
}
