/** Destructive commands: say what would go, and go on only after a yes. */

import { createInterface } from "node:readline/promises";
import { MillraceError } from "../../model/errors.ts";

/** Who is asked, of a command's context. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
}

export interface Question {
  /** What will happen, as it ends a sentence: `discard 12 messages of order-desk for good`. */
  readonly what: string;
  /** `--yes` was given. */
  readonly yes: boolean | undefined;
}

/** Throws CONFIRMATION_NEEDED after a no, and where nobody is there to ask. */
export async function confirm(
  { stdin: input, stderr: output, signal }: Terminal,
  { what, yes }: Question,
): Promise<void> {
  if (yes === true) return;
  if (input.isTTY !== true || output.isTTY !== true) {
    throw new MillraceError(
      "CONFIRMATION_NEEDED",
      `this would ${what}; add --yes to do it, or --dry-run to only look`,
    );
  }
  const terminal = createInterface({ input, output });
  try {
    const answer = await terminal.question(`This will ${what}. Go on? [y/N] `, { signal });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new MillraceError("CONFIRMATION_NEEDED", `not confirmed; nothing was changed`);
}
