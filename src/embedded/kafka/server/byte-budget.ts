/**
 * The bytes that all connections of a door hold together, so that memory is bounded however many
 * clients there are and whatever they do.
 *
 * Each connection keeps its account: what it has sent and not been answered, and what it was answered
 * and has not read. While the sum is *within* the budget everybody goes on. When it is *over*, those
 * with little go on all the same, so a healthy client does not notice; those with much wait, in the
 * order in which they were stopped, until the sum is within again.
 *
 * Waiting alone could last forever: a hundred clients, each in the middle of a large frame, would wait
 * for each other. So one of those that wait has the *turn*: it goes on until it holds little again, and
 * hands on the turn. What is held at most is therefore the budget, one connection's own limits, and the
 * little that each of the others may have.
 */

export interface Budget {
  readonly bytesMax: number;
  readonly smallBytes: number;
}

export class ByteBudget {
  readonly #budget: Budget;
  readonly #waiting = new Set<Account>();
  #used = 0;
  #turn: Account | undefined;
  #waking = false;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get usedBytes(): number {
    return this.#used;
  }

  get over(): boolean {
    return this.#used >= this.#budget.bytesMax;
  }

  /** `wake` is called when a connection that had to wait may go on. */
  open(wake: () => void): Account {
    const account: Account = {
      bytes: 0,
      hold: (bytes) => {
        this.#used += bytes - account.bytes;
        account.bytes = bytes;
        if (this.#turn === account && this.#isSmall(account)) this.#turn = undefined;
        this.#wake();
      },
      mayTake: () => this.#mayTake(account),
      grant: (wanted) => this.#grant(wanted),
      close: () => {
        this.#waiting.delete(account);
        account.hold(0);
      },
      wake,
    };
    return account;
  }

  #isSmall({ bytes }: Account): boolean {
    return bytes < this.#budget.smallBytes;
  }

  #mayTake(account: Account): boolean {
    if (!this.over || this.#isSmall(account) || this.#turn === account) return true;
    if (this.#turn === undefined) {
      this.#turn = account;
      this.#waiting.delete(account);
      return true;
    }
    this.#waiting.add(account);
    return false;
  }

  /** A quarter of what is left leaves something for those who ask in the same moment. */
  #grant(wanted: number): number {
    const { bytesMax, smallBytes } = this.#budget;
    const left = Math.max(0, bytesMax - this.#used);
    return Math.min(wanted, Math.max(smallBytes, Math.floor(left / 4)));
  }

  #wake(): void {
    // Who is woken changes its own account: that must not wake the next one a second time.
    if (this.#waking) return;
    this.#waking = true;
    try {
      for (const account of this.#waiting) {
        if (this.over && this.#turn !== undefined) return;
        this.#waiting.delete(account);
        if (this.over) this.#turn = account;
        account.wake();
      }
    } finally {
      this.#waking = false;
    }
  }
}

/** What one connection holds. */
export interface Account {
  bytes: number;
  /** Says how much it is now. */
  hold(bytes: number): void;
  /** Whether it may take on more. If not, `wake` is called when it may. */
  mayTake(): boolean;
  /** How much of `wanted` there is for an answer: always a little. */
  grant(wanted: number): number;
  /** Gives everything back. */
  close(): void;
  readonly wake: () => void;
}
