/**
 * The commit journal: groups that several partitions have gathered become durable together, by one
 * synced write into a file of zeros, instead of a sync and a boundary for each.
 *
 * The way of a group. Its partition tells of it (`begin`), asks whether it should go this way
 * (`admits`), writes it to its segment without a sync, and hands it over (`commit`). What was handed
 * over while the entry before was on its way becomes the next entry: batches of many partitions, one
 * write. When that has returned they are durable, though their segments may lack them. A partition hands
 * its next group over only then, so within a partition nothing is written before what precedes it is
 * durable, whichever way it went. Groups of one partition alone do not come here: they gain nothing. Nor
 * do large ones: their bytes are written twice, which costs more than the syncs that are saved.
 *
 * The journal is in one of these modes:
 * - `absent`: no file. The first groups of several partitions go the direct way; when there were a few,
 *   and the disk has room, a file is made.
 * - `making`: beside the work, which goes on directly.
 * - `open`: entries are written. When a half is full, the segments it covers are synced and their
 *   boundaries written beside the work in the other half; then it is free. Where the other half is not
 *   free yet the next entry waits for it; where it cannot become so, since a partition has stopped, all
 *   go the direct way again, and the journal keeps what it holds for the next start.
 * - `failed`: a write of an entry failed. The partitions in it stop, for nobody knows what is on the
 *   disk; all others go the direct way. For good.
 * - `closed`.
 *
 * A full disk refuses the groups of an entry, having erased what may be there of it. A journal that
 * could not be made is no failure: it is tried again later.
 */

import { relative, sep } from "node:path";
import { assert } from "../../../model/assert.ts";
import type { Clock } from "../../../model/clock.ts";
import type { Log } from "../../../model/environment.ts";
import type { IdSource } from "../../../model/ids.ts";
import type { FreeSpace } from "../commit/free-space.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { isDiskFull } from "../disks/error-code.ts";
import {
  ALIGNED_BYTES,
  encodeTable,
  idBytes,
  tableBytes,
  type JournalPart,
} from "./journal-entry.ts";
import { journalBytes, makeJournalFile, removeJournalFile } from "./journal-file.ts";
import { JournalHalves, type HalfNumber, type JournalPlace } from "./journal-halves.ts";

export interface JournalSettings {
  readonly halfBytes: number;
  /** Larger groups go directly. */
  readonly groupBytesMax: number;
  /** The file is made when so many groups found that they were not alone. */
  readonly makeAfter: number;
}

export const JOURNAL_SETTINGS: JournalSettings = {
  halfBytes: 16 * 1024 * 1024,
  groupBytesMax: 1024 * 1024,
  makeAfter: 16,
};

/** A partition goes the direct way after so many groups that found it alone. */
const ALONE_MAX = 8;
/** After a disk had no room for it. */
const MAKE_AGAIN_MS = 60_000;
/** Segments that are synced at one time while a half is freed; the gate lets no more through. */
const FREED_TOGETHER = 2;

/** Whoever handed groups over, and can bring them to their segment. */
export interface JournalClient {
  readonly directory: string;
  /**
   * Syncs the segment and writes its boundary, beside other work; false where that cannot be done, and
   * the journal has to keep what it holds of it.
   */
  bringHome(): Promise<boolean>;
}

export interface HandedOver extends Omit<JournalPart, "path"> {
  readonly batches: readonly Uint8Array[];
}

interface Waiting {
  readonly client: JournalClient;
  readonly part: JournalPart;
  readonly batches: readonly Uint8Array[];
  readonly resolve: (durable: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export interface JournalOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: IdSource;
  readonly freeSpace: FreeSpace;
  /** The data directory. */
  readonly directory: string;
  readonly settings: JournalSettings;
}

export class CommitJournal {
  readonly #options: JournalOptions;
  readonly #settings: JournalSettings;
  #mode: "absent" | "making" | "open" | "failed" | "closed" = "absent";
  #file: DiskFile | undefined;
  #id: Buffer = Buffer.alloc(0);
  #halves: JournalHalves;
  /** Whose groups stand in each half. */
  readonly #clients = [new Set<JournalClient>(), new Set<JournalClient>()] as const;
  readonly #paths = new WeakMap<JournalClient, string>();
  /** Groups on their way to the disk, whichever way. */
  #dirty = 0;
  /** Groups in a row that found their partition alone. */
  #alone = Infinity;
  #met = 0;
  #makeFromMs = -Infinity;
  readonly #stopMaking = new AbortController();
  #making: Promise<void> = Promise.resolve();
  /** Admitted, and still on their way to their segment. */
  #announced = 0;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #freeing: Promise<void> = Promise.resolve();

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#halves = new JournalHalves(options.settings.halfBytes);
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#file === undefined ? 0 : journalBytes(this.#settings.halfBytes);
  }

  /** A partition has a group for the disk; `end` when that is over. */
  begin(): void {
    this.#dirty++;
  }

  end(): void {
    this.#dirty--;
  }

  /**
   * Whether the group goes this way. Then it is written to its segment, and either handed over or, where
   * that failed, taken back by `withdraw`.
   */
  admits(bytes: number): boolean {
    if (this.#dirty > 1) this.#alone = 0;
    else this.#alone++;
    if (this.#alone > ALONE_MAX || bytes > this.#settings.groupBytesMax) return false;
    if (this.#mode === "absent") this.#makeWhenMet();
    if (this.#mode !== "open") return false;
    this.#announced++;
    return true;
  }

  withdraw(): void {
    this.#announced--;
    this.#wake();
  }

  /**
   * Resolves with true when the group is durable, with false where it has to go the direct way after
   * all. Rejects where the disk is full, and nothing of the group is in the journal; and where it
   * failed, and nobody knows.
   */
  commit(client: JournalClient, { batches, ...group }: HandedOver): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#announced--;
    const part = { ...group, path: this.#pathOf(client) };
    this.#waiting.push({ client, part, batches, resolve, reject });
    this.#wake();
    return promise;
  }

  /** When all partitions are closed. Removes the file, unless a segment still lacks what it holds. */
  async close(): Promise<void> {
    const wasMaking = this.#mode === "making";
    this.#mode = "closed";
    this.#stopMaking.abort();
    if (wasMaking) await this.#making;
    await this.#writing;
    await this.#freeing;
    const { disk, directory, log } = this.#options;
    if (this.#file === undefined) return;
    const home = await Promise.all([this.#bringHome(0), this.#bringHome(1)]);
    try {
      await this.#file.close();
      if (home.every(Boolean)) await removeJournalFile(disk, directory);
    } catch (error) {
      const facts = { directory, error: String(error) };
      log.warn(facts, "the commit journal could not be removed; the next start does it");
    }
    if (!home.every(Boolean)) {
      log.warn(
        { directory },
        "the commit journal is kept: the next start reads from it what segments lack",
      );
    }
  }

  /** As entries name it. */
  #pathOf(client: JournalClient): string {
    let path = this.#paths.get(client);
    if (path === undefined) {
      path = relative(this.#options.directory, client.directory).split(sep).join("/");
      this.#paths.set(client, path);
    }
    return path;
  }

  #makeWhenMet(): void {
    if (this.#alone > 0 || ++this.#met < this.#settings.makeAfter) return;
    if (this.#options.clock.monotonic() < this.#makeFromMs) return;
    this.#mode = "making";
    this.#making = this.#make();
  }

  async #make(): Promise<void> {
    const { disk, directory, ids, freeSpace, log, clock } = this.#options;
    const { halfBytes } = this.#settings;
    const bytes = journalBytes(halfBytes);
    try {
      const free = await disk.freeBytes(directory);
      // As much again stays free, so that making it is not what fills the disk.
      const hasRoom = free - 2 * bytes >= freeSpace.freeBytesMin;
      this.#id = idBytes(ids.newId());
      if (hasRoom) {
        const signal = this.#stopMaking.signal;
        this.#file = await makeJournalFile(disk, directory, { id: this.#id, halfBytes, signal });
      }
      if (this.#file !== undefined) freeSpace.spend(bytes);
    } catch (error) {
      const facts = { directory, error: String(error) };
      log.warn(facts, "no commit journal could be made; every partition is synced by itself");
    }
    this.#makeFromMs = clock.monotonic() + MAKE_AGAIN_MS;
    if (this.#mode === "making") this.#mode = this.#file === undefined ? "absent" : "open";
  }

  #wake(): void {
    if (this.#writing !== undefined || this.#announced > 0 || this.#waiting.length === 0) return;
    this.#writing = this.#writeEntries().finally(() => {
      this.#writing = undefined;
      this.#wake();
    });
  }

  /**
   * Waits for no partition whose group is on its way to its segment for ever: each has one at a time,
   * and gets to the next only when this one is durable.
   */
  async #writeEntries(): Promise<void> {
    while (this.#waiting.length > 0 && this.#announced === 0) {
      const { taken, bytes } = this.#take();
      try {
        if (this.#mode !== "open" || !(await this.#hasPlace(bytes))) {
          for (const { resolve } of taken) resolve(false);
          continue;
        }
        await this.#writeEntry(taken, bytes);
        for (const { resolve } of taken) resolve(true);
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
  }

  /** As many as one entry can hold. */
  #take(): { readonly taken: readonly Waiting[]; readonly bytes: number } {
    let bytes = tableBytes(0, 0);
    let count = 0;
    for (const { part } of this.#waiting) {
      const more = part.bytes + tableBytes(1, Buffer.byteLength(part.path)) - tableBytes(0, 0);
      if (count > 0 && bytes + more > this.#halves.entryBytesMax) break;
      bytes += more;
      count++;
    }
    return { taken: this.#waiting.splice(0, count), bytes };
  }

  /** Makes room in the filling half, by changing it where the other one is free, or gets free now. */
  async #hasPlace(bytes: number): Promise<boolean> {
    const halves = this.#halves;
    if (halves.fits(bytes)) return true;
    if (bytes > halves.entryBytesMax) return false;
    await this.#freeing;
    // What could not be brought home the last time is tried again by whoever needs the place.
    if (!halves.isFree(halves.other)) await this.#free(halves.other);
    if (!halves.isFree(halves.other)) return false;
    const note = halves.noteBeforeSwitch();
    if (note !== undefined) await this.#write(note, { parts: [], batches: [] });
    const full = halves.filling;
    halves.switch();
    this.#freeing = this.#free(full);
    return true;
  }

  async #writeEntry(taken: readonly Waiting[], bytes: number): Promise<void> {
    const place = this.#halves.place();
    // Before the write: one that failed may stand there, and its partitions stop with what it holds.
    for (const { client } of taken) this.#clients[this.#halves.filling].add(client);
    const written = await this.#write(place, {
      parts: taken.map(({ part }) => part),
      batches: taken.flatMap(({ batches }) => batches),
    });
    assert(written === bytes, "an entry is as long as its place");
  }

  async #write(
    place: JournalPlace,
    {
      parts,
      batches,
    }: { readonly parts: readonly JournalPart[]; readonly batches: readonly Uint8Array[] },
  ): Promise<number> {
    const { sequence, neededFrom, position } = place;
    const table = encodeTable(this.#id, { sequence, neededFrom, parts });
    try {
      await this.#file!.writeSynced([table, ...batches], position);
    } catch (error) {
      if (isDiskFull(error)) await this.#erase(position);
      else this.#fail(error);
      throw error;
    }
    const bytes = parts.reduce((sum, part) => sum + part.bytes, table.length);
    this.#halves.written(place, bytes);
    return bytes;
  }

  /** What was refused must not come back after a power cut. */
  async #erase(position: number): Promise<void> {
    try {
      await this.#file!.writeSynced([Buffer.alloc(ALIGNED_BYTES)], position);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #fail(error: unknown): void {
    this.#mode = "failed";
    const facts = { directory: this.#options.directory, error: String(error) };
    this.#options.log.error(
      facts,
      "the commit journal failed; every partition is synced by itself",
    );
  }

  async #free(half: HalfNumber): Promise<void> {
    if (await this.#bringHome(half)) this.#halves.free(half);
  }

  /** Whether all that the half covers is in its segments then. */
  async #bringHome(half: HalfNumber): Promise<boolean> {
    const clients = this.#clients[half];
    const left = [...clients];
    const bring = async (): Promise<void> => {
      for (let client = left.pop(); client !== undefined; client = left.pop()) {
        if (await client.bringHome()) clients.delete(client);
      }
    };
    await Promise.all(Array.from({ length: FREED_TOGETHER }, bring));
    return clients.size === 0;
  }
}
