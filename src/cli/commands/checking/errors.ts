/** `millrace errors`: the codes with which things fail, and what each means. */

import { ERROR_CODES, EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import type { Column } from "../../terminal/table.ts";

interface CodeRow {
  readonly code: string;
  readonly retryable: boolean;
  readonly exit: number;
  readonly meaning: string;
}

const ROWS: readonly CodeRow[] = Object.entries(ERROR_CODES).map(([code, facts]) => ({
  code,
  ...facts,
}));

const COLUMNS: readonly Column<CodeRow>[] = [
  { title: "code", value: ({ code }) => code },
  { title: "exit", value: ({ exit }) => exit },
  { title: "retryable", value: ({ retryable }) => retryable },
  { title: "meaning", value: ({ meaning }) => meaning },
];

export async function list({ output }: CommandContext): Promise<ExitCode> {
  await output.rows(ROWS, COLUMNS, "no codes");
  return EXIT.ok;
}

/** By the code in any case, or by a part of it. */
export async function lookup(
  { output }: CommandContext,
  _options: GlobalOptions,
  wanted: string,
): Promise<ExitCode> {
  const name = wanted.toUpperCase().replaceAll("-", "_");
  const found = ROWS.find(({ code }) => code === name);
  if (found === undefined) {
    const near = ROWS.filter(({ code }) => code.includes(name)).map(({ code }) => code);
    const hint =
      near.length === 0 ? "list all with millrace errors ls" : `there is ${near.join(", ")}`;
    throw new MillraceError("NOT_FOUND", `there is no code ${name.slice(0, 100)}; ${hint}`, {
      details: { code: name.slice(0, 100), near },
    });
  }
  const { code, meaning, retryable, exit } = found;
  const again = retryable
    ? "The same call, unchanged, may succeed later."
    : "The same call, unchanged, will fail again.";
  const ends = exit === EXIT.interrupted ? "" : ` A command that fails with it ends with ${exit}.`;
  await output.result(found, `${code}: ${meaning} ${again}${ends}`);
  return EXIT.ok;
}
