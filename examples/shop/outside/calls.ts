/**
 * The part of the outside world that all of its services share: whoever calls again with the same
 * idempotency key gets the same answer, and nothing moves twice. What was called is kept as lines of
 * a file, where there is one, so that it outlives this process as a real bank's books would.
 */

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dependencyDown } from "millrace";

/** How an effect calls. */
export interface How {
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

interface Entry<Answer> {
  readonly key: string;
  readonly answer: Answer;
}

export class Calls<Answer> {
  readonly #name: string;
  readonly #answers = new Map<string, Answer>();
  #file: string | undefined;
  /** Set, the service cannot be reached. */
  down = false;
  /** Calls that came, repeats included. */
  count = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Goes on with what a former process left in the file. */
  keepIn(file: string): void {
    this.#file = file;
    if (!existsSync(file)) return;
    const text = readFileSync(file, "utf8");
    // The last line may have been cut by a crash of this process: then nobody was answered, and what
    // is appended next must not continue it.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole.length < text.length) writeFileSync(file, whole);
    for (const line of whole.split("\n").slice(0, -1)) {
      const { key, answer }: Entry<Answer> = JSON.parse(line);
      this.#answers.set(key, answer);
    }
  }

  /** Forgets everything, for a test that begins anew. */
  clear(): void {
    this.#answers.clear();
    this.down = false;
    this.count = 0;
  }

  /** Everything that was answered, once for each key. */
  get answers(): readonly Answer[] {
    return [...this.#answers.values()];
  }

  async answer({ idempotencyKey: key, signal }: How, decide: () => Answer): Promise<Answer> {
    signal.throwIfAborted();
    this.count++;
    if (this.down) throw dependencyDown(`${this.#name} cannot be reached`);
    await Promise.resolve();
    const before = this.#answers.get(key);
    if (before !== undefined) return before;
    const answer = decide();
    const entry: Entry<Answer> = { key, answer };
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
    // What could not be noted was not done.
    this.#answers.set(key, answer);
    return answer;
  }
}
