/** The entry of the bundle: `millrace start` without a configuration (`cli/lone-start.ts`). */

import { runCommand } from "../../run-command.ts";
import { start } from "./start.ts";
import type { StartOptions } from "./serving.ts";

/** Runs until a signal stops it, and sets the process's exit code. */
export async function startAlone(options: StartOptions): Promise<void> {
  process.exitCode = await runCommand((context) => start(context, options), {
    options,
    logs: true,
  });
}
