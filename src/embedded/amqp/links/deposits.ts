/** Where messages of clients go: a queue, a stream, or what each of them names. */

import { isMillraceError, MillraceError } from "../../../model/errors.ts";
import type { Outcome } from "../../../model/outcome.ts";
import type { Engine } from "../../engine.ts";
import type { IncomingMessage } from "../message/incoming-message.ts";
import { UNAUTHORIZED } from "../protocol/conditions.ts";
import { AttachRefused } from "../nodes/attachment.ts";
import type { Deposit } from "./inlet.ts";

export function queueDeposit({ queues }: Engine, name: string): Deposit {
  return async (messages) =>
    queues.queue(name).send(messages.map(({ message, delayMs }) => ({ message, delayMs })));
}

export function streamDeposit({ streams }: Engine, name: string): Deposit {
  return async (messages) => {
    const stream = streams.stream(name);
    const now = messages.filter(({ delayMs }) => delayMs === 0);
    const outcomes = await stream.append(now.map(({ message }) => message));
    const next = outcomes[Symbol.iterator]();
    return messages.map(({ delayMs }) =>
      delayMs > 0 ? { ok: false, error: noDelay(name) } : next.next().value!,
    );
  };
}

function noDelay(stream: string): MillraceError {
  return new MillraceError(
    "BAD_ARGUMENT",
    `${stream} is a stream, which takes messages when they come; send those that are to wait to a queue`,
    { details: { stream } },
  );
}

/**
 * Each message goes where its property `to` says. Addresses are looked up in the messages' order, so those
 * for one address keep theirs; what has been found is used again for a while.
 */
export function relayDeposit(find: (address: string) => Promise<Deposit>): Deposit {
  const known = new Map<string, Deposit>();
  let last: Promise<unknown> = Promise.resolve();
  const depositOf = async (address: string): Promise<Deposit | MillraceError> => {
    const found = known.get(address);
    if (found !== undefined) return found;
    if (known.size >= ADDRESSES_MAX) known.clear();
    try {
      const deposit = await find(address);
      known.set(address, deposit);
      return deposit;
    } catch (error) {
      if (error instanceof MillraceError) return error;
      if (error instanceof AttachRefused) {
        const denied = error.refusal.condition === UNAUTHORIZED;
        return new MillraceError(denied ? "NOT_ALLOWED" : "NOT_FOUND", error.message);
      }
      throw error;
    }
  };
  const begin = async (messages: readonly IncomingMessage[]): Promise<Promise<Answer>[]> => {
    const groups = new Map<string, number[]>();
    for (const [index, { to = "" }] of messages.entries()) {
      const group = groups.get(to);
      if (group === undefined) groups.set(to, [index]);
      else group.push(index);
    }
    const sent: Promise<Answer>[] = [];
    for (const [address, indexes] of groups) {
      const deposit = await depositOf(address);
      const group = indexes.map((index) => messages[index]!);
      const outcomes =
        deposit instanceof MillraceError
          ? Promise.resolve(group.map(() => ({ ok: false, error: deposit }) as const))
          : deposit(group).catch((error: unknown) => {
              if (!isMillraceError(error)) throw error;
              return group.map(() => ({ ok: false, error }) as const);
            });
      sent.push(outcomes.then((answers) => ({ indexes, answers })));
    }
    return sent;
  };
  return async (messages) => {
    const sent = last.then(() => begin(messages));
    last = sent.catch(() => {});
    const outcomes: Outcome<unknown>[] = [];
    for (const { indexes, answers } of await Promise.all(await sent)) {
      for (const [at, index] of indexes.entries()) outcomes[index] = answers[at]!;
    }
    return outcomes;
  };
}

const ADDRESSES_MAX = 1_000;

interface Answer {
  readonly indexes: readonly number[];
  readonly answers: readonly Outcome<unknown>[];
}
