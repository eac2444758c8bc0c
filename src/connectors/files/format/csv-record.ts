/** One CSV record (RFC 4180), taken apart and put together. Pure and strict. */

import { MillraceError } from "../../../model/errors.ts";

/**
 * The fields of a record without its line end. Throws BAD_MESSAGE naming the column for a quote in a
 * field that does not begin with one, text behind a closing quote, a quote that nobody closes, and a
 * carriage return outside of quotes.
 */
export function parseCsvRecord(text: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const column = fields.length + 1;
    if (text[at] === '"') {
      const { value, end } = quotedField(text, at, column);
      fields.push(value);
      at = end;
    } else {
      const comma = text.indexOf(",", at);
      const end = comma === -1 ? text.length : comma;
      const value = text.slice(at, end);
      if (value.includes('"')) {
        throw bad(
          column,
          'has a quote in the middle; write the field in quotes, and "" for a quote',
        );
      }
      if (value.includes("\r")) throw bad(column, "has a carriage return outside of quotes");
      fields.push(value);
      at = end;
    }
    if (at === text.length) return fields;
    if (text[at] !== ",") throw bad(column, "goes on behind its closing quote");
    at++;
  }
}

function quotedField(
  text: string,
  from: number,
  column: number,
): { readonly value: string; readonly end: number } {
  let end = from;
  do {
    end = text.indexOf('"', end + 1);
    if (end === -1) throw bad(column, "has an opening quote and no closing one");
    // Two quotes are one of the text; the search goes on behind them.
  } while (text[end + 1] === '"' && end++ > -1);
  return { value: text.slice(from + 1, end).replaceAll('""', '"'), end: end + 1 };
}

/** The record with its line end. A single blank field is quoted, because a blank line is no record. */
export function writeCsvRecord(fields: readonly string[]): string {
  const line = fields.map(written).join(",");
  return line.trim() === "" ? `"${line}"\r\n` : `${line}\r\n`;
}

function written(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function bad(column: number, why: string): MillraceError {
  return new MillraceError("BAD_MESSAGE", `column ${column} ${why}`, { details: { column } });
}
