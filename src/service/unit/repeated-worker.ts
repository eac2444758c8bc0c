/**
 * A worker that does everything twice and compares: what cheats, by reading a clock, drawing its own
 * randomness or keeping something between two calls, decides differently the second time.
 *
 * For tests. Effects are called once, as in any repetition; what reaches outside without `effect` is
 * done twice. Both runs see the same moment, the same documents and the same drawn ids.
 */

import { textOf } from "../failure.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Message } from "../../model/message.ts";
import type { Decision, DocumentRef, Part, WorkContext, Worker } from "../part.ts";

export class RepeatedWorker implements Worker {
  readonly #worker: Worker;
  readonly #who: string;

  constructor(worker: Worker, part: Pick<Part, "partKind" | "name">) {
    this.#worker = worker;
    this.#who = `${part.partKind} "${part.name}"`;
  }

  keyOf(message: Message): string {
    const key = this.#worker.keyOf(message);
    const again = this.#worker.keyOf(message);
    if (key !== again) throw this.#differs(`the key of ${message.envelope.type}`, key, again);
    return key;
  }

  reads(key: string): readonly DocumentRef[] {
    return this.#worker.reads?.(key) ?? [];
  }

  async work(key: string, messages: readonly Message[], context: WorkContext): Promise<Decision> {
    const first = await this.#worker.work(key, messages, context);
    // Chances hang on the message itself: a copy of it draws anew, and the same.
    const copies = messages.map((message) => ({ ...message }));
    const second = await this.#worker.work(key, copies, context);
    const difference = firstDifference(comparable(first), comparable(second), "");
    if (difference === undefined) return first;
    const { path, before, after } = difference;
    throw this.#differs(`${path} for key ${key}`, before, after);
  }

  committed(key: string): void {
    this.#worker.committed?.(key);
  }

  forget(key: string): void {
    this.#worker.forget?.(key);
  }

  #differs(what: string, before: unknown, after: unknown): MillraceError {
    const { [0]: first, [1]: second } = [before, after].map(shown);
    return new MillraceError(
      "NOT_REPEATABLE",
      `${this.#who} decided differently when it handled the same again: ${what} was ${first}, then ${second}; take time, ids and randomness from the context, keep no state of your own, and call the outside world inside effect`,
      { details: { what } },
    );
  }
}

const utf8 = new TextDecoder();

/** A decision as plain data; errors count by their text. */
function comparable(decision: Decision): unknown {
  const { failure, ...rest } = decision;
  const error = failure?.error;
  return {
    ...rest,
    ...(failure && { failure: textOf(error) }),
  };
}

interface Difference {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

function firstDifference(before: any, after: any, path: string): Difference | undefined {
  if (Object.is(before, after)) return undefined;
  const plain = [before, after].every(
    (each) => typeof each === "object" && each !== null && !(each instanceof Uint8Array),
  );
  if (!plain) {
    const [first, second] = [before, after].map(textOrSelf);
    return Object.is(first, second) ? undefined : { path, before: first, after: second };
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const name of names) {
    const at = path === "" ? name : `${path}.${name}`;
    const found = firstDifference(before[name], after[name], at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function textOrSelf(value: unknown): unknown {
  return value instanceof Uint8Array ? utf8.decode(value) : value;
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
