/**
 * What follows from the store's answer to one outcome of an input: its messages are settled, tried
 * again, or found to have been settled before; and whoever waits for one of them is told.
 */

import type { SetOutcome } from "../../store/write-set.ts";
import type { AnswerAgain } from "../ask/answer-again.ts";
import type { Answered } from "../ask/asker.ts";
import type { WrittenPlace } from "../ask/position-token.ts";
import { DONE } from "../ask/verdict.ts";
import { placesOf, wroteOf } from "../ask/wrote.ts";
import { MillraceError } from "../../model/errors.ts";
import { askersOf, type Arrival } from "./arrival.ts";
import type { Ready } from "./batch.ts";
import type { Committed } from "./committer.ts";
import { countHandled } from "./counters.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { FailureDesk } from "./failure-desk.ts";
import type { InFlight } from "./in-flight.ts";
import type { KeyLanes } from "./key-lanes.ts";
import type { ParkedRows } from "./parked-rows.ts";

export interface OutcomeDeskOptions extends Pick<
  EngineOptions,
  "service" | "part" | "worker" | "documents" | "counters" | "store" | "timerWatch"
> {
  readonly keys: KeyLanes;
  readonly flight: InFlight;
  readonly rows: ParkedRows;
  readonly failures: FailureDesk;
  readonly again: AnswerAgain;
  /** The outbox lane. */
  readonly lane: string;
  /** Notes messages as settled. */
  readonly note: (arrivals: readonly Arrival[]) => void;
  /** The input cannot go on. */
  readonly broken: (error: unknown) => void;
}

export class OutcomeDesk {
  readonly #options: OutcomeDeskOptions;

  constructor(options: OutcomeDeskOptions) {
    this.#options = options;
  }

  /** Applies the answer to one outcome; returns the arrivals that are settled now. */
  answered(ready: Ready, answer: SetOutcome, committed: Committed): readonly Arrival[] {
    if (answer.status === "applied") return this.#applied(ready, committed);
    const { worker, documents, counters, keys, rows, again } = this.#options;
    const { unit, decision } = ready;
    documents.forget(decision?.writes.documents ?? []);
    worker.forget?.(unit.key);
    const known = new Set(answer.status === "duplicate" ? answer.settled : []);
    const settled = unit.arrivals.filter((arrival) => known.has(arrival.incoming.id));
    const left = unit.arrivals.filter((arrival) => !known.has(arrival.incoming.id));
    counters.duplicates += settled.length;
    for (const arrival of settled) {
      again.tell(arrival);
      this.#settled(arrival, arrival.repeats?.length ?? 0);
    }
    keys.done(unit, left);
    if (unit.arrivals[0]?.row !== undefined) {
      // Perhaps somebody else worked the rows off or discarded them: load them anew.
      keys.dropRows(unit.key);
      void rows.refresh();
    }
    return settled;
  }

  /** The store will never take this: try one by one. What cannot even be parked has no way left. */
  refused({ unit, arrivals, decision }: Ready, error: unknown): void {
    const { documents, worker, keys, failures, broken } = this.#options;
    documents.forget(decision?.writes.documents ?? []);
    worker.forget?.(unit.key);
    if (arrivals.length > 1) {
      keys.done(unit, unit.arrivals);
      keys.giveOneByOne(unit.key);
    } else if (unit.kind === "park" || unit.kind === "repark") broken(error);
    else failures.failed(unit, 0, error);
  }

  #applied(ready: Ready, committed: Committed): readonly Arrival[] {
    const { worker, documents, counters, keys, rows, failures, timerWatch } = this.#options;
    const { unit, arrivals, decision, alone } = ready;
    documents.written(decision?.writes.documents ?? []);
    timerWatch.note(decision?.writes.timers ?? []);
    if (arrivals.length > 0) worker.committed?.(unit.key);
    if (decision !== undefined) {
      countHandled(counters, arrivals.length, decision.unmatched);
      counters.withheld += decision.withheld ?? 0;
    }
    this.#tell(ready, committed);
    arrivals.forEach((arrival, index) => this.#settled(arrival, committed.repeats[index]!));
    if (decision?.failure === undefined) keys.done(unit);
    else failures.failed(unit, arrivals.length, decision.failure.error);
    if (alone !== undefined || unit.arrivals[0]?.row !== undefined) void rows.refresh();
    rows.watch("cause" in unit ? unit.cause?.retryAtMs : undefined);
    return arrivals;
  }

  #tell({ unit, arrivals, decision }: Ready, { firstSequence }: Committed): void {
    let places: readonly WrittenPlace[] | undefined;
    arrivals.forEach((arrival, index) => {
      if (arrival.asker === undefined && arrival.repeats === undefined) return;
      for (const asker of askersOf(arrival)) {
        if (unit.kind !== "work" || decision === undefined) {
          asker.failed(waitsInParking(arrival));
          continue;
        }
        const verdict = decision.verdicts?.[index] ?? DONE;
        places ??= this.#places(decision, firstSequence);
        const answered: Answered = { verdict, places: verdict.ok ? places : [] };
        asker.answered(answered);
      }
    });
  }

  #places(
    { writes, outgoing }: NonNullable<Ready["decision"]>,
    firstSequence: number,
  ): readonly WrittenPlace[] {
    const { service, store, lane } = this.#options;
    const end = firstSequence + outgoing.length;
    return placesOf(wroteOf(writes, outgoing), { source: service, epoch: store.epoch, lane, end });
  }

  /** Copies that came after the batch was built are noted in the next one. */
  #settled(arrival: Arrival, repeatsCommitted: number): void {
    const { flight, note } = this.#options;
    if (arrival.row !== undefined) return;
    flight.finish(arrival);
    note(arrival.repeats?.slice(repeatsCommitted) ?? []);
  }
}

/** The command is kept and will be handled once its key is redriven, but nobody knows when. */
function waitsInParking({ key, incoming: { id } }: Arrival): MillraceError {
  return new MillraceError(
    "PARKED",
    `the command ${id} waits behind a parked message of its key "${key}"; redrive that, and it is handled`,
    { details: { id, key } },
  );
}
