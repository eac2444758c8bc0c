/** How a command ends that failed: the text for people or programs, and the exit code. */

import { printableJson, printableLines } from "../../host/text/printable.ts";
import { ERROR_CODES, EXIT, isMillraceError, type ExitCode } from "../../model/errors.ts";

export interface FailureReport {
  readonly text: string;
  readonly exit: ExitCode;
}

/** A defect is told apart from what can happen; stacks are shown only with `--debug`. */
export function reportFailure(
  error: unknown,
  { json, debug }: { readonly json: boolean; readonly debug: boolean },
): FailureReport {
  const known = isMillraceError(error);
  const message = known ? error.message : `a defect of Millrace or of your code: ${textOf(error)}`;
  const exit = known ? ERROR_CODES[error.code].exit : EXIT.failed;
  const stack = debug && error instanceof Error ? stackOf(error) : undefined;
  if (json) {
    const facts = known ? error.toJSON() : { message };
    return { text: printableJson(JSON.stringify({ error: { ...facts, stack } })), exit };
  }
  const code = known ? ` (${error.code})` : "; --debug shows where";
  const text = `millrace: ${message}${code}${stack === undefined ? "" : `\n${stack}`}`;
  return { text: printableLines(text), exit };
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
