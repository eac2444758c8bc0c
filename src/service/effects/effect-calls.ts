/**
 * The effects of one handling of one message; when a call is made at all stands in `EffectMode`.
 *
 * An answer is looked for in two places: in the buffer, which has what this process called and perhaps
 * could not commit, and in the store's journal. `answers` is what the journal may lack, and must be
 * committed whatever becomes of the handler: the calls were made. A call that throws leaves nothing.
 */

import { textOf } from "../failure.ts";
import { jsonCodec } from "../../codecs/json.ts";
import { MillraceError } from "../../model/errors.ts";
import { STORE_LIMITS } from "../../store/limits.ts";
import type { EffectWrite } from "../../store/write-set.ts";
import type { WorkContext } from "../part.ts";
import type { AnswerBuffer } from "./answer-buffer.ts";

/** What an effect's call gets. */
export interface EffectCall {
  /** The same whenever this effect of this message is called: pass it on to the other side. */
  readonly idempotencyKey: string;
  /** Aborts when the work shall end unfinished. */
  readonly signal: AbortSignal;
}

/** Calls the outside world, or returns what it said before; see `EffectMode`. */
export type Effect = <Result>(
  name: string,
  call: (how: EffectCall) => Result | Promise<Result>,
) => Promise<Result>;

const json = jsonCodec(undefined);

export class EffectCalls {
  readonly #message: string;
  readonly #consumer: string;
  readonly #context: WorkContext;
  readonly #buffer: AnswerBuffer;
  readonly #names = new Set<string>();
  readonly #answers: EffectWrite[] = [];

  constructor(options: {
    /** The id of the message that is handled. */
    readonly message: string;
    /** Whose journal it is. */
    readonly consumer: string;
    readonly context: WorkContext;
    readonly buffer: AnswerBuffer;
  }) {
    this.#message = options.message;
    this.#consumer = options.consumer;
    this.#context = options.context;
    this.#buffer = options.buffer;
  }

  /** The answers of this handling that the journal may not have yet. */
  get answers(): readonly EffectWrite[] {
    return this.#answers;
  }

  /**
   * Returns the answer as JSON gives it back, so that the first handling sees what every later one
   * will; nothing counts as null. Throws BAD_ARGUMENT for a name that this handling has used,
   * BAD_PAYLOAD for an answer that JSON cannot hold, TOO_LARGE, EFFECT_NOT_RECORDED, and whatever the
   * call itself throws.
   */
  async run(name: string, call: (how: EffectCall) => unknown): Promise<unknown> {
    this.#take(name);
    const { effects: mode = "live", signal } = this.#context;
    const buffered = mode === "redo" ? undefined : this.#buffer.get(this.#message, name);
    if (buffered !== undefined) {
      this.#answers.push(buffered);
      return json.parse(buffered.json);
    }
    const recorded = (await this.#context.readEffects(this.#message)).get(name);
    if (recorded !== undefined && mode !== "redo") return json.parse(recorded.json);
    if (mode === "replay" || mode === "shadow") throw this.#notRecorded(name, mode);
    const result = await call({ idempotencyKey: this.#key(name), signal });
    const text = this.#written(name, result);
    const answer = {
      consumer: this.#consumer,
      message: this.#message,
      name,
      json: text,
      atMs: this.#context.nowMs,
    };
    if (recorded === undefined) this.#answers.push(answer);
    if (mode === "live") this.#buffer.keep(answer);
    return json.parse(text);
  }

  /** Several parts may handle one message, each with an effect of this name: their keys differ. */
  #key(name: string): string {
    return `${this.#context.source}/${this.#consumer}/${this.#message}/${name}`;
  }

  #take(name: string): void {
    const known = typeof name === "string" && name !== "" && name.isWellFormed();
    if (!known || name.length > STORE_LIMITS.nameLengthMax || name.includes("\0")) {
      throw new MillraceError(
        "BAD_ARGUMENT",
        `${JSON.stringify(name)} is no name for an effect; give it a text of 1 to ${STORE_LIMITS.nameLengthMax} characters`,
      );
    }
    if (this.#names.has(name)) {
      throw new MillraceError(
        "BAD_ARGUMENT",
        `the effect "${name}" is used twice in handling one message; give each call a name of its own, such as "${name}/2"`,
        { details: { message: this.#message, effect: name } },
      );
    }
    this.#names.add(name);
  }

  #written(name: string, result: unknown): string {
    let text: string;
    try {
      text = json.stringify(result === undefined ? null : result);
    } catch (cause) {
      const why = textOf(cause);
      throw new MillraceError(
        "BAD_PAYLOAD",
        `the answer of effect "${name}" cannot be recorded: ${why}; return plain data, such as the fields that the handler needs`,
        { cause, details: { message: this.#message, effect: name } },
      );
    }
    const bytes = Buffer.byteLength(text);
    if (bytes <= STORE_LIMITS.effectBytesMax) return text;
    throw new MillraceError(
      "TOO_LARGE",
      `the answer of effect "${name}" has ${bytes} bytes, over the limit of ${STORE_LIMITS.effectBytesMax}; return only what the handler needs of it`,
      { details: { message: this.#message, effect: name, bytes } },
    );
  }

  #notRecorded(name: string, mode: string): MillraceError {
    return new MillraceError(
      "EFFECT_NOT_RECORDED",
      `${this.#consumer} has no recorded answer of effect "${name}" for message ${this.#message}, and a ${mode} calls nothing; replay with mode "redo" to call again, or keep answers longer`,
      { details: { consumer: this.#consumer, message: this.#message, effect: name } },
    );
  }
}
