/**
 * Appends lines to a file, each message's once; see `sink-journal.ts` for how it knows.
 *
 * Appends that come while one is under way gather and go together: one write and two syncs for all.
 * Whatever fails leaves the appender **closed**: what is on the disk is not known, and the next append
 * opens it anew from the journal. Files are open only while they are written.
 */

import { extname } from "node:path";
import type { FileDisk } from "./disk/file-disk.ts";
import { writeFrom } from "./disk/whole-file.ts";
import { SinkJournal } from "./sink-journal.ts";

export interface FileAppenderOptions {
  readonly disk: FileDisk;
  readonly path: string;
  /** The first line of every file; empty where there is none. */
  readonly head: string;
  /** A file that has reached it is closed, and another one begins. */
  readonly rollBytes: number;
}

export interface AppendedLine {
  readonly id: string;
  /** With its line end. */
  readonly text: string;
}

interface Waiting {
  readonly lines: readonly AppendedLine[];
  readonly done: PromiseWithResolvers<void>;
}

export class FileAppender {
  readonly #options: FileAppenderOptions;
  #journal: SinkJournal | undefined;
  #waiting: Waiting[] = [];
  #working = false;

  constructor(options: FileAppenderOptions) {
    this.#options = options;
  }

  /** Resolves when the lines are on the disk, or were before. Throws the system's error. */
  append(lines: readonly AppendedLine[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ lines, done });
    if (!this.#working) void this.#work();
    return done.promise;
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0);
      try {
        await this.#write(group.flatMap(({ lines }) => lines));
        for (const { done } of group) done.resolve();
      } catch (error) {
        this.#journal = undefined;
        for (const { done } of group) done.reject(error);
      }
    }
    this.#working = false;
  }

  async #write(lines: readonly AppendedLine[]): Promise<void> {
    const { disk, path, head, rollBytes } = this.#options;
    const journal = (this.#journal ??= await this.#open());
    const fresh = new Map<string, string>();
    for (const { id, text } of lines) if (!journal.ids.has(id)) fresh.set(id, text);
    if (fresh.size === 0) return;
    const start = journal.end === 0 ? head : "";
    const bytes = Buffer.from(start + [...fresh.values()].join(""));
    await writeFrom(disk, path, journal.end, bytes);
    const end = journal.end + bytes.length;
    await journal.note({ end, ids: [...fresh.keys()] });
    if (end >= rollBytes) this.#journal = await this.#roll(journal);
    else if (journal.long) {
      const { file, ids } = journal;
      this.#journal = await SinkJournal.begin(disk, this.#journalPath, { file, end, ids });
    }
  }

  /** The full file gets its number in one step; then the journal begins the next one. */
  async #roll(journal: SinkJournal): Promise<SinkJournal> {
    const { disk, path } = this.#options;
    await disk.rename(path, this.#fullPath(journal.file));
    return this.#beginNext(journal);
  }

  #beginNext({ file, ids }: SinkJournal): Promise<SinkJournal> {
    const { disk } = this.#options;
    return SinkJournal.begin(disk, this.#journalPath, { file: file + 1, end: 0, ids });
  }

  async #open(): Promise<SinkJournal> {
    const { disk } = this.#options;
    const journal = await SinkJournal.open(disk, this.#journalPath);
    if (journal === undefined) return this.#beginFirst();
    // The crash came between the two steps of a roll.
    const full = await disk.identify(this.#fullPath(journal.file));
    if (full !== undefined) return this.#beginNext(journal);
    const size = await this.#sizeOf();
    if (size >= journal.end) return journal;
    // Somebody cut it. What was in it is gone, and must not become a gap of zero bytes.
    const { ids } = journal;
    return SinkJournal.begin(disk, this.#journalPath, { file: journal.file, end: size, ids });
  }

  async #sizeOf(): Promise<number> {
    const file = await this.#options.disk.openToRead(this.#options.path);
    if (file === undefined) return 0;
    try {
      return await file.size();
    } finally {
      await file.close();
    }
  }

  /** What stands in the file already is kept, and a line that was not finished is ended. */
  async #beginFirst(): Promise<SinkJournal> {
    const { disk, path } = this.#options;
    let number = 1;
    while ((await disk.identify(this.#fullPath(number))) !== undefined) number++;
    const file = await disk.openToRead(path);
    let end = 0;
    if (file !== undefined) {
      end = await file.size();
      const [last] = end === 0 ? [] : await file.read(end - 1, 1);
      await file.close();
      if (last !== undefined && last !== LINE_FEED) {
        await writeFrom(disk, path, end, Buffer.from("\n"));
        end++;
      }
    }
    return SinkJournal.begin(disk, this.#journalPath, { file: number, end });
  }

  get #journalPath(): string {
    return `${this.#options.path}.journal`;
  }

  /** `sales.ndjson` becomes `sales.000001.ndjson`. */
  #fullPath(number: number): string {
    const { path } = this.#options;
    const extension = extname(path);
    const stem = extension === "" ? path : path.slice(0, -extension.length);
    return `${stem}.${String(number).padStart(6, "0")}${extension}`;
  }
}

const LINE_FEED = 0x0a;
