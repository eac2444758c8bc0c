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

  #judge(
    trip: string,
    { status, state }: { readonly status: string; readonly state: Journey },
    { done, lateMs = 0 }: Notes = { done: [] },
  ): void {
    const plan = planOf(Number(trip.split("-")[1]));
    if (status !== "ended") this.#report("lost", `${trip}, ${plan}, is ${status}`);
    else this.#counts.ended++;
    this.#counts.commands += done.length;
    this.#counts.fired += state.fired;
    if (plan !== "good") this.#counts.undone++;
    const expected: readonly string[] = ENDS[plan];
    if (done.join() !== expected.join()) {
      const kind =
        new Set(done).size < done.length
          ? "twice"
          : expected.some((what) => !done.includes(what))
            ? "lost"
            : "disorder";
      this.#report(kind, `${trip}, ${plan}, came to ${done.join()}`);
    }
    if (state.fired !== FIRED[plan]) {
      const kind = state.fired > FIRED[plan] ? "twice" : "lost";
      this.#report(kind, `${trip}, ${plan}, took up ${state.fired} timers`);
    }
    if (lateMs < 0) this.#report("wrong", `a timer of ${trip} came ${-lateMs} ms too early`);
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
