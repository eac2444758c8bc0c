/**
 * Answers of effects that this process got and perhaps has not committed yet.
 *
 * A call was made whatever becomes of the handling around it: its commit may meet a conflict, or its
 * handler fail a line later. The next try then finds the answer here instead of calling again, and
 * commits it with its own work, which changes nothing where it was recorded meanwhile. After a crash
 * only the journal knows; what it does not know is called again, with the same idempotency key.
 *
 * Bounded: what is pushed out was most likely committed long ago.
 */

import type { EffectWrite } from "../../store/write-set.ts";

const MESSAGES_MAX = 10_000;
const CHARS_MAX = 8 * 1024 * 1024;

export class AnswerBuffer {
  /** By message, then by name; the message that was heard of longest ago first. */
  readonly #answers = new Map<string, Map<string, EffectWrite>>();
  #chars = 0;

  get(message: string, name: string): EffectWrite | undefined {
    return this.#answers.get(message)?.get(name);
  }

  keep(answer: EffectWrite): void {
    const ofMessage = this.#answers.get(answer.message) ?? new Map<string, EffectWrite>();
    this.#answers.delete(answer.message);
    this.#answers.set(answer.message, ofMessage);
    this.#chars += answer.json.length - (ofMessage.get(answer.name)?.json.length ?? 0);
    ofMessage.set(answer.name, answer);
    for (const [message, answers] of this.#answers) {
      if (this.#answers.size <= MESSAGES_MAX && this.#chars <= CHARS_MAX) return;
      if (message === answer.message) return;
      this.#answers.delete(message);
      for (const { json } of answers.values()) this.#chars -= json.length;
    }
  }
}
