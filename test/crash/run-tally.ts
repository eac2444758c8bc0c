/** What all directories of a run came to, and what that proves. */

import { VIOLATION_KINDS, type Violation } from "./driver.ts";
import { InFlightHistogram } from "./histogram.ts";
import type { LivesOutcome } from "./lives.ts";

const VIOLATIONS_SHOWN = 10;
const WITH_WORK_AT_LEAST = 0.8;

export interface RunResult {
  readonly lines: readonly string[];
  /** Why the run fails; empty when it does not. */
  readonly problems: readonly string[];
  /** How many things were demanded: of each kind of violation none, of each count more than none. */
  readonly demands: number;
}

export class RunTally {
  readonly #histogram = new InFlightHistogram();
  readonly #totals = new Map<string, number>();
  readonly #remarks = new Map<string, readonly string[]>();
  readonly #violations = new Map<Violation["kind"], number>(
    VIOLATION_KINDS.map((kind) => [kind, 0]),
  );
  readonly #texts: string[] = [];
  /** Of the directories in which something was found. */
  readonly seeds = new Set<number>();
  #directories = 0;

  add({ seed, histogram, records }: LivesOutcome): void {
    this.#directories++;
    this.#histogram.addAll(histogram);
    for (const [name, { totals, violations, remarks = [] }] of records) {
      for (const [what, count] of Object.entries(totals)) {
        const key = `${name}: ${what}`;
        this.#totals.set(key, (this.#totals.get(key) ?? 0) + count);
      }
      this.#remarks.set(name, remarks);
      for (const { kind, text } of violations) {
        this.seeds.add(seed);
        this.#violations.set(kind, this.found(kind) + 1);
        if (this.#texts.length < VIOLATIONS_SHOWN) {
          this.#texts.push(`  ${name}: ${kind}: ${text} (seed ${seed})`);
        }
      }
    }
  }

  /** How many violations of a kind there were. */
  found(kind: Violation["kind"]): number {
    return this.#violations.get(kind) ?? 0;
  }

  conclude(): RunResult {
    const { kills, killsWithWork } = this.#histogram;
    const lines = ["", ...this.#histogram.lines(), ""];
    const problems: string[] = [];
    for (const [what, count] of this.#totals) {
      lines.push(`  ${what}: ${count}`);
      if (count === 0) problems.push(`${what}: none, so nothing is proved`);
    }
    for (const [name, remarks] of this.#remarks) {
      for (const remark of remarks) lines.push(`  ${name}, of the last directory: ${remark}`);
    }
    const counts = [...this.#violations];
    lines.push(...this.#texts, "", `  ${counts.map(([kind, n]) => `${kind} ${n}`).join(", ")}`);
    for (const [kind, count] of counts) if (count > 0) problems.push(`${kind}: ${count}`);
    const directories = `on ${this.#directories} directories`;
    lines.push(`  ${killsWithWork} of ${kills} kills had work in flight, ${directories}`);
    if (killsWithWork < kills * WITH_WORK_AT_LEAST) {
      problems.push(`only ${killsWithWork} of ${kills} kills had work in flight`);
    }
    return { lines, problems, demands: 1 + this.#totals.size + counts.length };
  }
}
