/** Tables for people: columns as wide as their content, numbers to the right, one line a row. */

import { printable } from "../../host/text/printable.ts";

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number | boolean | undefined;
}

const GAP = "  ";

/** Returns the lines, without trailing blanks. Nothing where there are no rows. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  widthMax: number = Infinity,
): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => columns.map(({ value }) => cellText(value(row))));
  const right = columns.map(({ value }) => rows.every((row) => isNumeric(value(row))));
  const widths = columns.map(({ title }, column) =>
    Math.max(displayWidth(title), ...cells.map((row) => displayWidth(row[column] ?? ""))),
  );
  const line = (texts: readonly string[]): string =>
    cut(
      texts
        .map((text, column) => pad(text, widths[column] ?? 0, right[column] === true))
        .join(GAP)
        .trimEnd(),
      widthMax,
    );
  return [line(columns.map(({ title }) => title.toUpperCase())), ...cells.map(line)];
}

function isNumeric(value: string | number | boolean | undefined): boolean {
  return value === undefined || typeof value === "number";
}

function cellText(value: string | number | boolean | undefined): string {
  if (value === undefined) return "-";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return printable(String(value));
}

function pad(text: string, width: number, right: boolean): string {
  const blanks = " ".repeat(Math.max(0, width - displayWidth(text)));
  return right ? blanks + text : text + blanks;
}

function displayWidth(text: string): number {
  return Array.from(text).length;
}

function cut(text: string, width: number): string {
  const letters = Array.from(text);
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join("")}…`;
}
