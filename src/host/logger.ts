/**
 * The log of a process: one line an entry, to standard error unless said, because standard output
 * belongs to data. On a terminal the lines are for people; elsewhere they are JSON, written by pino.
 */

import { createRequire } from "node:module";
import type { Logger } from "pino";
import type { Log } from "../model/environment.ts";
import { printable, printableJson } from "./text/printable.ts";
import { redactFacts, redactText, type LogFacts } from "./text/redact.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];

export type LogFormat = "text" | "json";

/** Where lines go: `process.stderr`, or a test's array. */
export interface LineSink {
  write(line: string): unknown;
  readonly isTTY?: boolean;
}

export interface LogOptions {
  /** `info` unless said. */
  readonly level?: LogLevel;
  /** Text for people or JSON; decided by whether the sink is a terminal unless said. */
  readonly format?: LogFormat;
  readonly sink?: LineSink;
  /** Milliseconds since 1970; stamps the lines. */
  readonly now: () => number;
}

export function createLog(options: LogOptions): Log {
  const sink = options.sink ?? process.stderr;
  const format = options.format ?? (sink.isTTY === true ? "text" : "json");
  return format === "text"
    ? createTextLog({ ...options, sink })
    : createJsonLog({ ...options, sink });
}

type SinkOptions = LogOptions & { readonly sink: LineSink };

/** Pino is loaded with the first line: a start that has nothing to say does not wait for it. */
function createJsonLog({ level = "info", sink, now }: SinkOptions): Log {
  const least = LEVELS.indexOf(level);
  let logger: Logger | undefined;
  const open = (): Logger => {
    const { pino }: typeof import("pino") = createRequire(import.meta.url)("pino");
    return pino(
      {
        level,
        base: { pid: process.pid },
        messageKey: "text",
        formatters: { level: (label) => ({ level: label }) },
        timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      },
      { write: (line) => void sink.write(printableJson(line)) },
    );
  };
  const at =
    (name: LogLevel) =>
    (facts: LogFacts, text: string): void => {
      if (LEVELS.indexOf(name) < least) return;
      logger ??= open();
      logger[name](redactFacts(facts), redactText(text));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** `09:30:01.250 warn  the text  fact=1 other="two words"`; colours on a terminal only. */
function createTextLog({ level = "info", sink, now }: SinkOptions): Log {
  const least = LEVELS.indexOf(level);
  const at =
    (name: LogLevel) =>
    (facts: LogFacts, text: string): void => {
      if (LEVELS.indexOf(name) < least) return;
      const label = paint(name.padEnd(5), name, sink.isTTY === true);
      const time = new Date(now()).toISOString().slice(11, 23);
      sink.write(`${time} ${label} ${oneLine(redactText(text))}${factsText(redactFacts(facts))}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

const COLOURS: Readonly<Record<LogLevel, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

function paint(text: string, level: LogLevel, terminal: boolean): string {
  const plain = !terminal || (process.env["NO_COLOR"] ?? "") !== "";
  return plain ? text : `\u001B[${COLOURS[level]}m${text}\u001B[0m`;
}

function factsText(facts: Record<string, unknown>): string {
  const parts = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${factText(value)}`);
  return parts.length === 0 ? "" : `  ${parts.join(" ")}`;
}

const oneLine = (text: string): string => printable(text.replaceAll(/[\r\n]+/g, " ⏎ "));

/** Bare where it is one plain word, otherwise JSON: a line stays one line, and no text forges another. */
function factText(value: unknown): string {
  if (typeof value === "string" && /^[\w.:/@+-]+$/.test(value)) return value;
  if (typeof value === "object" && value !== null && "message" in value && "name" in value) {
    const name = "code" in value ? value.code : value.name;
    return quoted(`${String(name)}: ${String(value.message)}`);
  }
  return quoted(value);
}

const quoted = (value: unknown): string => printableJson(JSON.stringify(value) ?? "undefined");

/** A log that keeps nothing, for programs that want none. */
export const SILENT_LOG: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};
