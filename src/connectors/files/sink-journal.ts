/**
 * What a file sink knows of its file, on the disk beside it: how far the file counts, and the ids of
 * the messages that are in it.
 *
 * The file is written and synced first, then one line of the journal, then the position of the part
 * moves. So what stands in the file behind the journal's last `end` was never counted and is cut off,
 * and a message that comes again because its position had not moved is known by its id. A line of the
 * journal that is torn was never counted either.
 *
 *     {"format":1,"file":3,"end":0,"ids":["…"]}     the head: the number of the file, from 1
 *     {"end":512,"ids":["…","…"]}                   one line for each append
 *
 * The journal is written anew, as a whole, when a file is full and the next one begins, and when it
 * has more than twice the ids that are kept.
 */

import type { FileDisk } from "./disk/file-disk.ts";
import { readWhole, replaceWhole, writeFrom } from "./disk/whole-file.ts";

interface Entry {
  readonly end: number;
  readonly ids: readonly string[];
}

/** Far more than can be between a written line and a moved position. */
export const IDS_KEPT = 100_000;

export class SinkJournal {
  readonly #disk: FileDisk;
  readonly #path: string;
  /** Oldest first. */
  readonly #ids: Set<string>;
  #file: number;
  #end: number;
  #bytes: number;
  /** Ids in the journal's own file. */
  #written: number;

  private constructor(
    disk: FileDisk,
    path: string,
    state: {
      readonly ids: Set<string>;
      readonly file: number;
      readonly end: number;
      readonly bytes: number;
    },
  ) {
    this.#disk = disk;
    this.#path = path;
    this.#ids = state.ids;
    this.#written = state.ids.size;
    this.#file = state.file;
    this.#end = state.end;
    this.#bytes = state.bytes;
  }

  /** Undefined where there is none, or its head was never finished. */
  static async open(disk: FileDisk, path: string): Promise<SinkJournal | undefined> {
    const content = await readWhole(disk, path);
    if (content === undefined) return undefined;
    const ids = new Set<string>();
    let file: number | undefined;
    let end = 0;
    let bytes = 0;
    for (const line of Buffer.from(content).toString("utf8").split("\n").slice(0, -1)) {
      const entry = parseEntry(line);
      if (entry === undefined) break;
      file ??= entry.file;
      if (file === undefined) break;
      for (const id of entry.ids) ids.add(id);
      end = entry.end;
      bytes += Buffer.byteLength(line) + 1;
    }
    return file === undefined ? undefined : new SinkJournal(disk, path, { ids, file, end, bytes });
  }

  /** The first one, or the one after a file that is full. */
  static async begin(
    disk: FileDisk,
    path: string,
    head: { readonly file: number; readonly end: number; readonly ids?: ReadonlySet<string> },
  ): Promise<SinkJournal> {
    const ids = new Set([...(head.ids ?? [])].slice(-IDS_KEPT));
    const { file, end } = head;
    const text = Buffer.from(`${JSON.stringify({ format: 1, file, end, ids: [...ids] })}\n`);
    await replaceWhole(disk, path, text);
    return new SinkJournal(disk, path, { ids, file, end, bytes: text.length });
  }

  get file(): number {
    return this.#file;
  }

  /** How much of the file counts, in bytes. */
  get end(): number {
    return this.#end;
  }

  get ids(): ReadonlySet<string> {
    return this.#ids;
  }

  async note(entry: Entry): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    await writeFrom(this.#disk, this.#path, this.#bytes, line);
    this.#bytes += line.length;
    this.#end = entry.end;
    this.#written += entry.ids.length;
    for (const id of entry.ids) this.#ids.add(id);
    for (const id of this.#ids) {
      if (this.#ids.size <= IDS_KEPT) break;
      this.#ids.delete(id);
    }
  }

  /** Whether it should be written anew. */
  get long(): boolean {
    return this.#written > 2 * IDS_KEPT;
  }
}

function parseEntry(line: string): (Entry & { readonly file?: number }) | undefined {
  try {
    const entry: Entry & { readonly file?: number } = JSON.parse(line);
    return Number.isSafeInteger(entry.end) && Array.isArray(entry.ids) ? entry : undefined;
  } catch {
    return undefined;
  }
}
