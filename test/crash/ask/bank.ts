/**
 * The service under test: a decider of accounts, its own view, and a branch that asks it through the
 * broker. An answer says how many moves the account has seen, so every answer names its place in the
 * account's history.
 */

import * as z from "zod";
import { queue } from "../../../src/schema/channel.ts";
import { command, event } from "../../../src/schema/message-type.ts";
import { reject, reply } from "../../../src/service/ask/answer.ts";
import { consumer } from "../../../src/service/consumer/consumer.ts";
import type { Service } from "../../../src/service/part.ts";
import { service } from "../../../src/service/service.ts";
import { decider } from "../../../src/sourcing/decider.ts";
import { type View, view } from "../../../src/sourcing/view.ts";

const move = z.object({
  account: z.string(),
  caller: z.number(),
  nth: z.number(),
  cents: z.number(),
});
const standing = z.object({ count: z.number(), cents: z.number() });
export type MoveData = z.infer<typeof move>;
export type Standing = z.infer<typeof standing>;

const key = ({ account }: { readonly account: string }): string => account;
const dedupe = { count: 1_000_000, age: "1h" } as const;

export const Moved = event("bank.moved", move, { key });
export const Move = command("bank.move", move, { key, refuses: ["too-little"], replies: standing });
const Errand = command("branch.errand", move, { key });

const desk = queue("desk", { Move }, { attempts: 1000, dedupe });
const errands = queue("errands", { Errand }, { dedupe });

const ACCOUNTS = 12;
export const accounts: readonly string[] = Array.from({ length: ACCOUNTS }, (_, n) => `a${n}`);

/** What the caller asks for as its `nth` wish: as often more as less than it has. */
export function moveOf(caller: number, nth: number): MoveData {
  const account = accounts[(caller + nth) % ACCOUNTS]!;
  return { account, caller, nth, cents: ((caller * 17 + nth * 29) % 41) - 20 };
}

const NOTHING: Standing = { count: 0, cents: 0 };
export const moved = ({ count, cents }: Standing, by: number): Standing => ({
  count: count + 1,
  cents: cents + by,
});

export interface Bank {
  readonly bank: Service;
  /** The other service, which sends to the bank's desk. */
  readonly branch: Service;
  readonly balances: View<Standing>;
}

export type Decided =
  | { readonly ok: true; readonly reply: Standing }
  | { readonly ok: false; readonly refusal: { readonly code: string } };

/** `decided` hears of every decision before it is kept. */
export function createBank(decided: (wish: MoveData, decision: Decided) => void): Bank {
  const account = decider("account", { commands: desk, events: { Moved }, initial: NOTHING })
    .evolve({ Moved: (state, { cents }) => moved(state, cents) })
    .decide({
      Move: (wish, state) => {
        if (state.cents + wish.cents < 0) {
          decided(wish, { ok: false, refusal: { code: "too-little" } });
          return reject("too-little");
        }
        const after = moved(state, wish.cents);
        decided(wish, { ok: true, reply: after });
        return reply(after, Moved(wish));
      },
    });
  const balances = view("balances", { from: account, initial: NOTHING }).evolve({
    Moved: (state, { cents }) => moved(state, cents),
  });
  const runner = consumer("runner", { from: errands, sends: desk }).handle({
    Errand: (errand, { emit }) => emit(Move(errand)),
  });
  return {
    bank: service("bank", { account, balances }),
    branch: service("branch", { runner }),
    balances,
  };
}
