/**
 * One file on its way into a channel; see `file-source.ts`.
 *
 * Of each chunk's lines the messages are published first; when they are durable the rejected lines are
 * written, and only then the position moves. What a crash cuts off in between comes again: messages
 * under the same ids, and rejected lines at the same place of their file.
 */

import type { Environment } from "../../model/environment.ts";
import { isMillraceError, MillraceError, type ErrorCode } from "../../model/errors.ts";
import type { InboundMessage, PublishInbound } from "../../service/inbound.ts";
import type { FileDisk, OpenFile } from "./disk/file-disk.ts";
import { writeFrom } from "./disk/whole-file.ts";
import { parseCsvRecord } from "./format/csv-record.ts";
import { RecordSplitter, type FileRecord } from "./format/record-splitter.ts";
import type { LineReader } from "./line-reader.ts";
import {
  beginOf,
  fingerprintAt,
  readPosition,
  writePosition,
  type SourcePosition,
} from "./source-position.ts";

export interface FileReadingOptions {
  /** Its name in texts: `file source "imports"`. */
  readonly what: string;
  readonly path: string;
  readonly format: "ndjson" | "csv";
  readonly reader: LineReader;
  readonly lineBytesMax: number;
  readonly stopsAtBad: boolean;
  readonly positionPath: string;
  readonly disk: FileDisk;
  readonly idOf: (identity: string, epoch: number, line: number) => string;
  readonly publish: PublishInbound;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

interface Bad {
  readonly record: FileRecord;
  readonly error: MillraceError;
}

const CHUNK_BYTES = 64 * 1024;
/** Of a rejected line as it is kept. */
const REJECTED_TEXT_MAX = 10_000;
/** What is wrong with a line, and not with us. */
const OF_THE_LINE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "BAD_JSON",
  "BAD_ENVELOPE",
  "BAD_PAYLOAD",
  "BAD_MESSAGE",
  "UNKNOWN_TYPE",
  "UNKNOWN_VERSION",
  "UNSUPPORTED_CONTENT",
  "TOO_LARGE",
]);
const BYTE_ORDER_MARK = "\uFEFF";

export class FileReading {
  readonly #options: FileReadingOptions;
  /** Stays open while it is followed: a file that was replaced can be read only so. */
  #file: OpenFile | undefined;
  #position: SourcePosition | undefined;

  constructor(options: FileReadingOptions) {
    this.#options = options;
  }

  /**
   * Reads to the end of the file that has the path now; if another one had it before, first to the end
   * of that one. With `last`, what stands behind the last line end counts as a line.
   *
   * Throws what publishing failed with, and the error of a bad line where that stops.
   */
  async readOn({ last }: { readonly last: boolean }): Promise<"end" | "missing"> {
    const { disk, path, signal } = this.#options;
    while (!signal.aborted) {
      this.#file ??= await disk.openToRead(path);
      if (this.#file === undefined) return "missing";
      await this.#readToEnd(this.#file, last);
      const now = await disk.identify(path);
      if (now === undefined || now === this.#file.identity) break;
      // Its writer may have gone on until just now; nothing comes after that.
      await this.#readToEnd(this.#file, true);
      await this.close();
    }
    return "end";
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #readToEnd(file: OpenFile, last: boolean): Promise<void> {
    const { format, lineBytesMax: bytesMax, signal } = this.#options;
    const { offset, line } = await this.#place(file);
    const splitter = new RecordSplitter({ format, bytesMax, offset, line });
    for (let at = offset; !signal.aborted;) {
      const chunk = await file.read(at, CHUNK_BYTES);
      if (chunk.length === 0) break;
      at += chunk.length;
      await this.#take(file, splitter.push(chunk));
    }
    const rest = last && !signal.aborted ? splitter.finish() : undefined;
    if (rest !== undefined) await this.#take(file, [rest]);
  }

  /** Where reading goes on: the kept position, or the start of a file that is another one. */
  async #place(file: OpenFile): Promise<SourcePosition> {
    const { disk, positionPath, environment, path } = this.#options;
    const known = this.#position ?? (await readPosition(disk, positionPath));
    const { identity } = file;
    const changed = known && (await changeOf(known, file));
    if (known !== undefined && changed !== undefined) {
      const { line } = known;
      environment.log.warn({ path, line, changed }, "a file is read from its start");
    }
    this.#position =
      known === undefined || changed !== undefined ? beginOf(identity, known) : known;
    return this.#position;
  }

  async #take(file: OpenFile, records: readonly FileRecord[]): Promise<void> {
    if (records.length === 0) return;
    const { messages, bad: unreadable, columns } = this.#read(records);
    const refused = await this.#publish(messages);
    const bad = [...unreadable, ...refused].toSorted((a, b) => a.record.line - b.record.line);
    const [first] = bad;
    if (first !== undefined && this.#options.stopsAtBad) {
      const before = records[records.indexOf(first.record) - 1];
      if (before !== undefined) await this.#note(file, { last: before, bad: [], columns });
      throw this.#stopped(first);
    }
    await this.#note(file, { last: records.at(-1)!, bad, columns });
  }

  /** Up to the first bad line where that stops. */
  #read(records: readonly FileRecord[]): {
    readonly messages: readonly (readonly [FileRecord, InboundMessage])[];
    readonly bad: readonly Bad[];
    readonly columns: readonly string[] | undefined;
  } {
    const { format, stopsAtBad, what } = this.#options;
    const messages: (readonly [FileRecord, InboundMessage])[] = [];
    const bad: Bad[] = [];
    let { columns } = this.#position!;
    for (const record of records) {
      try {
        const text = this.#textOf(record);
        if (text.trim() === "") continue;
        if (format === "csv" && columns === undefined) columns = columnsOf(text, what);
        else {
          const message = this.#messageOf(record, text, columns);
          if (message !== undefined) messages.push([record, message]);
        }
      } catch (error) {
        bad.push({ record, error: asLineError(error) });
        if (stopsAtBad) break;
      }
    }
    return { messages, bad, columns };
  }

  #textOf(record: FileRecord): string {
    if (!record.tooLong) return textOf(record);
    throw new MillraceError(
      "TOO_LARGE",
      `it has more than ${this.#options.lineBytesMax} bytes; raise lineBytesMax, or close the quote that is open`,
    );
  }

  #messageOf(
    { line }: FileRecord,
    text: string,
    columns: readonly string[] | undefined,
  ): InboundMessage | undefined {
    const { reader, idOf, environment } = this.#options;
    const { identity, epoch } = this.#position!;
    const read = { text, line, id: idOf(identity, epoch, line), nowMs: environment.clock.now() };
    return columns === undefined ? reader.readJson(read) : reader.readCsv(read, columns);
  }

  /** Returns the lines that were refused. Throws what has nothing to do with a line. */
  async #publish(
    messages: readonly (readonly [FileRecord, InboundMessage])[],
  ): Promise<readonly Bad[]> {
    if (messages.length === 0) return [];
    const outcomes = await this.#options.publish(messages.map(([, message]) => message));
    return outcomes.flatMap((outcome, index) => {
      if (outcome.ok) return [];
      if (!OF_THE_LINE.has(outcome.error.code)) throw outcome.error;
      return [{ record: messages[index]![0], error: outcome.error }];
    });
  }

  /** Everything up to this record is durable, or rejected. */
  async #note(
    file: OpenFile,
    {
      last: { end, nextLine },
      bad,
      columns,
    }: {
      readonly last: FileRecord;
      readonly bad: readonly Bad[];
      readonly columns: readonly string[] | undefined;
    },
  ): Promise<void> {
    const { disk, path, positionPath, environment, what } = this.#options;
    const position = this.#position!;
    const rejects = Buffer.from(bad.map((each) => rejectedLine(each)).join(""));
    if (rejects.length > 0) {
      await writeFrom(disk, `${path}.rejected`, position.rejectsBytes, rejects);
      const { record, error } = bad[0]!;
      environment.log.warn(
        { source: what, count: bad.length, line: record.line, error: error.message },
        "lines were rejected",
      );
    }
    this.#position = {
      ...position,
      offset: end,
      line: nextLine,
      fingerprint: await fingerprintAt(file, end),
      ...(columns !== undefined && { columns }),
      rejected: position.rejected + bad.length,
      rejectsBytes: position.rejectsBytes + rejects.length,
    };
    await writePosition(disk, positionPath, this.#position);
  }

  #stopped({ record, error }: Bad): MillraceError {
    const { what, path } = this.#options;
    const { line } = record;
    return new MillraceError(
      error.code,
      `${what} stops at line ${line} of ${path}: ${error.message}; correct the line and start again, or set onBadLine to "skip"`,
      { cause: error, details: { ...error.details, path, line } },
    );
  }
}

/** What tells that the file is not the one, or not as it was, when the position was kept. */
async function changeOf(known: SourcePosition, file: OpenFile): Promise<string | undefined> {
  if (known.identity !== file.identity) return "another file has its path";
  if ((await file.size()) < known.offset) return "it was cut";
  if ((await fingerprintAt(file, known.offset)) !== known.fingerprint) return "it was written anew";
  return undefined;
}

function textOf({ bytes, line }: FileRecord): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return line === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  } catch (cause) {
    throw new MillraceError("BAD_MESSAGE", "it is not UTF-8", { cause });
  }
}

/** Throws BAD_MESSAGE: without a header no line can be read. */
function columnsOf(text: string, what: string): readonly string[] {
  const columns = parseCsvRecord(text);
  const wrong = columns.find((name, at) => name === "" || columns.indexOf(name) !== at);
  if (wrong === undefined) return columns;
  const why =
    wrong === "" ? "a column without a name" : `the column ${JSON.stringify(wrong)} twice`;
  throw new HeaderError(`${what}: the header has ${why}; give each column its own name`);
}

class HeaderError extends MillraceError {
  constructor(text: string) {
    super("BAD_MESSAGE", text);
  }
}

/** Whatever a map throws is the line's fault; a header that is wrong is every line's. */
function asLineError(error: unknown): MillraceError {
  if (error instanceof HeaderError) throw error;
  if (isMillraceError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new MillraceError("BAD_MESSAGE", text, { cause: error });
}

function rejectedLine({ record, error }: Bad): string {
  const text = new TextDecoder().decode(record.bytes).slice(0, REJECTED_TEXT_MAX);
  const { code, message } = error;
  return `${JSON.stringify({ line: record.line, code, message, text })}\n`;
}
