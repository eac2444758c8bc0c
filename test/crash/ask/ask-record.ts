/**
 * What the parent knows of the bank's answers, and what it demands of its history: an answered move is
 * in the store once, at the place that the answer names; a refused one is not; the accounts' states
 * are the fold of that history; and an answer that is asked for again is the same.
 */

import type { Store } from "../../../src/store/store.ts";
import type { ComponentRecord, Opened, Violation } from "../driver.ts";
import type { Json, Report } from "../report.ts";
import { ask, asksThroughBroker, runBank, type RunningBank } from "./run-bank.ts";
import { accounts, type Decided, type MoveData, moved, moveOf } from "./bank.ts";

const ASKED_AGAIN_MAX = 100;
const PAGE = 1000;

interface Placed extends MoveData {
  readonly version: number;
}

export class AskRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #callers: number;
  /** The answers as texts, by `CALLER/NTH`. */
  readonly #answers = new Map<string, string>();
  readonly #tried = new Set<string>();
  readonly #inFlight = new Set<string>();
  #counts = { again: 0, seen: 0, found: 0, refused: 0, folded: 0 };

  constructor(callers: number) {
    this.#callers = callers;
  }

  take([, kind, ...facts]: Report): void {
    if (kind === "error") return this.#report("wrong", String(facts[0]));
    const [caller = 0, nth = 0] = facts.map(Number);
    const name = `${caller}/${nth}`;
    const text = String(facts[2]);
    if (kind === "try") {
      this.#tried.add(name);
      this.#inFlight.add(name);
    } else if (kind === "ack") {
      this.#inFlight.delete(name);
      this.#answers.set(name, text);
    } else if (kind === "again") this.#compare(name, text);
    else if (kind === "seen") this.#seen(name, Number(text));
  }

  #compare(name: string, text: string): void {
    this.#counts.again++;
    const before = this.#answers.get(name);
    if (before !== text) this.#report("wrong", `${name} was answered ${before}, then ${text}`);
  }

  #seen(name: string, count: number): void {
    this.#counts.seen++;
    const answer = answerOf(this.#answers.get(name));
    if (answer?.ok === true && count < answer.reply.count) {
      this.#report("lost", `${name} is number ${answer.reply.count}, and the view saw ${count}`);
    }
  }

  died(): ReturnType<ComponentRecord["died"]> {
    const asks = this.#inFlight.size;
    this.#inFlight.clear();
    return { ask: asks };
  }

  /** For each caller its oldest wish that was not answered. */
  resume(): Json {
    return Array.from({ length: this.#callers }, (_, caller) => {
      let nth = 0;
      while (this.#answers.has(`${caller}/${nth}`)) nth++;
      return nth;
    });
  }

  async verify(opened: Opened): Promise<void> {
    // The queues of answers belonged to processes that are gone.
    for (const { spec } of await opened.broker.queues!.listQueues()) {
      if (spec.temporary === true)
        this.#report("wrong", `the temporary queue ${spec.name} is left`);
    }
    await using bank = await runBank(opened);
    await bank.near.settled();
    const { store } = bank.near.services[0]!;
    const placed = new Map<string, Placed>();
    Object.assign(this.#counts, { found: 0, folded: 0, refused: 0 });
    for (const account of accounts) {
      const history = await readHistory(store, account);
      for (const event of history) this.#place(event, account, placed);
      await this.#fold(bank, account, history);
    }
    for (const [name, text] of this.#answers) this.#judge(name, text, placed);
    await this.#askAgain(bank);
  }

  #place(event: Placed, account: string, placed: Map<string, Placed>): void {
    const name = `${event.caller}/${event.nth}`;
    this.#counts.found++;
    if (placed.has(name)) this.#report("twice", `${name} is twice in the history of ${account}`);
    if (!this.#tried.has(name)) this.#report("wrong", `${name} was asked by nobody`);
    if (moveOf(event.caller, event.nth).account !== account) {
      this.#report("wrong", `${name} is in the history of ${account}`);
    }
    placed.set(name, event);
  }

  /** The decider's state and the view's document must both be the fold of the history. */
  async #fold(
    { near, balances }: RunningBank,
    account: string,
    history: readonly Placed[],
  ): Promise<void> {
    if (history.length === 0) return;
    this.#counts.folded++;
    const expected = JSON.stringify(
      history.reduce((state, { cents }) => moved(state, cents), { count: 0, cents: 0 }),
    );
    const { state } = await near.services[0]!.stateOf("account", account);
    const shown = await near.get(balances, account);
    for (const [what, found] of Object.entries({ state, view: shown })) {
      if (JSON.stringify(found) === expected) continue;
      this.#report(
        "wrong",
        `the ${what} of ${account} is ${JSON.stringify(found)}, not ${expected}`,
      );
    }
  }

  #judge(name: string, text: string, placed: ReadonlyMap<string, Placed>): void {
    const answer = answerOf(text)!;
    const found = placed.get(name);
    if (!answer.ok) {
      this.#counts.refused++;
      if (found !== undefined) this.#report("wrong", `${name} was refused and is in the history`);
    } else if (found === undefined) {
      this.#report("lost", `${name} was answered and is not in the history`);
    } else if (found.version !== answer.reply.count) {
      const { count } = answer.reply;
      this.#report("wrong", `${name} was answered as ${count} and stands at ${found.version}`);
    }
  }

  /** The newest answers once more, half of them through the broker. */
  async #askAgain({ near, far }: RunningBank): Promise<void> {
    const newest = [...this.#answers.keys()].slice(-ASKED_AGAIN_MAX);
    await Promise.all(
      newest.map(async (name, index) => {
        const [caller = 0, nth = 0] = name.split("/").map(Number);
        const { text } = await ask(index % 2 === 0 ? near : far, caller, nth);
        this.#compare(name, text);
      }),
    );
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text });
  }

  get totals(): ComponentRecord["totals"] {
    const { again, seen, found, refused, folded } = this.#counts;
    return {
      "answers acknowledged": this.#answers.size,
      "answers of another app, through the broker": [...this.#answers.keys()].filter(isFar).length,
      "refusals among them": refused,
      "events found": found,
      "entities folded": folded,
      "answers asked for again": again,
      "reads with a token": seen,
    };
  }
}

function isFar(name: string): boolean {
  return asksThroughBroker(Number(name.split("/")[0]));
}

function answerOf(text: string | undefined): Decided | undefined {
  return text === undefined ? undefined : JSON.parse(text);
}

async function readHistory(store: Store, account: string): Promise<Placed[]> {
  const history: Placed[] = [];
  for (;;) {
    const after = history.length;
    const page = await store.readEntity(`account/${account}`, { after, limit: PAGE });
    for (const { message, version } of page) {
      const data: MoveData = JSON.parse(new TextDecoder().decode(message.value ?? undefined));
      history.push({ ...data, version });
    }
    if (page.length < PAGE) return history;
  }
}
