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

  /** Takes one kill: what each component had in flight. */
  add(inFlight: ReadonlyMap<string, number>): void {
    this.#kills++;
    if ([...inFlight.values()].some((count) => count > 0)) this.#killsWithWork++;
    for (const [component, count] of inFlight) {
      const counts = this.#counts.get(component) ?? BUCKETS.map(() => 0);
      const bucket = BUCKETS.findLastIndex(([, atLeast]) => count >= atLeast);
      counts[bucket]!++;
      this.#counts.set(component, counts);
    }
  }

  get kills(): number {
    return this.#kills;
  }

  get killsWithWork(): number {
    return this.#killsWithWork;
  }

  lines(): string[] {
    const row = (name: string, cells: readonly (string | number)[]): string =>
      `  ${name.padEnd(12)}${cells.map((cell) => String(cell).padStart(7)).join("")}`;
    return [
      row(
        "in flight",
        BUCKETS.map(([label]) => label),
      ),
      ...[...this.#counts].map(([component, counts]) => row(component, counts)),
    ];
  }
}
