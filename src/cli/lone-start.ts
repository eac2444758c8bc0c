/** Whether a command line starts the broker alone, so that nothing of a program's own is loaded. */

import { findConfig } from "../host/config-file.ts";

/**
 * `millrace start` where there is no configuration. Such a start runs from the bundle
 * (`scripts/bundle.ts`): a configuration would bring its own copy of the package's modules with it.
 */
export function isLoneStart(argv: readonly string[], folder: string): boolean {
  const [, , command, ...options] = argv;
  if (command !== "start" || findConfig(folder) !== undefined) return false;
  return !options.some((option) => option === "--config" || option.startsWith("--config="));
}
