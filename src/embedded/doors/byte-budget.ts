/**
 * The bytes that all connections of a door hold together, so that memory is bounded however many
 * clients there are and whatever they do.
 *
 * Each connection keeps its account: what it has sent and not been answered, what is being read for its
 * answer, and what it was answered and has not taken. While the sum is *within* the budget everybody
 * goes on. Beyond it those with little go on all the same, so a healthy client does not notice; who
 * holds much, or needs much at once because a batch is never cut (KIP-74), waits in the order of
 * asking until there is room. While anybody waits, answers are granted no more than a little.
 *
 * Waiting alone could last forever: a hundred clients, each in the middle of a large frame, would wait
 * for each other. So one of those that wait has the *turn*: it goes on until it holds little again, and
 * hands on the turn. What is held at most is therefore the budget, one connection's own limits, and the
 * little that each of the others may have. Who has the turn and stands still is hung up on: while
 * anybody waits the door is `short` of memory, and looks for those.
 */

export interface Budget {
  readonly bytesMax: number;
  readonly smallBytes: number;
}

interface Waiting {
  /** More than it holds. */
  readonly bytes: number;
  readonly goOn: () => void;
}

export class ByteBudget {
  readonly #budget: Budget;
  /** The first has waited longest. While there are any, somebody has the turn. */
  readonly #waiting = new Map<Account, Waiting>();
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

  /** What each connection may have when the rest is taken. */
  get smallBytes(): number {
    return this.#budget.smallBytes;
  }

  /** Somebody waits for what others hold. */
  get short(): boolean {
    return this.#waiting.size > 0;
  }

  /** `wake` is called when a connection that had to wait may go on. */
  open(wake: () => void): Account {
    // What was begun may end later than its connection, and would hold what nobody gives back.
    let closed = false;
    const account: Account = {
      bytes: 0,
      hold: (bytes) => {
        if (closed) return;
        this.#used += bytes - account.bytes;
        account.bytes = bytes;
        if (this.#turn === account && this.#isLittle(bytes)) this.#turn = undefined;
        this.#wake();
      },
      mayTake: () => !closed && this.#mayTake(account, wake),
      grant: (wanted) => this.#grant(wanted),
      room: (bytes, goOn) => {
        if (!closed) this.#room(account, { bytes, goOn });
      },
      close: () => {
        this.#waiting.delete(account);
        account.hold(0);
        closed = true;
      },
    };
    return account;
  }

  #isLittle(bytes: number): boolean {
    return bytes < this.#budget.smallBytes;
  }

  #mayTake(account: Account, goOn: () => void): boolean {
    if (this.#isLittle(account.bytes) || this.#turn === account) return true;
    if (this.#waiting.has(account)) return false;
    if (this.#admits(account, 0)) return true;
    this.#waiting.set(account, { bytes: 0, goOn });
    return false;
  }

  #room(account: Account, waiting: Waiting): void {
    const { bytes, goOn } = waiting;
    const overtakes = this.#isLittle(account.bytes + bytes) || this.#turn === account;
    if (overtakes || (!this.short && this.#admits(account, bytes))) return goOn();
    this.#waiting.set(account, waiting);
  }

  /** Whether so much more has room, or the account has the turn, which it takes where nobody has it. */
  #admits(account: Account, bytes: number): boolean {
    if (this.#used + bytes < this.#budget.bytesMax) return true;
    this.#turn ??= account;
    return this.#turn === account;
  }

  /** A quarter of what is left leaves something for those who ask in the same moment. */
  #grant(wanted: number): number {
    const { bytesMax, smallBytes } = this.#budget;
    const left = this.short ? 0 : Math.max(0, bytesMax - this.#used);
    return Math.min(wanted, Math.max(smallBytes, Math.floor(left / 4)));
  }

  #wake(): void {
    // Who is woken changes its own account: that must not wake the next one a second time.
    if (this.#waking) return;
    this.#waking = true;
    try {
      for (const [account, { bytes, goOn }] of this.#waiting) {
        if (!this.#admits(account, bytes)) return;
        this.#waiting.delete(account);
        goOn();
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
  /**
   * Calls `goOn`, at once or later, when there is room for so many bytes more; it must hold them before
   * it returns. Asked once at a time; never called after `close`.
   */
  room(bytes: number, goOn: () => void): void;
  /** Gives everything back, and holds nothing from now on. */
  close(): void;
}
