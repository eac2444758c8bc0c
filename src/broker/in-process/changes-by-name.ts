/**
 * Changes of one name run one after another, in the order in which they were asked for; those of
 * different names side by side, up to `concurrentMax` at once.
 *
 * Most of a change is waiting for the disk, and the disk syncs several files nearly as fast as one.
 */
export class ChangesByName {
  readonly #concurrentMax: number;
  /** The last change of each name that has any; settles when it has ended, however. */
  readonly #last = new Map<string, Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(concurrentMax: number) {
    this.#concurrentMax = concurrentMax;
  }

  run<Result>(name: string, change: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const result = before.then(() => this.#bounded(change));
    const ended: Promise<void> = result.then(
      () => this.#forget(name, ended),
      () => this.#forget(name, ended),
    );
    this.#last.set(name, ended);
    return result;
  }

  /** Resolves when all changes that were asked for until now have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#last.values());
  }

  async #bounded<Result>(change: () => Promise<Result>): Promise<Result> {
    if (this.#running < this.#concurrentMax) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await change();
    } finally {
      // Whoever waited longest takes the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #forget(name: string, ended: Promise<void>): void {
    if (this.#last.get(name) === ended) this.#last.delete(name);
  }
}
