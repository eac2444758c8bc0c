/**
 * A runner for the conformance suites outside of a test framework: one case after another, one line
 * each, reasons for what was skipped, and the counts of what was compared.
 */

import type { Note, TestFunction } from "../../src/conformance/case.ts";

export interface RunResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Registered {
  readonly title: string;
  readonly run: (note: Note) => Promise<void>;
  readonly skip: string | undefined;
}

export class PlainRunner {
  readonly #cases: Registered[] = [];
  readonly #print: (line: string) => void;
  readonly #only: string;
  readonly #timeLimitMs: number;

  /** Runs only cases whose title contains `only`. */
  constructor(options: {
    readonly print: (line: string) => void;
    readonly only?: string;
    readonly timeLimitMs: number;
  }) {
    this.#print = options.print;
    this.#only = options.only ?? "";
    this.#timeLimitMs = options.timeLimitMs;
  }

  readonly test: TestFunction = (title, run, { skip }) => {
    if (title.includes(this.#only)) this.#cases.push({ title, run, skip });
  };

  async run(): Promise<RunResult> {
    const result = { passed: 0, failed: 0, skipped: 0 };
    for (const { title, run, skip } of this.#cases) {
      if (skip !== undefined) {
        result.skipped++;
        this.#print(`skipped  ${title}\n           because ${skip}`);
        continue;
      }
      const notes: string[] = [];
      try {
        await this.#limited(run((text) => notes.push(text)));
        result.passed++;
        this.#print(`passed   ${title}`);
      } catch (error) {
        result.failed++;
        this.#print(`FAILED   ${title}`);
        notes.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
      for (const note of notes) this.#print(indent(note));
    }
    return result;
  }

  async #limited(work: Promise<void>): Promise<void> {
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      limit.reject(new Error(`no end after ${this.#timeLimitMs} ms`));
    }, this.#timeLimitMs);
    try {
      await Promise.race([work, limit.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "           ");
}
