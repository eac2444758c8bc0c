/**
 * What a command says. Data goes to standard output and nothing else does, so it can be piped; notes,
 * progress and errors go to standard error. With `--json` data is JSON: one document a command, or a
 * line for each item where the items stream. Nothing that is said can drive a terminal.
 */

import { printableJson, printableLines } from "../../host/text/printable.ts";
import { writeShown } from "../../http/shown-json.ts";
import { formatTable, type Column } from "./table.ts";

/** The part of a Node stream that is needed, so that a test can collect. */
export interface Sink {
  write(text: string): boolean;
  once(event: "drain" | "error", listener: () => void): unknown;
  off(event: "drain" | "error", listener: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Output {
  readonly json: boolean;
  /** A line of data. Resolves when the reader can take more. */
  line(text: string): Promise<void>;
  /** One result: as text for people, or as JSON. */
  result(value: unknown, text: string): Promise<void>;
  /** A list that is known whole: a table, or a JSON array; `none` is noted where it is empty. */
  rows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], none: string): Promise<void>;
  /** Items with a payload: a JSON array that keeps every digit, or a table. */
  shown<Row extends { readonly dataJson?: string }>(
    rows: readonly Row[],
    columns: readonly Column<Row>[],
    none: string,
  ): Promise<void>;
  /** For people, to standard error. */
  note(text: string): void;
  /** One line that replaces itself, on a terminal only; an empty text clears it. */
  progress(text: string): void;
}

export function createOutput(options: {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly json: boolean;
}): Output {
  const { stdout, stderr, json } = options;
  const width = stdout.isTTY === true ? (stdout.columns ?? Infinity) : Infinity;
  let progressShown = false;

  const clear = (): void => {
    if (progressShown) stderr.write("\r\u001B[K");
    progressShown = false;
  };
  const line = async (text: string): Promise<void> => {
    if (stdout.isTTY === true) clear();
    if (!stdout.write(`${json ? printableJson(text) : printableLines(text)}\n`)) {
      await new Promise<void>((resolve) => {
        const goOn = (): void => {
          stdout.off("drain", goOn);
          stdout.off("error", goOn);
          resolve();
        };
        stdout.once("drain", goOn);
        // Nobody reads on: whoever runs the command has heard of it and ends it.
        stdout.once("error", goOn);
      });
    }
  };
  const table = async <Row>(
    rows: readonly Row[],
    columns: readonly Column<Row>[],
    none: string,
  ): Promise<void> => {
    if (rows.length === 0) output.note(none);
    else await line(formatTable(rows, columns, width).join("\n"));
  };

  const output: Output = {
    json,
    line,
    result: (value, text) => line(json ? JSON.stringify(value) : text),
    rows: (rows, columns, none) => (json ? line(JSON.stringify(rows)) : table(rows, columns, none)),
    shown: (rows, columns, none) =>
      json ? line(`[${rows.map((row) => writeShown(row)).join(",")}]`) : table(rows, columns, none),
    note(text) {
      clear();
      stderr.write(`${printableLines(text)}\n`);
    },
    progress(text) {
      if (stderr.isTTY !== true) return;
      clear();
      if (text === "") return;
      stderr.write(text);
      progressShown = true;
    },
  };
  return output;
}
