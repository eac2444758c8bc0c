/**
 * The live producers of one transactional id: one, or rivals. Whoever begins fences all who began before,
 * whose transaction is decided by it and whose every further request must be refused; and whoever began
 * last must be served.
 *
 * What of two beginnings the server took up first is known only where one was answered before the
 * other was asked for: then, and only then, one of the two is the older. A beginning whose connection
 * was lost before its answer may be taken up at any moment while that server lives, even after a later
 * one of the same producer on its next connection.
 */

/** One producer's last beginning, by the ticks of the rivalry. */
interface Beginning {
  readonly life: number;
  readonly askedAt: number;
  /** Infinity while its answer may still come, or never. */
  readonly answeredAt: number;
}

export class Rivalry {
  readonly #beginnings = new Map<string, Beginning>();
  #ticks = 0;
  /** The last life of the server in which a beginning lost its connection before its answer. */
  #lostInLife = -1;

  /** The producer asks to begin, in this life of the server. */
  asks(name: string, life: number): void {
    this.#beginnings.set(name, { life, askedAt: ++this.#ticks, answeredAt: Infinity });
  }

  /** It was told that it has begun. */
  begins(name: string): void {
    const asked = this.#beginnings.get(name)!;
    this.#beginnings.set(name, { ...asked, answeredAt: ++this.#ticks });
  }

  /** Its connection was lost before an answer. */
  loses(name: string): void {
    this.#lostInLife = Math.max(this.#lostInLife, this.#beginnings.get(name)!.life);
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
    const { askedAt, life } = this.#beginnings.get(name)!;
    if (this.#lostInLife >= life) return false;
    return this.#othersOf(name).every(({ answeredAt }) => answeredAt < askedAt);
  }

  #othersOf(name: string): readonly Beginning[] {
    return [...this.#beginnings].filter(([other]) => other !== name).map(([, one]) => one);
  }
}
