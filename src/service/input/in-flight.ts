/** The messages that an input has taken and not settled, and what it remembers of settled ones. */

import type { LaneProgress } from "../../store/progress.ts";
import type { InboxMark, Incoming } from "../../store/write-set.ts";
import type { Arrival } from "./arrival.ts";
import type { FlightBudget } from "./flight-budget.ts";
import { Inbox } from "./inbox.ts";

/** Past either bound the source fetches no more. */
const COUNT_MAX = 4096;
const BYTES_MAX = 32 * 1024 * 1024;

export class InFlight {
  readonly #inbox: Inbox;
  readonly #arrivals = new Set<Arrival>();
  readonly #budget: FlightBudget;
  #bytes = 0;
  #over = false;

  /** `budget` is shared with the other inputs of the service. */
  constructor(lanes: ReadonlyMap<string, LaneProgress>, budget: FlightBudget) {
    this.#inbox = new Inbox(lanes);
    this.#budget = budget;
  }

  get empty(): boolean {
    return this.#arrivals.size === 0;
  }

  get full(): boolean {
    return this.#arrivals.size >= COUNT_MAX || this.#bytes >= BYTES_MAX;
  }

  /** Whether more may be fetched. Calls `wake` once where only the service's other inputs forbid it. */
  hasRoom(wake: () => void): boolean {
    if (this.full) return false;
    if (this.empty || !this.#budget.spent) return true;
    this.#budget.onRoom(wake);
    return false;
  }

  /** A copy of a message that is in flight is kept with it, and settled with it. */
  admit(arrival: Arrival, isSeen: (id: string) => boolean): "new" | "settled" | "in-flight" {
    const admission = this.#inbox.admit(arrival, isSeen);
    if (admission.status === "new") {
      this.#arrivals.add(arrival);
      this.#bytes += arrival.bytes;
      if (!this.#over) this.#budget.take(arrival.bytes);
    } else if (admission.status === "in-flight") {
      (admission.first.repeats ??= []).push(arrival);
    }
    return admission.status;
  }

  /** Nobody handles it; see `Inbox.pass`. */
  pass({ incoming: { mark } }: Arrival): void {
    if (mark !== undefined) this.#inbox.pass(mark);
  }

  /** Whether what stands at this place of a lane was settled. */
  hasSettled(mark: InboxMark): boolean {
    return this.#inbox.hasSettled(mark);
  }

  /** Whether it was given up, by a lost lease for instance. Rows are never in flight. */
  isGone(arrival: Arrival): boolean {
    return arrival.row === undefined && !this.#arrivals.has(arrival);
  }

  /** It is settled, durably. */
  finish(arrival: Arrival): void {
    this.forget(arrival);
    this.#inbox.finish(arrival.incoming);
  }

  /** It left unsettled, and will come again. */
  forget(arrival: Arrival): void {
    if (!this.#arrivals.delete(arrival)) return;
    this.#bytes -= arrival.bytes;
    if (!this.#over) this.#budget.giveBack(arrival.bytes);
    this.#inbox.forget(arrival.incoming);
  }

  /** What stays open beside a batch, as far as it has a place in a lane. */
  unfinished(inBatch: ReadonlySet<Arrival>): readonly Incoming[] {
    const open: Incoming[] = [];
    for (const arrival of this.#arrivals) {
      if (arrival.incoming.mark !== undefined && !inBatch.has(arrival)) open.push(arrival.incoming);
    }
    return open;
  }

  find(matches: (arrival: Arrival) => boolean): Arrival | undefined {
    for (const arrival of this.#arrivals) if (matches(arrival)) return arrival;
    return undefined;
  }

  /** The input is over: what it took of the budget is for the others. */
  release(): void {
    if (this.#over) return;
    this.#over = true;
    for (const arrival of this.#arrivals) this.#budget.giveBack(arrival.bytes);
  }

  all(): readonly Arrival[] {
    return [...this.#arrivals];
  }
}
