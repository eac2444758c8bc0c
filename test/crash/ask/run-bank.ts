/** The bank at work, with somebody who asks it from the same process and somebody who does not. */

import type { App } from "../../../src/host/app.ts";
import type { Opened } from "../driver.ts";
import { openCrashApp } from "../open-app.ts";
import { type Bank, createBank, Move, moveOf } from "./bank.ts";

export const COMPONENT = "ask";
export const DEADLINE = "60s";

export interface RunningBank extends AsyncDisposable {
  /** Has the handler. */
  readonly near: App;
  /** Reaches it by the broker. */
  readonly far: App;
  readonly balances: Bank["balances"];
}

export async function runBank(
  opened: Opened,
  decided: Parameters<typeof createBank>[0] = () => {},
): Promise<RunningBank> {
  const { bank, branch, balances } = createBank(decided);
  const near = await openCrashApp(opened, COMPONENT, { services: [bank] });
  const far = await openCrashApp(opened, COMPONENT, { services: [branch] });
  return {
    near,
    far,
    balances,
    [Symbol.asyncDispose]: async () => {
      await far.close();
      await near.close();
    },
  };
}

/** Half of the callers have no handler in their app: their answers come to a queue of that app. */
export function asksThroughBroker(caller: number): boolean {
  return caller % 2 === 1;
}

/** What is compared of an answer: its token names a place that may have been met meanwhile. */
export async function ask(app: App, caller: number, nth: number): Promise<Asked> {
  const id = `move-${caller}-${nth}`;
  const answer = await app.ask(Move(moveOf(caller, nth)), { id, deadline: DEADLINE });
  return answer.ok
    ? { text: JSON.stringify({ ok: true, reply: answer.reply }), token: answer.token }
    : { text: JSON.stringify({ ok: false, refusal: { code: answer.refusal.code } }) };
}

interface Asked {
  readonly text: string;
  readonly token?: string;
}
