/**
 * A file as a sink: a part that appends what it reads, as lines of NDJSON or records of CSV.
 *
 * A line is on the disk before the position moves, and stands in the file once, also after a crash
 * (`sink-journal.ts`). A key's messages keep their order; messages of different keys mix. One process
 * writes one file.
 */

import type { Message } from "../../model/message.ts";
import { byteCount, type ByteSize } from "../../schema/duration.ts";
import { checkOptions, checkPartName, refuse } from "../../service/declaration-checks.ts";
import { dependencyDown } from "../../service/failure.ts";
import type { Decision, Part, WorkContext, Worker } from "../../service/part.ts";
import { OUTGOING_OPTIONS, outgoingPart, type OutgoingOptions } from "../outgoing-part.ts";
import { NODE_FILE_DISK, type FileDisk } from "./disk/file-disk.ts";
import { FileAppender, type AppendedLine } from "./file-appender.ts";
import { writeCsvRecord } from "./format/csv-record.ts";
import { csvLine, dataLine, ENVELOPE_COLUMNS, eventLine, isEnvelopeColumn } from "./line-writer.ts";

export interface FileSinkOptions extends OutgoingOptions {
  readonly path: string;
  readonly format: "ndjson" | "csv";
  /** NDJSON: the whole message as a CloudEvent, or its payload alone; `event` unless said. */
  readonly content?: "event" | "data";
  /** CSV: top-level fields of the payload, and `$id`, `$type`, `$key`, `$source`, `$time`. */
  readonly columns?: readonly string[];
  /** A file of this size is closed: `sales.csv` becomes `sales.000001.csv`. Never unless said. */
  readonly roll?: ByteSize;
  /** The machine's own unless given. */
  readonly disk?: FileDisk;
}

/** Keys whose lines gather for one sync. */
const CONCURRENCY = 256;

/** Declares a part that writes what it reads to a file. Throws BAD_DECLARATION. */
export function fileSink(name: string, options: FileSinkOptions): Part {
  checkPartName(name, "file sink");
  const what = `file sink "${name}"`;
  checkOptions(options, what, [
    ...OUTGOING_OPTIONS,
    "path",
    "format",
    "content",
    "columns",
    "roll",
    "disk",
  ]);
  const { path, columns = [], roll, disk = NODE_FILE_DISK } = options;
  if (typeof path !== "string" || path === "") refuse(`${what} has no path`);
  const lineOf = lineWriter(what, options);
  const head = options.format === "csv" ? writeCsvRecord(columns) : "";
  const rollBytes =
    roll === undefined ? Number.POSITIVE_INFINITY : byteCount(roll, `roll of ${what}`);
  return outgoingPart({
    name,
    what,
    options,
    concurrency: CONCURRENCY,
    createWorker: () => {
      const appender = new FileAppender({ disk, path, head, rollBytes });
      return new FileSinkWorker(path, appender, lineOf);
    },
  });
}

class FileSinkWorker implements Worker {
  readonly #path: string;
  readonly #appender: FileAppender;
  readonly #lineOf: (message: Message) => string;

  constructor(path: string, appender: FileAppender, lineOf: (message: Message) => string) {
    this.#path = path;
    this.#appender = appender;
    this.#lineOf = lineOf;
  }

  /** Keyless messages stand alone. */
  keyOf({ envelope }: Message): string {
    return envelope.key ?? envelope.id;
  }

  async work(
    _key: string,
    messages: readonly Message[],
    { effects }: WorkContext,
  ): Promise<Decision> {
    const done = { writes: {}, outgoing: [], handled: messages.length };
    // A replay is a look at what happened, and the file has it.
    if (effects === "replay" || effects === "shadow") return done;
    const lines = messages.map((message): AppendedLine => ({
      id: message.envelope.id,
      text: this.#lineOf(message),
    }));
    try {
      await this.#appender.append(lines);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw dependencyDown(`${this.#path} cannot be written: ${why}`, { cause });
    }
    return done;
  }
}

function lineWriter(what: string, options: FileSinkOptions): (message: Message) => string {
  const { format, content, columns } = options;
  if (format === "csv") {
    if (content !== undefined) refuse(`content of ${what} is for NDJSON; name columns`);
    if (columns === undefined || columns.length === 0) {
      refuse(
        `${what} has no columns; name fields of the payload, or ${ENVELOPE_COLUMNS.join(", ")}`,
      );
    }
    const wrong = columns.find((name) => name.startsWith("$") && !isEnvelopeColumn(name));
    if (wrong !== undefined) {
      refuse(
        `${what} has the column ${wrong}; of the envelope there are ${ENVELOPE_COLUMNS.join(", ")}`,
      );
    }
    return (message) => csvLine(message, columns);
  }
  if (format !== "ndjson") {
    refuse(`format of ${what} is ${JSON.stringify(format)}; write "ndjson" or "csv"`);
  }
  if (columns !== undefined) refuse(`columns of ${what} are for CSV; leave them out`);
  if (content !== undefined && content !== "event" && content !== "data") {
    refuse(`content of ${what} is ${JSON.stringify(content)}; write "event" or "data"`);
  }
  return content === "data" ? dataLine : eventLine;
}
