/**
 * Finds the records of a text file in its bytes, as they come: lines, or for CSV what may span lines
 * because a quoted field holds line ends. A pure state machine over single bytes: in UTF-8 the bytes
 * of quote, comma and line end stand for nothing else, so no chunk border can be a wrong one.
 *
 * A CSV field is quoted only if the quote is its first character; inside it two quotes are one. The
 * splitter needs no more than that to tell a line end that ends a record from one that belongs to a
 * field; whether the record is right is seen when it is taken apart (`csv-record.ts`).
 *
 * A record that grows over `bytesMax` is given up: it is told as too long, and ends at the next line
 * end, quoted or not. So a quote that nobody closes costs so many bytes and not the rest of the file.
 */

export interface FileRecord {
  /** Without the line end; the beginning alone where it is too long. */
  readonly bytes: Uint8Array;
  /** Where it begins, from 1. */
  readonly line: number;
  /** The offset after its line end. */
  readonly end: number;
  /** The line after it, from 1. */
  readonly nextLine: number;
  readonly tooLong: boolean;
}

export interface SplitterOptions {
  readonly format: "ndjson" | "csv";
  readonly bytesMax: number;
  /** Where in the file the next byte stands; 0 unless said. */
  readonly offset?: number;
  /** The line that it stands in; 1 unless said. */
  readonly line?: number;
}

/**
 * - `start`: before the first character of a field.
 * - `plain`: in a field without quotes; for lines everything is that.
 * - `quoted`: inside quotes.
 * - `quote`: after a quote inside quotes, which ends the field or is the first of two.
 * - `lost`: in a record that was too long, until the next line end.
 */
type State = "start" | "plain" | "quoted" | "quote" | "lost";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;

export class RecordSplitter {
  readonly #csv: boolean;
  readonly #bytesMax: number;
  #state: State = "start";
  #offset: number;
  #line: number;
  /** Bytes of the record that has begun, and the line where it did. */
  #pieces: Uint8Array[] = [];
  #length = 0;
  #firstLine: number;

  constructor({ format, bytesMax, offset = 0, line = 1 }: SplitterOptions) {
    this.#csv = format === "csv";
    this.#bytesMax = bytesMax;
    this.#offset = offset;
    this.#line = line;
    this.#firstLine = line;
  }

  /** The records that end in this chunk. The chunk must not be changed afterwards. */
  push(chunk: Uint8Array): FileRecord[] {
    const records: FileRecord[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte === LINE_FEED) {
        this.#line++;
        if (this.#state === "quoted") continue;
        if (this.#state !== "lost") this.#keep(chunk.subarray(from, at));
        records.push(this.#record(this.#offset + at + 1));
        this.#begin();
        from = at + 1;
        continue;
      }
      if (this.#csv) this.#state = next(this.#state, byte);
      if (this.#state !== "lost" && this.#length + at - from >= this.#bytesMax) {
        this.#keep(chunk.subarray(from, at));
        this.#state = "lost";
      }
    }
    if (this.#state !== "lost") this.#keep(chunk.subarray(from));
    this.#offset += chunk.length;
    return records;
  }

  /** What stands behind the last line end, where the file has no more to come. */
  finish(): FileRecord | undefined {
    if (this.#length === 0) return undefined;
    const record = this.#record(this.#offset);
    this.#begin();
    return record;
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  #record(end: number): FileRecord {
    return {
      bytes: withoutReturn(Buffer.concat(this.#pieces, this.#length)),
      line: this.#firstLine,
      end,
      nextLine: this.#line,
      tooLong: this.#state === "lost",
    };
  }

  #begin(): void {
    this.#state = "start";
    this.#pieces = [];
    this.#length = 0;
    this.#firstLine = this.#line;
  }
}

function next(state: State, byte: number): State {
  if (state === "lost") return state;
  if (state === "quoted") return byte === QUOTE ? "quote" : "quoted";
  if (byte === COMMA) return "start";
  if (byte === QUOTE) return state === "plain" ? "plain" : "quoted";
  return "plain";
}

function withoutReturn(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
}
