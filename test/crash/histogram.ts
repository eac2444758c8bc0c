/** How much work was under way when the child died, per component. */

const BUCKETS: readonly (readonly [label: string, atLeast: number])[] = [
  ["none", 0],
  ["1", 1],
  ["2-3", 2],
  ["4-7", 4],
  ["8-15", 8],
  ["16+", 16],
];

export class InFlightHistogram {
  readonly #counts = new Map<string, number[]>();
  #kills = 0;
  #killsWithWork = 0;

  /** Takes one kill: how much of each kind of work was in flight. Returns whether there was any. */
  add(inFlight: Readonly<Record<string, number>>): boolean {
    const hadWork = Object.values(inFlight).some((count) => count > 0);
    this.#kills++;
    if (hadWork) this.#killsWithWork++;
    for (const [component, count] of Object.entries(inFlight)) {
      const bucket = BUCKETS.findLastIndex(([, atLeast]) => count >= atLeast);
      this.#countsOf(component)[bucket]!++;
    }
    return hadWork;
  }

  addAll(other: InFlightHistogram): void {
    this.#kills += other.#kills;
    this.#killsWithWork += other.#killsWithWork;
    for (const [component, counts] of other.#counts) {
      const own = this.#countsOf(component);
      for (const [bucket, count] of counts.entries()) own[bucket]! += count;
    }
  }

  #countsOf(component: string): number[] {
    let counts = this.#counts.get(component);
    if (counts === undefined) this.#counts.set(component, (counts = BUCKETS.map(() => 0)));
    return counts;
  }

  get kills(): number {
    return this.#kills;
  }

  get killsWithWork(): number {
    return this.#killsWithWork;
  }

  lines(): string[] {
    const row = (name: string, cells: readonly (string | number)[]): string =>
      `  ${name.padEnd(18)}${cells.map((cell) => String(cell).padStart(7)).join("")}`;
    return [
      row(
        "in flight",
        BUCKETS.map(([label]) => label),
      ),
      ...[...this.#counts].map(([component, counts]) => row(component, counts)),
    ];
  }
}
