/**
 * Two live producers of one transactional id. Whoever begins fences the other, whose transaction is
 * decided by it and whose every further request must be refused; and whoever began last must be served.
 *
 * What of two beginnings the server took up first is known only where one was answered before the
 * other was asked for: then, and only then, one of the two is the older.
 */

/** One producer's last beginning, by the ticks of the rivalry. */
interface Beginning {
  readonly askedAt: number;
  /** Infinity while its answer may still come, or never. */
  readonly answeredAt: number;
}

export class Rivalry {
  readonly #beginnings = new Map<string, Beginning>();
  #ticks = 0;

  /** The producer asks to begin. */
  asks(name: string): void {
    this.#beginnings.set(name, { askedAt: ++this.#ticks, answeredAt: Infinity });
  }

  /** It was told that it has begun. */
  begins(name: string): void {
    const { askedAt } = this.#beginnings.get(name)!;
    this.#beginnings.set(name, { askedAt, answeredAt: ++this.#ticks });
  }

  /** Whether somebody has begun for certain since the producer did. */
  isOlder(name: string): boolean {
    const { answeredAt } = this.#beginnings.get(name)!;
    return this.#othersOf(name).some(
      (other) => other.askedAt > answeredAt && other.answeredAt < Infinity,
    );
  }

  /** Whether nobody can have begun since the producer did. */
  isNewest(name: string): boolean {
    const { askedAt } = this.#beginnings.get(name)!;
    return this.#othersOf(name).every(({ answeredAt }) => answeredAt < askedAt);
  }

  #othersOf(name: string): readonly Beginning[] {
    return [...this.#beginnings].filter(([other]) => other !== name).map(([, one]) => one);
  }
}
