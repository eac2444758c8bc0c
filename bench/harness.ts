/**
 * How figures are made here: cases run in turn, A B C A B C …, after one round that does not count, and
 * the median of the rounds is the figure. The disk's own rate of small synced writes is measured in
 * every round beside them, because these figures mean little without it.
 */

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";

export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** From the design; `atMost` for times, `atLeast` for rates. Absent where a figure only compares. */
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
  /** Whether the figure is worth comparing with the disk's rate of syncs. */
  readonly synced?: boolean;
}

export interface Case {
  readonly figures: readonly Figure[];
  /**
   * One run in a fresh, empty directory, with what `prepare` made beside it; returns the figures in
   * their order and units.
   */
  readonly run: (directory: string, prepared: string) => Promise<readonly number[]>;
}

export interface Benchmark {
  readonly name: string;
  /** Fills a directory once for all rounds. */
  readonly prepare?: (directory: string) => Promise<void>;
  readonly cases: readonly Case[];
  /** How often each case runs where nobody says; a benchmark of many cases has fewer. */
  readonly rounds?: number;
  /** Ends what `prepare` has started, also after a failure. */
  readonly close?: () => Promise<void>;
}

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly goal?: Figure["goal"];
  readonly reached?: boolean;
  /** The figure divided by the disk's syncs a second in the same rounds. */
  readonly perSync?: number;
}

export interface Report {
  readonly benchmark: string;
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly fdatasyncPerSecond: number;
  readonly rows: readonly Row[];
}

export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which `share` of the figures lie. */
export function percentile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** Appends of 4 KiB, each synced, for half a second: what one writer alone can get from this disk. */
function fdatasyncRate(directory: string): number {
  const file = openSync(join(directory, "fdatasync"), "w");
  const block = Buffer.alloc(4096, 1);
  const started = performance.now();
  let count = 0;
  while (performance.now() - started < 500) {
    writeSync(file, block);
    fdatasyncSync(file);
    count++;
  }
  const seconds = (performance.now() - started) / 1000;
  closeSync(file);
  return count / seconds;
}

async function inFreshDirectory<Result>(
  run: (directory: string) => Result | Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(
    join(process.env["BENCH_DIRECTORY"] ?? tmpdir(), "millrace-bench-"),
  );
  try {
    return await run(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function reached(goal: NonNullable<Figure["goal"]>, figure: number): boolean {
  return "atLeast" in goal ? figure >= goal.atLeast : figure <= goal.atMost;
}

/** Runs every case `rounds` times in turn, after one round of warming up. */
export function measure(benchmark: Benchmark, rounds: number): Promise<Report> {
  return inFreshDirectory(async (prepared) => {
    try {
      await benchmark.prepare?.(prepared);
      return await runRounds(benchmark, rounds, prepared);
    } finally {
      await benchmark.close?.();
    }
  });
}

async function runRounds(benchmark: Benchmark, rounds: number, prepared: string): Promise<Report> {
  const kept = new Map<Figure, number[]>();
  const syncs: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const syncRate = await inFreshDirectory(fdatasyncRate);
    if (round > 0) syncs.push(syncRate);
    for (const { figures, run } of benchmark.cases) {
      const found = await inFreshDirectory((directory) => run(directory, prepared));
      if (round === 0) continue;
      for (const [index, figure] of figures.entries()) {
        kept.set(figure, [...(kept.get(figure) ?? []), found[index]!]);
      }
    }
  }
  const perSecond = median(syncs);
  const [cpu] = cpus();
  return {
    benchmark: benchmark.name,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
    rounds,
    fdatasyncPerSecond: Math.round(perSecond),
    rows: [...kept].map(([one, found]) => {
      const figure = median(found);
      return {
        name: one.name,
        unit: one.unit,
        median: figure,
        min: Math.min(...found),
        max: Math.max(...found),
        ...(one.goal && { goal: one.goal, reached: reached(one.goal, figure) }),
        ...(one.synced === true && { perSync: figure / perSecond }),
      };
    }),
  };
}

const shown = (figure: number): string =>
  figure >= 1000 ? Math.round(figure).toLocaleString("en-US") : figure.toPrecision(3);

const goalText = (goal: NonNullable<Figure["goal"]>): string =>
  "atLeast" in goal ? `>= ${shown(goal.atLeast)}` : `<= ${shown(goal.atMost)}`;

/** What came of the goals, those that were missed last. */
export function summary({ rows }: Report): string {
  const told = (reached: boolean): string[] =>
    rows.flatMap(({ name, unit, median: figure, goal, reached: isReached }) =>
      goal === undefined || isReached !== reached
        ? []
        : [
            `  ${reached ? "reached" : "missed"}: ${name}: ${shown(figure)} ${unit}, ${goalText(goal)}`,
          ],
    );
  const [reachedLines, missedLines] = [told(true), told(false)];
  const count = reachedLines.length + missedLines.length;
  if (count === 0) return "no goals";
  const title = `${reachedLines.length} of ${count} goals reached`;
  return [title, ...reachedLines, ...missedLines].join("\n");
}

export function table(report: Report): string {
  const header = ["case", "median", "min", "max", "unit", "goal", "reached", "per fdatasync"];
  const rows = report.rows.map((row) => [
    row.name,
    shown(row.median),
    shown(row.min),
    shown(row.max),
    row.unit,
    row.goal === undefined ? "" : goalText(row.goal),
    row.reached === undefined ? "" : row.reached ? "yes" : "no",
    row.perSync === undefined ? "" : shown(row.perSync),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [
    line(header),
    `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`,
    ...rows.map(line),
  ].join("\n");
}
