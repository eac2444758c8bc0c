/** What the definitions of commands share: their actions, arguments, examples and safeguards. */

import { InvalidArgumentError, type Command } from "commander";
import type { ExitCode } from "../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { runCommand } from "../run-command.ts";

type Run<Options> = (
  context: CommandContext,
  options: Options,
  ...args: string[]
) => Promise<ExitCode>;

/**
 * The action of a command: its own options first, then its arguments. What it does is loaded only when
 * it is called, so the start of each pays for its own imports alone.
 */
export function act<Options extends GlobalOptions>(
  load: () => Promise<Run<Options>>,
  { logs = false }: { readonly logs?: boolean } = {},
): (this: Command, ...given: unknown[]) => Promise<void> {
  return async function action(this: Command): Promise<void> {
    const options = this.optsWithGlobals<Options>();
    process.exitCode = await runCommand(
      async (context) => (await load())(context, options, ...this.args),
      { options, logs },
    );
  };
}

/** Lines as they are typed; the help of every command ends with some. */
export function examples(...lines: readonly string[]): string {
  return `\nExample${lines.length === 1 ? "" : "s"}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** For a command that changes or removes what is there: it asks, and can be tried. */
export function guarded(command: Command, dryRun = "only show what would happen"): Command {
  return command.option("--dry-run", dryRun).option("--yes", "do not ask");
}

/** The forms of a place in a stream. */
export const OFFSETS = "start, end, -10, +5, 123, @2026-01-01T00:00 or 0:120,1:7";

export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

/** Values separated by commas, of one option or several. */
export const list = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text.split(",").filter((item) => item !== ""),
];

/** Values of an option that may be given several times. */
export const each = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  text,
];
