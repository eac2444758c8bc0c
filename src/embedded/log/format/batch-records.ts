/**
 * The records of one intact batch, for readers of this process; read in parts where there are many.
 *
 * A batch that cannot be read must stop nobody: in its place stands one record at the batch's base
 * offset, without a key, whose only header says why and whose value is the batch as it came, cut to the
 * size that a message may have. So it fails at each consumer as a message does, and is parked there.
 */

import { UNREADABLE_HEADER } from "../../../broker/unreadable-record.ts";
import { LIMITS } from "../../../model/limits.ts";
import type { LogRecord, ReadRecords } from "../partition-log.ts";
import type { BatchHeader } from "./batch-decoder.ts";
import { CONTROL, LOG_APPEND_TIME } from "./batch-layout.ts";
import {
  contradictory,
  nextOffset,
  openContents,
  UnreadableBatch,
  walkRecords,
  type BatchContents,
} from "./batch-contents.ts";
import { isCompressed, openApart, openLight } from "../unpacking/unpack-apart.ts";
import { RecordCursor, type KnownHeader } from "./record-cursor.ts";

/** The last millisecond that a `Date` knows. */
const TIME_MS_MAX = 8.64e15;

export class BatchRecords {
  readonly header: BatchHeader;
  readonly #batch: Buffer;
  #contents: BatchContents | undefined;
  /** Nobody can open it. */
  #failure: UnreadableBatch | undefined;
  #unpacking: Promise<void> | undefined;
  /** Every length was looked at: no later part can turn out malformed. */
  #walked = false;
  /** Where the next record begins, how many came before it, and the offset of the last of them. */
  #at = 0;
  #index = 0;
  #lastOffset = -1;

  /** The batch begins at `at`. Values are views of the bytes, not copies. */
  constructor(bytes: Buffer, at: number, header: BatchHeader) {
    this.header = header;
    this.#batch = bytes.subarray(at, at + header.bytes);
  }

  /** Compressed, and not unpacked yet: `unpack` first, for a read would do it at once, however long it takes. */
  get packed(): boolean {
    return this.#contents === undefined && this.#failure === undefined && isCompressed(this.header);
  }

  /** Never rejects for what the batch is: reads tell. */
  unpack(): Promise<void> {
    this.#unpacking ??= this.#unpack();
    return this.#unpacking;
  }

  async #unpack(): Promise<void> {
    try {
      const light = openLight(this.#batch, this.header);
      this.#contents = light ?? (await openApart(this.#batch, this.header));
      this.#walked = light === undefined;
    } catch (error) {
      if (!(error instanceof UnreadableBatch)) throw error;
      this.#failure = error;
    }
  }

  /** Records from `from` on, `countMax` at most, and where to go on: here or behind the batch. */
  read(from: number, countMax: number): ReadRecords {
    const { header } = this;
    if (header.attributes & CONTROL || header.count === 0) {
      return { records: [], next: header.nextOffset };
    }
    try {
      return this.#read(from, countMax);
    } catch (error) {
      if (!(error instanceof UnreadableBatch)) throw error;
      const records = from > header.baseOffset ? [] : [substitute(error, this.#batch, header)];
      return { records, next: header.nextOffset };
    }
  }

  #read(from: number, countMax: number): ReadRecords {
    const { header } = this;
    if (this.#failure !== undefined) throw this.#failure;
    this.#contents ??= openContents(this.#batch, 0, header);
    const contents = this.#contents;
    const inParts = header.count > countMax || from > header.baseOffset;
    if (inParts && !this.#walked) {
      walkRecords(contents, header, () => undefined);
      this.#walked = true;
    }
    if (this.#index === 0 || from <= this.#lastOffset) {
      this.#at = contents.start;
      this.#index = 0;
      this.#lastOffset = header.baseOffset - 1;
    }
    const records: LogRecord[] = [];
    const { buffer, end } = contents;
    const cursor = new RecordCursor(buffer, this.#at, end);
    const oneTime = (header.attributes & LOG_APPEND_TIME) !== 0;
    const known: KnownHeader[] = [];
    let index = this.#index;
    let offset = this.#lastOffset;
    for (; index < header.count && records.length < countMax; index++) {
      const length = cursor.varint();
      const recordEnd = cursor.at + length;
      if (length <= 0 || recordEnd > end) throw contradictory();
      cursor.at++;
      const elapsedMs = cursor.varlong();
      offset = nextOffset(header, offset, cursor.varint());
      if (offset >= from) {
        const key = cursor.text();
        const value = cursor.bytes();
        const headers = cursor.headers(known);
        if (cursor.at !== recordEnd || headers === undefined) throw contradictory();
        const appendedMs = believable(oneTime ? header.newestMs : header.baseMs + elapsedMs);
        records.push({ offset, appendedMs, key, headers, value });
      }
      cursor.at = recordEnd;
    }
    if (index === header.count && cursor.at !== end) throw contradictory();
    this.#at = cursor.at;
    this.#index = index;
    this.#lastOffset = offset;
    return { records, next: index === header.count ? header.nextOffset : offset + 1 };
  }
}

/** The time that a stranger wrote, where it is one: a `Date` can be made of it. */
function believable(timeMs: number): number {
  return Math.min(Math.max(0, timeMs), TIME_MS_MAX);
}

function substitute({ message }: UnreadableBatch, batch: Buffer, header: BatchHeader): LogRecord {
  const bytesMax = LIMITS.messageBytesMax - UNREADABLE_HEADER.length - message.length;
  return {
    offset: header.baseOffset,
    appendedMs: believable(header.newestMs),
    key: null,
    headers: [[UNREADABLE_HEADER, message]],
    value: batch.subarray(0, bytesMax),
  };
}
