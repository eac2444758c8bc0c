/** Trips are booked one after another, and led to their ends by a saga. */

import { delay } from "../../../src/model/clock.ts";
import type { Driver } from "../driver.ts";
import { COMPONENT, runTrips } from "./run-trips.ts";
import { SagaRecord } from "./saga-record.ts";
import { Booked, planOf } from "./trips.ts";

const BOOKERS = 4;
/** A trip takes a dozen commits: more of them would only wait. */
const PAUSE_MS = 5;
const REPORT_PAUSE_MS = 25;

export const sagaDriver: Driver = {
  name: COMPONENT,
  start: async (context) => {
    const { tell, resume, environment } = context;
    const app = await runTrips(context);
    const [service] = app.services;
    const starts = Array.isArray(resume) ? resume.map(Number) : [];
    const book = async (booker: number): Promise<void> => {
      for (let nth = starts[booker] ?? 0; ; nth++) {
        const trip = `t${booker}-${nth}`;
        tell("try", booker, nth);
        await app.publish(Booked({ trip, plan: planOf(nth) }), { id: trip });
        tell("ack", booker, nth);
        await delay(environment.clock, PAUSE_MS);
      }
    };
    return () => {
      for (let booker = 0; booker < BOOKERS; booker++) {
        book(booker).catch((error: unknown) => tell("error", String(error)));
      }
      const report = async (): Promise<void> => {
        for (;;) {
          const active = await service!.listSagas("journey", { status: "active" });
          const undoing = await service!.listSagas("journey", { status: "compensating" });
          tell("under-way", active.instances.length, undoing.instances.length);
          await delay(environment.clock, REPORT_PAUSE_MS);
        }
      };
      report().catch((error: unknown) => tell("error", String(error)));
    };
  },
  createRecord: () => new SagaRecord(BOOKERS),
};
