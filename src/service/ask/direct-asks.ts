/**
 * Asking commands whose handler runs in this process: stamped, and handed to the input of their queue
 * beside what the queue delivers. They are durable when they are answered, and nothing is kept of those
 * that are not.
 */

import type { Environment } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Draft } from "../../model/message.ts";
import { outboxLane } from "../outbox/lane.ts";
import { documentJson, parseDocument } from "../document-json.ts";
import { MessageStamper, type Stamp } from "../message-stamper.ts";
import type { MessageType } from "../../schema/declaration.ts";
import type { RunningPart } from "../running/running-part.ts";
import type { ChangeSignal } from "../running/settling.ts";
import type { RunningInput } from "../source/part-runtime.ts";
import type { Answer } from "./answer.ts";
import type { Answered, Asker } from "./asker.ts";
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

export interface DirectAsksOptions {
  readonly service: string;
  /** The parts that are there now. */
  readonly parts: () => readonly RunningPart[];
  readonly environment: Environment;
  readonly changes: ChangeSignal;
}

/** Where a command is handled. */
interface Desk {
  readonly part: RunningPart;
  readonly queue: string;
}

export class DirectAsks {
  readonly #options: DirectAsksOptions;
  /** By command type. Which part handles it is declared, and does not change. */
  readonly #desks = new Map<string, Desk>();
  readonly #stampers = new Map<string, MessageStamper>();

  constructor(options: DirectAsksOptions) {
    this.#options = options;
    for (const part of options.parts()) {
      const { from, handles } = part.runtime.part;
      for (const channel of from) {
        if (channel.kind !== "queue") continue;
        for (const { type, kind } of Object.values<MessageType>(channel.types)) {
          if (kind !== "command" || !handles.has(type)) continue;
          this.#desks.set(type, { part, queue: channel.name });
        }
      }
    }
  }

  /** Whether the handler of the command runs here now. */
  handles(type: string): boolean {
    return this.#desks.get(type)?.part.working === true;
  }

  /**
   * Resolves to the answer, once what it says is committed. Throws BAD_PAYLOAD naming the field,
   * UNREACHABLE where nothing here handles the command, HANDLER_FAILED, PARKED, OVERLOADED, DEADLINE,
   * CLOSED.
   */
  async ask(draft: Draft, { deadlineMs, source, ...given }: AskOptions): Promise<Answer> {
    const { environment, service } = this.#options;
    const { clock, ids } = environment;
    const desk = this.#desks.get(draft.type);
    if (desk?.part.working !== true) throw this.#unreachable(draft.type);
    const { part, queue } = desk;
    const id = given.id ?? ids.newId();
    const stamp = { ...given, id, expires: clock.now() + deadlineMs };
    const to = { kind: "queue", name: queue } as const;
    const command = this.#stamperOf(part, source ?? service).stampWhole(draft, stamp, to);
    const answer = Promise.withResolvers<Answered>();
    const timer = clock.after(deadlineMs, () => {
      answer.reject(lateAnswer(draft.type, { id, deadlineMs, standstill: standstillOf(desk) }));
    });
    const asker = {
      repeatable: given.id !== undefined,
      answered: answer.resolve,
      failed: answer.reject,
    };
    try {
      const input = askableInput(desk);
      if (input !== undefined) input.ask(command, asker);
      else this.#whenOpen(desk, draft.type, deadlineMs, (open) => open.ask(command, asker), asker);
      return answerOf(await answer.promise);
    } finally {
      timer.cancel();
    }
  }

  /** A part that has just been started, or goes on after a pause, opens its inputs in a moment. */
  #whenOpen(
    desk: Desk,
    type: string,
    deadlineMs: number,
    open: (input: AskableInput) => void,
    asker: Asker,
  ): void {
    const { changes, environment } = this.#options;
    const late = new AbortController();
    const timer = environment.clock.after(deadlineMs, () => late.abort());
    const wait = async (): Promise<void> => {
      while (!late.signal.aborted) {
        if (!desk.part.working) throw this.#unreachable(type);
        const input = askableInput(desk);
        if (input !== undefined) return open(input);
        await changes.next(late.signal);
      }
      return undefined;
    };
    wait()
      .catch((error: unknown) => asker.failed(error))
      .finally(() => timer.cancel());
  }

  #stamperOf({ runtime: { part } }: RunningPart, source: string): MessageStamper {
    const name = `${part.name}\n${source}`;
    let stamper = this.#stampers.get(name);
    if (stamper === undefined) {
      const channels = part.from.filter(({ kind }) => kind === "queue");
      const { environment } = this.#options;
      stamper = new MessageStamper({ source, who: source, channels, environment });
      this.#stampers.set(name, stamper);
    }
    return stamper;
  }

  #unreachable(type: string): MillraceError {
    return new MillraceError(
      "UNREACHABLE",
      `nothing in the service "${this.#options.service}" handles the command "${type}" now; start or resume the part that does`,
      { details: { service: this.#options.service, type } },
    );
  }
}

type AskableInput = RunningInput & Required<Pick<RunningInput, "ask">>;

function askableInput({ part, queue }: Desk): AskableInput | undefined {
  const input = part.runtime.inputs.get(queue);
  return input !== undefined && isAskable(input) ? input : undefined;
}

function isAskable(input: RunningInput): input is AskableInput {
  return input.ask !== undefined && input.engine.failure === undefined;
}

/** The answer as whoever asked gets it: the same, however far away it was given. */
export function answerOf({ verdict, places }: Answered): Answer {
  if (!verdict.ok) return { ok: false, refusal: verdict.refusal };
  const { reply } = verdict;
  return {
    ok: true,
    // Few read with it, so it is made when it is asked for.
    get token() {
      return encodeToken(places);
    },
    reply: reply === undefined ? undefined : parseDocument(documentJson(reply)),
  };
}

/** Why the handler's part takes up nothing, or gives out nothing, where that is so. */
function standstillOf({ part: { runtime }, queue }: Desk): string | undefined {
  const { inputs, part, relay } = runtime;
  const lane = outboxLane(part.consumer, queue);
  return inputs.get(queue)?.engine.paused ?? relay.troubleOf(lane);
}

/** It may have been done: only asking again under its id tells. */
export function lateAnswer(
  type: string,
  {
    id,
    deadlineMs,
    standstill,
  }: {
    readonly id: string;
    readonly deadlineMs: number;
    readonly standstill?: string | undefined;
  },
): MillraceError {
  const why = standstill === undefined ? "" : ` (its handler stands still: ${standstill})`;
  return new MillraceError(
    "DEADLINE",
    `${type} was not answered within ${deadlineMs} ms${why}; ask again under the id ${id} to learn what became of it, or allow more time`,
    { details: { type, id, deadlineMs, ...(standstill !== undefined && { standstill }) } },
  );
}
