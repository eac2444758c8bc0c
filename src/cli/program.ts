/**
 * The command line's commands by name; what a command does stands in `commands/`. This file parses,
 * and ends the process with the right code.
 */

import { Command, CommanderError } from "commander";
import { EXIT, MillraceError } from "../model/errors.ts";
import { addChecking } from "./program/checking.ts";
import { addKeeping } from "./program/keeping.ts";
import { addLooking } from "./program/looking.ts";
import { addMessages } from "./program/messages.ts";
import { addRepairing } from "./program/repairing.ts";
import { addRunning } from "./program/running.ts";

/** Parses the command line, runs the command and sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = createProgram({ json: argv.includes("--json") });
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has already said what is wrong; asking for help is no failure.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

/** With `json` wrong usage is told as JSON, as every other error is. */
export function createProgram({ json = false }: { readonly json?: boolean } = {}): Command {
  const program = new Command("millrace")
    .description("Event-driven services and their durable broker, on one machine with one command.")
    .option("--json", "data as JSON: one document, or a line an item where items stream")
    .option("--data <directory>", "the data directory (also MILLRACE_DATA)")
    .option("--config <file>", "the configuration (default: millrace.config.ts here)")
    .option("--debug", "log more, and show where an error came from")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showHelpAfterError(json ? false : "(--help shows how the command is used)")
    .configureOutput({ outputError: (text, write) => write(json ? usageErrorJson(text) : text) })
    .exitOverride();
  addRunning(program);
  addMessages(program);
  addLooking(program);
  addRepairing(program);
  addKeeping(program);
  addChecking(program);
  return program;
}

function usageErrorJson(text: string): string {
  const error = new MillraceError("BAD_ARGUMENT", text.replace(/^error: /, "").trim());
  return `${JSON.stringify({ error })}\n`;
}
