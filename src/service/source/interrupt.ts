/**
 * Cuts short whatever is being waited for.
 *
 * `Promise.race` against one long-lived promise would do the same and leave a reaction on it for
 * every wait, for as long as the process runs.
 */
export class Interrupt {
  #raised = false;
  #cut: (() => void) | undefined;

  get raised(): boolean {
    return this.#raised;
  }

  raise(): void {
    this.#raised = true;
    this.#cut?.();
  }

  /** The work's result, or undefined as soon as the interrupt is raised. One wait at a time. */
  async or<Result>(work: Promise<Result>): Promise<Result | undefined> {
    if (this.#raised) {
      work.catch(() => undefined);
      return undefined;
    }
    try {
      return await new Promise<Result | undefined>((resolve, reject) => {
        this.#cut = () => resolve(undefined);
        work.then(resolve, reject);
      });
    } finally {
      this.#cut = undefined;
    }
  }
}
