/** Where a project's configuration and data are, without loading any of it. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";

export const CONFIG_FILES: readonly string[] = [
  "millrace.config.ts",
  "millrace.config.js",
  "millrace.config.mjs",
];
export const DATA_DIRECTORY = ".millrace";
export const CONTRACT_LOCK = "contracts.lock.json";

/** The configuration file of a folder, or undefined where it has none. */
export function findConfig(folder: string): string | undefined {
  return CONFIG_FILES.map((name) => resolve(folder, name)).find((path) => existsSync(path));
}
