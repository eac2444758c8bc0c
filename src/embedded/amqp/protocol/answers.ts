/**
 * What clients are told of their deliveries: gathered for a tick, and written in ranges just before rhea
 * writes what else there is.
 *
 * rhea would do this too, but it compares what was said of a delivery only from the third of a range on: the
 * second is told what the first was, so a message that was refused counts as accepted. It also keeps a
 * delivery that a receiver will not settle until it does, which one that settles second need not.
 */

import type { Refusal } from "./conditions.ts";
import { writeDisposition, type Delivery, type RheaConnection, type RheaSession } from "./rhea.ts";

/** A refusal stands for `rejected`. */
export type Verdict = "accepted" | "released" | Refusal;

export interface Answer {
  readonly id: number;
  readonly verdict: Verdict;
}

/** Deliveries with following numbers of which the same is said. */
export interface AnswerRange {
  readonly first: number;
  readonly last: number;
  readonly verdict: Verdict;
}

interface Gathered {
  readonly session: RheaSession;
  /** Whether the deliveries were received here. */
  readonly receives: boolean;
  readonly answers: Answer[];
}

export class Answers {
  readonly #connection: RheaConnection;
  #gathered: Gathered[] = [];
  #closed = false;

  constructor(connection: RheaConnection) {
    this.#connection = connection;
    const process = connection._process.bind(connection);
    connection._process = () => {
      this.#write();
      process();
    };
  }

  /** Settles the delivery, and tells the client so unless it has done with it already. */
  settle(delivery: Delivery, verdict: Verdict): void {
    const { id, link, remote_settled: isDone } = delivery;
    delivery.settled = true;
    delivery.remote_settled = true;
    this.#connection._register();
    if (isDone || this.#closed) return;
    const { session } = link;
    const receives = link.is_receiver();
    let last = this.#gathered.at(-1);
    if (last?.session !== session || last.receives !== receives) {
      last = { session, receives, answers: [] };
      this.#gathered.push(last);
    }
    last.answers.push({ id, verdict });
  }

  /** Before the connection is closed from here: nothing may follow that. */
  close(): void {
    this.#write();
    this.#closed = true;
  }

  #write(): void {
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    for (const { session, receives, answers } of gathered) {
      if (!session.is_remote_open()) continue;
      for (const range of rangesOf(answers)) writeDisposition(session, { ...range, receives });
    }
  }
}

/** In the order of the answers. */
export function rangesOf(answers: readonly Answer[]): AnswerRange[] {
  const ranges: AnswerRange[] = [];
  let open: { first: number; last: number; verdict: Verdict } | undefined;
  for (const { id, verdict } of answers) {
    if (open !== undefined && open.last + 1 === id && open.verdict === verdict) {
      open.last = id;
      continue;
    }
    open = { first: id, last: id, verdict };
    ranges.push(open);
  }
  return ranges;
}
