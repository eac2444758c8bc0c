/**
 * Only errors, on standard error: standard output belongs to the reports, and that handlers fail by
 * chance is no news.
 */

import type { Log } from "../../src/model/environment.ts";

const print = (facts: Readonly<Record<string, unknown>>, text: string): void => {
  process.stderr.write(`${text} ${JSON.stringify(facts, undefined, 0)}\n`);
};

export const stderrLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: print };
