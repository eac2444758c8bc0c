/**
 * What all inputs of a service together may have in flight (law 12).
 *
 * Each input has bounds of its own (`InFlight`), and a service has an input for every partition of
 * every part: without a bound over all of them memory would grow with partitions times parts. Past
 * this one an input fetches only when it has nothing in flight, so one that stands still with all it
 * may hold slows the others and never stops them.
 */

/** Past either bound the budget is spent. */
const COUNT_MAX = 8192;
const BYTES_MAX = 32 * 1024 * 1024;

export class FlightBudget {
  #count = 0;
  #bytes = 0;
  readonly #waiting = new Set<() => void>();

  get spent(): boolean {
    return this.#count >= COUNT_MAX || this.#bytes >= BYTES_MAX;
  }

  take(bytes: number): void {
    this.#count++;
    this.#bytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    if (this.#waiting.size === 0 || this.spent) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Calls `wake` once, when there is room again. */
  onRoom(wake: () => void): void {
    this.#waiting.add(wake);
  }
}
