/**
 * The shop at work, by either of its processes, each with stores and a namespace of its own. The bank
 * and the scoring service keep their books in files: they are no part of the process that is killed.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { books } from "../../../examples/shop/outside/bank.ts";
import { scores } from "../../../examples/shop/outside/scoring.ts";
import { type OrderProcess, shopServices } from "../../../examples/shop/shop.ts";
import type { App } from "../../../src/host/app.ts";
import type { Opened } from "../driver.ts";
import { openCrashApp } from "../open-app.ts";

export const COMPONENT = "shop";
export const PROCESSES: readonly OrderProcess[] = ["orchestrated", "choreographed"];

/** One shop at a time: they share the bank. */
export function runShop(opened: Opened, process: OrderProcess): Promise<App> {
  const outside = join(opened.directory, "outside");
  mkdirSync(outside, { recursive: true });
  books.clear();
  books.keepIn(join(outside, `${process}-bank.ndjson`));
  scores.clear();
  scores.keepIn(join(outside, `${process}-scores.ndjson`));
  return openCrashApp(opened, `${COMPONENT}-${process}`, { services: shopServices(process) });
}
