/**
 * Compaction of one partition's log, in the background: of each key the newest record stays.
 *
 * A round takes the oldest segments that may be compacted, as many as have keys for one table, and goes
 * over them twice: first over those that are dirty (compaction was not there yet), to find the newest
 * offset of each key; then over all from the log's beginning on, the oldest first, writing each anew
 * without what is replaced. Each is durably in its place before the next is begun: so the older records
 * of a key are gone for good before its deletion gets the horizon after which it goes, and nothing old
 * comes back, whenever the process ends. A segment that alone has more keys than fit is gone over several
 * times, each time with a part of the keys.
 *
 * Offsets never change and stay without a gap: an empty batch holds the place of batches that are gone.
 * A round that fails half-way has lost nothing; the next one begins anew.
 */

import { delay } from "../../../model/clock.ts";
import type { Compaction } from "../../../broker/streams.ts";
import { removeExisting } from "../disks/remove-existing.ts";
import type { LogEnvironment } from "../log-environment.ts";
import type { PartitionProducers } from "../producers/partition-producers.ts";
import { CONTROL } from "../format/batch-layout.ts";
import { isTransactional, type BatchHeader } from "../format/batch-decoder.ts";
import { UnreadableBatch, walkInTurns, type RecordPlace } from "../format/batch-contents.ts";
import { openAnywhere } from "../unpacking/unpack-apart.ts";
import { DamageFound } from "../segment/damage.ts";
import { noteDamage } from "../segment/note-damage.ts";
import { after, BatchWindow, type Place } from "../segment/batch-scan.ts";
import type { Segment } from "../segment/segment.ts";
import { BatchCleaner, type CleaningRules } from "./batch-cleaner.ts";
import {
  compactableCount,
  compactionDueMs,
  isDirty,
  TOMBSTONE_MS,
  type CompactionState,
} from "./compaction-plan.ts";
import { compactSegment, type CompactedFile } from "./compact-segment.ts";
import { hashKey, KeyOffsets } from "./key-offsets.ts";
import { cleanPath, swapSegment } from "./swap-segment.ts";

/** Of one table, which takes 48 to 96 bytes a key. */
const KEYS_MAX = 1_000_000;
const READ_BYTES = 64 * 1024;
/** Of a delete horizon. */
const TIME_MS_MAX = 2 ** 48 - 1;

/** What compaction needs of the log. */
export interface CompactionHost {
  readonly environment: LogEnvironment;
  readonly directory: string;
  readonly producers: PartitionProducers;
  stableEnd(): number;
  segments(): readonly Segment[];
  /** Runs the task while nothing else changes the log's files; not once the log is closed. */
  exclusively(task: () => Promise<void>): Promise<void>;
  /** The segments have the same offsets. */
  replace(segment: Segment, by: Segment): Promise<void>;
}

export interface LogCompactionOptions {
  readonly host: CompactionHost;
  readonly keysMax?: number | undefined;
}

export class LogCompaction {
  readonly #host: CompactionHost;
  readonly #keysMax: number;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor({ host, keysMax = KEYS_MAX }: LogCompactionOptions) {
    this.#host = host;
    this.#keysMax = keysMax;
  }

  dueMs(compaction: Compaction): number {
    return compactionDueMs(this.#state(compaction));
  }

  /** Works until nothing is due. Throws what the disk throws; the log is whole all the same. */
  run(compaction: Compaction, nowMs: number): Promise<void> {
    this.#running ??= this.#rounds(compaction, nowMs).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Gives up what is under way, and resolves when no file is touched any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([this.#running]);
  }

  async #rounds(compaction: Compaction, nowMs: number): Promise<void> {
    try {
      // A table that was full leaves segments for the next round, whatever their part of the log.
      for (let rest = false; rest || this.dueMs(compaction) <= nowMs;) {
        const round = await this.#round(compaction, nowMs);
        if (!round.gotOn) return;
        ({ rest } = round);
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
  }

  #state(compaction: Compaction): CompactionState {
    return { compaction, segments: this.#host.segments(), stableEnd: this.#host.stableEnd() };
  }

  /** Tells whether it got on, and whether it left dirty segments that it might have taken. */
  async #round(
    compaction: Compaction,
    nowMs: number,
  ): Promise<{ readonly gotOn: boolean; readonly rest: boolean }> {
    const state = this.#state(compaction);
    const reach = this.#host.segments().slice(0, compactableCount(state, nowMs));
    const whole = reach.filter((segment) => segment.damagedRanges.length === 0);
    const dirty = whole.filter(isDirty);
    const { taken, recordCount } = await this.#takeDirty(dirty);
    const isDamaged = (): boolean => whole.some(({ damagedRanges }) => damagedRanges.length > 0);
    // Damage was met: the next round knows of it.
    if (isDamaged()) return { gotOn: true, rest: true };
    const last = taken.at(-1);
    const cleaned = last === undefined ? whole : whole.slice(0, whole.indexOf(last) + 1);
    let changed = false;
    let parts = Math.max(1, Math.ceil(recordCount / this.#keysMax));
    for (let part = 0; part < parts;) {
      const keysMax = Math.min(this.#keysMax, recordCount);
      const keys = await this.#mapKeys(taken, { part, parts, keysMax });
      if (isDamaged()) return { gotOn: true, rest: true };
      if (keys === undefined) {
        parts *= 2;
        part = 0;
        continue;
      }
      const done = ++part === parts;
      const endsDeletions = done && whole.length === reach.length;
      const rules = this.#rules(compaction, { keys, nowMs, endsDeletions });
      const cleaner = new BatchCleaner(rules);
      for (const segment of this.#present(cleaned)) {
        const result = await this.#compact(segment, cleaner, done);
        // Older records of its keys stay in it: whatever counts on their end begins anew.
        if (result === "damaged") return { gotOn: true, rest: true };
        changed ||= result === "changed";
      }
    }
    return { gotOn: changed || taken.length > 0, rest: taken.length < dirty.length };
  }

  /** The segments with these offsets as they are now: some may have gone, others were swapped. */
  #present(wanted: readonly Segment[]): readonly Segment[] {
    const bases = new Set(wanted.map(({ baseOffset }) => baseOffset));
    return this.#host.segments().filter(({ baseOffset }) => bases.has(baseOffset));
  }

  /** The oldest dirty segments whose keys fit, at least one. */
  async #takeDirty(
    dirty: readonly Segment[],
  ): Promise<{ readonly taken: readonly Segment[]; readonly recordCount: number }> {
    const taken: Segment[] = [];
    let recordCount = 0;
    for (const segment of dirty) {
      let records = 0;
      await this.#noting(segment, () =>
        segment.scan({ verify: false, onBatch: ({ count }) => (records += count) }),
      );
      if (taken.length > 0 && recordCount + records > this.#keysMax) break;
      taken.push(segment);
      recordCount += records;
    }
    return { taken, recordCount };
  }

  /** The newest offsets of a part of the keys; undefined where they do not fit. */
  async #mapKeys(
    taken: readonly Segment[],
    { part, parts, keysMax }: Readonly<Record<"part" | "parts" | "keysMax", number>>,
  ): Promise<KeyOffsets | undefined> {
    const keys = new KeyOffsets(keysMax);
    let fits = true;
    const turn = (): Promise<void> => this.#turn();
    const take = async (header: BatchHeader, batch: Buffer): Promise<void> => {
      if (header.attributes & CONTROL || header.count === 0) return;
      if (isTransactional(header) && this.#isAborted(header)) return;
      const contents = await openAnywhere(batch, header);
      const visit = ({ keyStart, keyBytes, offset }: RecordPlace): void => {
        if (keyBytes < 0 || !fits) return;
        const key = hashKey(contents.buffer.subarray(keyStart, keyStart + keyBytes));
        if (key[3] % parts === part) fits = keys.set(key, offset);
      };
      await walkInTurns(contents, header, { visit, turn });
    };
    for (const segment of this.#present(taken)) {
      await this.#noting(segment, () => this.#eachBatch(segment, take));
      if (!fits) return undefined;
    }
    return keys;
  }

  #turn(): Promise<void> {
    return delay(this.#host.environment.clock, 0, this.#stopping.signal);
  }

  #eachBatch(
    segment: Segment,
    take: (header: BatchHeader, batch: Buffer) => Promise<void>,
  ): Promise<void> {
    return segment.hold(async (file) => {
      const window = new BatchWindow(file, segment.bytes, { chunkBytes: READ_BYTES });
      let place: Place = { position: 0, offset: segment.baseOffset };
      while (place.position < segment.bytes) {
        this.#stopping.signal.throwIfAborted();
        const found = await window.batchAt(place, true);
        if (found === undefined) throw new DamageFound(place.position, place.offset);
        const { header, chunk, at } = found;
        try {
          await take(header, chunk.subarray(at, at + header.bytes));
        } catch (error) {
          // Its keys are unknown; the batch itself stays.
          if (!(error instanceof UnreadableBatch)) throw error;
        }
        place = after(place, header);
      }
    });
  }

  #rules(
    { tombstoneMs = TOMBSTONE_MS }: Compaction,
    facts: Pick<CleaningRules, "keys" | "nowMs" | "endsDeletions">,
  ): CleaningRules {
    const { producers, environment } = this.#host;
    const known = producers.states.list(environment.clock.now());
    const lastOf = new Map(
      known.map(({ id, epoch, batches }) => [
        id,
        { epoch, lastOffset: batches.at(-1)?.lastOffset },
      ]),
    );
    return {
      ...facts,
      turn: () => this.#turn(),
      horizonMs: Math.min(facts.nowMs + tombstoneMs, TIME_MS_MAX),
      isAborted: (header) => this.#isAborted(header),
      isLastOfProducer: ({ producerId, producerEpoch, nextOffset, attributes }) => {
        const last = lastOf.get(producerId);
        if (last === undefined) return false;
        if (last.lastOffset !== undefined) return last.lastOffset === nextOffset - 1;
        return (attributes & CONTROL) !== 0 && last.epoch === producerEpoch;
      },
    };
  }

  #isAborted({ producerId, baseOffset }: BatchHeader): boolean {
    return this.#host.producers.aborted.includes({ producerId, offset: baseOffset });
  }

  async #compact(
    segment: Segment,
    cleaner: BatchCleaner,
    done: boolean,
  ): Promise<"changed" | "same" | "damaged"> {
    const { environment, directory } = this.#host;
    const { disk } = environment;
    const path = cleanPath(segment);
    let swapped = false;
    try {
      const target = await disk.open(path, { create: true });
      let file: CompactedFile | undefined;
      try {
        await target.truncate(0);
        const { signal } = this.#stopping;
        await this.#noting(segment, async () => {
          file = await compactSegment(segment, { cleaner, target, signal });
        });
        if (file === undefined) return "damaged";
        if (file.changed) await environment.syncGate.run(() => target.sync());
      } finally {
        await target.close();
      }
      const compacted = file;
      if (!compacted.changed && !done) return "same";
      await this.#host.exclusively(async () => {
        // Retention may have removed it meanwhile.
        if (!this.#host.segments().includes(segment)) return;
        await environment.open.change(async () => {
          const swap = { segment, file: compacted, done };
          const fresh = await swapSegment(environment, directory, swap);
          swapped = compacted.changed;
          if (fresh !== segment) await this.#host.replace(segment, fresh);
        });
      });
      return compacted.changed ? "changed" : "same";
    } finally {
      if (!swapped) await removeExisting(disk, path);
    }
  }

  /** Notes damage that the reading meets, so that the segment is left as it is from now on. */
  async #noting(segment: Segment, read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof DamageFound)) throw error;
      await noteDamage(this.#host.environment.log, segment, error);
    }
  }
}
