/** Redrives dead letters of the queue, a few at a time, and counts what the broker says it moved. */

import type { ComponentRecord, Driver, Opened, Violation } from "../driver.ts";
import type { Json, Report } from "../report.ts";
import { delay } from "../../../src/model/clock.ts";
import { JOBS_QUEUE } from "./names.ts";

const PAUSE_MS = 5;

export const redriveDriver: Driver = {
  name: "redrive",
  start: ({ broker, tell, environment }) => {
    const queues = broker.queues!;
    const work = async (): Promise<void> => {
      for (;;) {
        const letters = await queues.listDeadLetters(JOBS_QUEUE, { limit: 5 });
        if (letters.length === 0) {
          await delay(environment.clock, PAUSE_MS);
          continue;
        }
        const sequences = letters.map(({ sequence }) => sequence);
        tell("try", sequences.length);
        tell("ack", sequences.length, await queues.redriveDeadLetters(JOBS_QUEUE, sequences));
      }
    };
    work().catch((error: unknown) => tell("error", String(error)));
    return Promise.resolve();
  },
  createRecord: () => new RedriveRecord(),
};

class RedriveRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  #inFlight = 0;
  #redriven = 0;

  take([, kind, ...facts]: Report): void {
    const [asked = 0, moved = 0] = facts.map(Number);
    if (kind === "error") this.violations.push({ kind: "wrong", text: String(facts[0]) });
    else if (kind === "try") this.#inFlight++;
    else {
      this.#inFlight--;
      this.#redriven += moved;
      if (moved !== asked) {
        this.violations.push({ kind: "lost", text: `${moved} of ${asked} dead letters redriven` });
      }
    }
  }

  died(): ReturnType<ComponentRecord["died"]> {
    const redrive = this.#inFlight;
    this.#inFlight = 0;
    return { redrive };
  }

  resume(): Json {
    return null;
  }

  /** What was redriven is counted by the queue's own record. */
  verify(_opened: Opened): Promise<void> {
    return Promise.resolve();
  }

  get totals(): ComponentRecord["totals"] {
    return { "dead letters redriven": this.#redriven };
  }
}
