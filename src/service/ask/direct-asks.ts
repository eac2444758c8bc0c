/**
 * Asking commands whose handler runs in this process: stamped, and handed to the input of their queue
 * beside what the queue delivers. They are durable when they are answered, and nothing is kept of those
 * that are not.
 */

import type { Environment } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Draft } from "../../model/message.ts";
import { documentJson, parseDocument } from "../document-json.ts";
import { MessageStamper, type Stamp } from "../message-stamper.ts";
import type { PartRuntime, RunningInput } from "../source/part-runtime.ts";
import type { Answer } from "./answer.ts";
import type { Answered } from "./asker.ts";
import { encodeToken } from "./position-token.ts";

export interface AskOptions extends Omit<Stamp, "key" | "replyTo" | "expires" | "time"> {
  /**
   * How long the answer may take, in milliseconds. A command that was not begun by then is not done;
   * of one that was, nothing is known.
   */
  readonly deadlineMs: number;
  /** Who asks; the service itself unless said. */
  readonly source?: string;
}

export class DirectAsks {
  readonly #service: string;
  readonly #runtimes: () => readonly PartRuntime[];
  readonly #environment: Environment;
  readonly #stampers = new Map<string, MessageStamper>();

  /** `runtimes` gives the parts that run now. */
  constructor(service: string, runtimes: () => readonly PartRuntime[], environment: Environment) {
    this.#service = service;
    this.#runtimes = runtimes;
    this.#environment = environment;
  }

  /** Whether the handler of the command runs here now. */
  handles(type: string): boolean {
    return this.#find(type) !== undefined;
  }

  /**
   * Resolves to the answer, once what it says is committed. Throws BAD_PAYLOAD naming the field,
   * UNREACHABLE where nothing here handles the command, HANDLER_FAILED, PARKED, OVERLOADED, DEADLINE,
   * CLOSED.
   */
  async ask(draft: Draft, { deadlineMs, source, ...given }: AskOptions): Promise<Answer> {
    const found = this.#find(draft.type);
    if (found === undefined) throw this.#unreachable(draft.type);
    const { input, runtime } = found;
    const { clock, ids } = this.#environment;
    const id = given.id ?? ids.newId();
    const stamper = this.#stamperOf(runtime, source ?? this.#service);
    const stamp = { ...given, id, expires: clock.now() + deadlineMs };
    const to = { kind: "queue", name: input.name } as const;
    const { message } = stamper.stamp(draft, stamp, to);
    const answered = await new Promise<Answered>((resolve, reject) => {
      const timer = clock.after(deadlineMs, () => reject(lateAnswer(draft.type, id, deadlineMs)));
      input.ask(message, {
        repeatable: given.id !== undefined,
        answered: (answer) => {
          timer.cancel();
          resolve(answer);
        },
        failed: (error) => {
          timer.cancel();
          reject(error);
        },
      });
    });
    return answerOf(answered);
  }

  #find(type: string): { input: AskableInput; runtime: PartRuntime } | undefined {
    for (const runtime of this.#runtimes()) {
      for (const channel of runtime.part.from) {
        if (channel.kind !== "queue") continue;
        const input = runtime.inputs.get(channel.name);
        if (input === undefined || !isAskable(input)) continue;
        const carried = Object.values(channel.types).some((each) => each.type === type);
        if (carried && runtime.part.handles.has(type)) return { input, runtime };
      }
    }
    return undefined;
  }

  #stamperOf({ part }: PartRuntime, source: string): MessageStamper {
    const name = `${part.name}\n${source}`;
    let stamper = this.#stampers.get(name);
    if (stamper === undefined) {
      const channels = part.from.filter(({ kind }) => kind === "queue");
      const environment = this.#environment;
      stamper = new MessageStamper({ source, who: source, channels, environment });
      this.#stampers.set(name, stamper);
    }
    return stamper;
  }

  #unreachable(type: string): MillraceError {
    return new MillraceError(
      "UNREACHABLE",
      `nothing in the service "${this.#service}" handles the command "${type}" now; start or resume the part that does`,
      { details: { service: this.#service, type } },
    );
  }
}

type AskableInput = RunningInput & Required<Pick<RunningInput, "ask">>;

function isAskable(input: RunningInput): input is AskableInput {
  return input.ask !== undefined && input.engine.failure === undefined;
}

/** The answer as whoever asked gets it: the same, however far away it was given. */
export function answerOf({ verdict, places }: Answered): Answer {
  if (!verdict.ok) return { ok: false, refusal: verdict.refusal };
  const { reply } = verdict;
  return {
    ok: true,
    token: encodeToken(places),
    reply: reply === undefined ? undefined : parseDocument(documentJson(reply)),
  };
}

/** It may have been done: only asking again under its id tells. */
export function lateAnswer(type: string, id: string, deadlineMs: number): MillraceError {
  return new MillraceError(
    "DEADLINE",
    `${type} was not answered within ${deadlineMs} ms; ask again under the id ${id} to learn what became of it, or allow more time`,
    { details: { type, id, deadlineMs } },
  );
}
