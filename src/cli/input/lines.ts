/** Lines of bytes, as they come: bounded, of good UTF-8, and numbered so that a failure can be found. */

import { MillraceError } from "../../model/errors.ts";

export interface Line {
  /** From 1, blank lines counted. */
  readonly number: number;
  readonly text: string | MillraceError;
}

const NEWLINE = 0x0a;

/**
 * Yields the lines of each chunk together, blank ones left out. A line that is too long or no UTF-8
 * becomes TOO_LARGE or BAD_JSON in its place, and the lines after it still come.
 */
export async function* readLines(
  input: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<readonly Line[]> {
  let number = 0;
  let rest: Uint8Array[] = [];
  let restBytes = 0;

  const finish = (): Line => {
    const tooLong = restBytes > lineBytesMax;
    const text = tooLong ? tooLarge(lineBytesMax) : decode(Buffer.concat(rest));
    rest = [];
    restBytes = 0;
    return { number: ++number, text };
  };
  const keep = (bytes: Uint8Array): void => {
    restBytes += bytes.length;
    // Beyond the limit only the length is still counted.
    if (restBytes <= lineBytesMax) rest.push(bytes);
    else rest = [];
  };

  for await (const chunk of input) {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, at));
      lines.push(finish());
      from = at + 1;
    }
    if (from < chunk.length) keep(chunk.subarray(from));
    const filled = lines.filter(isFilled);
    if (filled.length > 0) yield filled;
  }
  if (restBytes > 0) {
    const last = finish();
    if (isFilled(last)) yield [last];
  }
}

function isFilled({ text }: Line): boolean {
  return typeof text !== "string" || text.trim() !== "";
}

function decode(bytes: Uint8Array): string | MillraceError {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    return new MillraceError("BAD_JSON", "the line is not UTF-8; JSON is written in UTF-8", {
      cause,
    });
  }
}

function tooLarge(lineBytesMax: number): MillraceError {
  return new MillraceError(
    "TOO_LARGE",
    `the line has more than ${lineBytesMax} bytes; keep large content elsewhere and send its address`,
  );
}
