/**
 * Text of strangers on a terminal. Payloads, keys and error texts come from whoever publishes, and a
 * terminal obeys what it is shown: escape sequences move the cursor, set the clipboard or the title,
 * and marks of writing direction make a line read other than it is. So everything that a program of
 * Millrace shows goes through here.
 */

/** Everything that drives a terminal, ends a line, or turns the direction of writing. */
const HARMFUL =
  // oxlint-disable-next-line no-control-regex -- controls are just what must not reach a terminal
  /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g;
// oxlint-disable-next-line no-control-regex -- as above; the line feed stays
const HARMFUL_IN_LINES = new RegExp(
  HARMFUL.source.replace("\\u0000-", "\\u0000-\\u0009\\u000B-"),
  "g",
);
/** What JSON allows inside its strings as it is. */
const HARMFUL_IN_JSON = new RegExp(HARMFUL.source.replace("\\u0000-\\u001F", ""), "g");

/** As one line: `\x1b` stands for what would have been an escape. */
export function printable(text: string): string {
  return text.replace(HARMFUL, shown);
}

/** As `printable`, but of several lines that the program itself has put together. */
export function printableLines(text: string): string {
  return text.replace(HARMFUL_IN_LINES, shown);
}

/** The same JSON value in text that is harmless to show. */
export function printableJson(json: string): string {
  return json.replace(HARMFUL_IN_JSON, (letter) => `\\u${hex(letter, 4)}`);
}

function shown(letter: string): string {
  return letter.charCodeAt(0) <= 0xff ? `\\x${hex(letter, 2)}` : `\\u${hex(letter, 4)}`;
}

function hex(letter: string, digits: number): string {
  return letter.charCodeAt(0).toString(16).padStart(digits, "0");
}
