/**
 * Senders of numbered messages, several calls in flight each, and the parent's record of them.
 *
 * A sender owns some keys and numbers the messages of each key from 0. After a kill it goes on at
 * its oldest call that was not acknowledged, with the same ids: so a loss shows as a gap, and a
 * broker that forgot an id over the kill shows a number twice.
 */

import type { Report, Json, Tell } from "../report.ts";

const SENDERS = 4;
const KEYS_PER_SENDER = 3;
const BATCH_MAX = 8;

/** The `sequence`th message of its key. */
export interface Numbered {
  readonly key: string;
  readonly sequence: number;
}

/** The messages of a sender's nth call: the same in every life, so that a repetition is one. */
function callOf(prefix: string, sender: number, call: number): Numbered[] {
  const size = 1 + ((call * 7 + sender) % BATCH_MAX);
  const first = firstOf(sender, call);
  return Array.from({ length: size }, (_, index) => {
    const nth = first + index;
    const key = `${prefix}${sender}.${nth % KEYS_PER_SENDER}`;
    return { key, sequence: Math.floor(nth / KEYS_PER_SENDER) };
  });
}

/** How many messages the sender's calls before this one carry: sizes repeat every `BATCH_MAX` calls. */
function firstOf(sender: number, call: number): number {
  const perRound = (BATCH_MAX * (BATCH_MAX + 1)) / 2;
  let first = Math.floor(call / BATCH_MAX) * perRound;
  for (let at = call - (call % BATCH_MAX); at < call; at++)
    first += 1 + ((at * 7 + sender) % BATCH_MAX);
  return first;
}

export interface SendersOptions {
  readonly tell: Tell;
  readonly resume: Json;
  readonly prefix: string;
  /** Of each sender. */
  readonly callsInFlight: number;
  /** Says that a call is acknowledged before it is made: the control. */
  readonly acknowledgeFirst: boolean;
  /** Resolves when every message is durable; rejects when one is not. */
  readonly send: (messages: readonly Numbered[]) => Promise<void>;
}

export function startSenders(options: SendersOptions): void {
  const { tell, resume, prefix, callsInFlight, acknowledgeFirst, send } = options;
  const starts = Array.isArray(resume) ? resume.map(Number) : [];
  for (let sender = 0; sender < SENDERS; sender++) {
    let next = starts[sender] ?? 0;
    const work = async (): Promise<void> => {
      for (;;) {
        const call = next++;
        const messages = callOf(prefix, sender, call);
        tell("try", sender, call);
        if (acknowledgeFirst) tell("ack", sender, call);
        await send(messages);
        if (!acknowledgeFirst) tell("ack", sender, call);
      }
    };
    for (let lane = 0; lane < callsInFlight; lane++) {
      work().catch((error: unknown) => tell("error", String(error)));
    }
  }
}

/** Which calls were attempted and acknowledged. */
export class SenderRecord {
  readonly #acknowledged = Array.from({ length: SENDERS }, () => new Set<number>());
  readonly #inFlight = new Set<string>();
  readonly #prefix: string;
  attemptedCalls = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Returns the text of an error that the child reported. */
  take([, kind, ...facts]: Report): string | undefined {
    if (kind === "error") return String(facts[0]);
    const sender = Number(facts[0]);
    const call = Number(facts[1]);
    if (kind === "try") {
      this.attemptedCalls++;
      this.#inFlight.add(`${sender}/${call}`);
    } else {
      this.#inFlight.delete(`${sender}/${call}`);
      this.#acknowledged[sender]!.add(call);
    }
    return undefined;
  }

  died(): number {
    const count = this.#inFlight.size;
    this.#inFlight.clear();
    return count;
  }

  /** For each sender its oldest call that is not acknowledged. */
  resume(): Json {
    return this.#acknowledged.map((calls) => {
      let call = 0;
      while (calls.has(call)) call++;
      return call;
    });
  }

  acknowledged(): Numbered[] {
    return this.#acknowledged.flatMap((calls, sender) =>
      [...calls].flatMap((call) => callOf(this.#prefix, sender, call)),
    );
  }
}
