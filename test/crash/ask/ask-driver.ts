/**
 * Callers who ask commands under ids of their own, half of them in the process of the handler and half
 * through the broker. After a kill each asks again what was not answered; now and then one asks again
 * what was, or reads what its answer promised.
 */

import { delay } from "../../../src/model/clock.ts";
import type { ChildContext, Driver } from "../driver.ts";
import { AskRecord } from "./ask-record.ts";
import { moveOf } from "./bank.ts";
import {
  ask,
  asksThroughBroker,
  COMPONENT,
  DEADLINE,
  runBank,
  type RunningBank,
} from "./run-bank.ts";

const CALLERS = 64;
const CHANCE = 0.1;
const LOOK_BACK = 20;
/** Leaves the processor to the others: 64 callers would take all of it. */
const PAUSE_MS = 20;

export const askDriver: Driver = {
  name: COMPONENT,
  start: async (context) => {
    const { control, tell, resume } = context;
    const early = control === "answer-before-commit";
    const bank = await runBank(context, ({ caller, nth }, decision) => {
      if (early) tell("ack", caller, nth, JSON.stringify(decision));
    });
    const starts = Array.isArray(resume) ? resume.map(Number) : [];
    return () => {
      for (let caller = 0; caller < CALLERS; caller++) {
        call(context, bank, { caller, from: starts[caller] ?? 0, early }).catch((error: unknown) =>
          tell("error", String(error)),
        );
      }
    };
  },
  createRecord: () => new AskRecord(CALLERS),
};

async function call(
  { tell, random, environment }: ChildContext,
  { near, far, balances }: RunningBank,
  how: { readonly caller: number; readonly from: number; readonly early: boolean },
): Promise<void> {
  const { caller, from, early } = how;
  const app = asksThroughBroker(caller) ? far : near;
  for (let nth = from; ; nth++) {
    tell("try", caller, nth);
    const { text, token } = await ask(app, caller, nth);
    if (!early) tell("ack", caller, nth, text);
    if (token !== undefined && random.next() < CHANCE) {
      const { account } = moveOf(caller, nth);
      const seen = await near.get(balances, account, { notBefore: token, deadline: DEADLINE });
      tell("seen", caller, nth, seen?.count ?? 0);
    }
    if (random.next() < CHANCE) {
      const former = Math.max(0, nth - Math.floor(random.next() * LOOK_BACK));
      tell("again", caller, former, (await ask(app, caller, former)).text);
    }
    await delay(environment.clock, PAUSE_MS);
  }
}
