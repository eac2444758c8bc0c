/** Streams in memory: partitions are arrays, positions are a map. Nothing survives the process. */

import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import type { RawMessage } from "../model/message.ts";
import type { Clock } from "../model/clock.ts";
import type { Compaction, Retention, StreamSpec } from "../broker/streams.ts";
import { ownedMessage } from "../broker/in-process/owned-message.ts";
import type {
  LoggedRecord,
  LogSettings,
  ReadRecords,
  RecordLog,
} from "../broker/in-process/stream/record-log.ts";
import type {
  StoredPosition,
  StoredStream,
  StreamStorage,
} from "../broker/in-process/stream/stream-storage.ts";

const DONE = Promise.resolve();

/**
 * What a record costs on disk beside its contents, about; so that retention by size means the same.
 */
const RECORD_BYTES = 32;

/** How long a deletion can be read, unless said. */
const TOMBSTONE_MS = 24 * 60 * 60 * 1000;

/**
 * A partition: an array of records that begins at `earliest`. Retention is exact here: single
 * records go, where a log on disk drops whole segments.
 */
export class MemoryLog implements RecordLog {
  readonly stopped = undefined;
  readonly #clock: Clock;
  /** Ascending; compaction leaves gaps. */
  #records: LoggedRecord[] = [];
  #earliest = 0;
  #end = 0;
  #bytes = 0;
  #lastMs = 0;
  #retention: Retention;
  #compaction: Compaction | undefined;
  /** Since when there may be something for compaction to do. */
  #uncleanMs = Infinity;
  /** When a deletion was first cleaned. */
  #cleanedMs = new WeakMap<LoggedRecord, number>();
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, { retention = {}, compaction }: StreamSpec) {
    this.#clock = clock;
    this.#retention = retention;
    this.#compaction = compaction;
  }

  get earliest(): number {
    return this.#earliest;
  }

  get end(): number {
    return this.#end;
  }

  get visibleEnd(): number {
    return this.end;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(records: readonly RawMessage[]): { firstOffset: number; durable: Promise<void> } {
    const firstOffset = this.end;
    this.#lastMs = Math.max(this.#lastMs, this.#clock.now());
    for (const message of records) {
      const record = { ...ownedMessage(message), offset: this.#end++, appendedMs: this.#lastMs };
      this.#records.push(record);
      this.#bytes += sizeOf(record);
    }
    this.#uncleanMs = Math.min(this.#uncleanMs, this.#lastMs);
    for (const resume of this.#waiting.splice(0)) resume();
    return { firstOffset, durable: DONE };
  }

  async read(offset: number, limits: { readonly count: number }): Promise<ReadRecords> {
    if (offset < this.#earliest || offset > this.end) {
      throw new MillraceError(
        "OFFSET_OUT_OF_RANGE",
        `offset ${offset} is outside ${this.#earliest} to ${this.end}`,
      );
    }
    const from = this.#firstWhere((record) => record.offset >= offset);
    const records = this.#records.slice(from, from + limits.count);
    const behind = this.#records[from + limits.count];
    return { records, next: behind?.offset ?? this.#end };
  }

  waitFor(offset: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.end > offset) return resolve();
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== resume);
        reject(signal.reason);
      };
      const resume = (): void => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(resume);
    });
  }

  async offsetAt(timeMs: number): Promise<number> {
    const found = this.#records[this.#firstWhere((record) => record.appendedMs >= timeMs)];
    return found?.offset ?? this.#end;
  }

  configure({ retention, compaction }: LogSettings): void {
    this.#retention = retention;
    this.#compaction = compaction;
    this.#uncleanMs = this.#records[0]?.appendedMs ?? Infinity;
  }

  get retentionDueMs(): number {
    const { ageMs = Infinity, bytes = Infinity, count = Infinity } = this.#retention;
    const [oldest] = this.#records;
    if (oldest === undefined) return Infinity;
    if (this.#bytes > bytes || this.#records.length > count) return 0;
    const { minLagMs = 0 } = this.#compaction ?? {};
    const compactedMs = this.#compaction === undefined ? Infinity : this.#uncleanMs + minLagMs;
    return Math.min(oldest.appendedMs + ageMs + 1, compactedMs);
  }

  async enforceRetention(nowMs: number): Promise<number> {
    const { ageMs = Infinity, bytes = Infinity, count = Infinity } = this.#retention;
    let gone = 0;
    for (const record of this.#records) {
      const kept = this.#records.length - gone;
      if (nowMs - record.appendedMs <= ageMs && this.#bytes <= bytes && kept <= count) break;
      this.#bytes -= sizeOf(record);
      gone++;
    }
    if (gone > 0) {
      this.#records = this.#records.slice(gone);
      this.#earliest = this.#records[0]?.offset ?? this.#end;
    }
    if (this.#compaction !== undefined) this.#compact(this.#compaction, nowMs);
    return this.#earliest;
  }

  #compact({ minLagMs = 0, tombstoneMs = TOMBSTONE_MS }: Compaction, nowMs: number): void {
    const newest = new Map(this.#records.map((record) => [nameOf(record), record.offset]));
    this.#uncleanMs = Infinity;
    this.#records = this.#records.filter((record) => {
      const { appendedMs, offset, value } = record;
      const isReplaced = newest.get(nameOf(record))! > offset;
      if (!isReplaced && value !== null) return true;
      const cleanedMs = this.#cleanedMs.get(record) ?? nowMs;
      const goesMs = Math.max(appendedMs + minLagMs, isReplaced ? 0 : cleanedMs + tombstoneMs);
      if (goesMs > nowMs) {
        this.#cleanedMs.set(record, cleanedMs);
        this.#uncleanMs = Math.min(this.#uncleanMs, goesMs - minLagMs);
        return true;
      }
      this.#bytes -= sizeOf(record);
      return false;
    });
  }

  #firstWhere(holds: (record: LoggedRecord) => boolean): number {
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.#records[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  async close(): Promise<void> {}
}

/** Of a key; bytes and a text are never the same here. Records without a key share one. */
function nameOf({ key }: RawMessage): string {
  return key === null || typeof key === "string" ? `text ${key ?? ""}` : `bytes ${key.join()}`;
}

function sizeOf({ key, headers, value }: RawMessage): number {
  let bytes = RECORD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, content] of headers) bytes += name.length + content.length;
  return bytes;
}

export function createMemoryStreamStorage({ clock, ids }: Environment): StreamStorage {
  const groups = new Map<string, Map<string, StoredPosition>>();
  const place = (stream: string, partition: number): string => `${stream}/${partition}`;
  let epoch = 0;
  return {
    cluster: ids.newId(),
    found: [],
    async createStream(spec: StreamSpec): Promise<StoredStream> {
      const logs = Array.from({ length: spec.partitions }, () => new MemoryLog(clock, spec));
      return { spec, incarnation: ids.newId(), logs };
    },
    async saveSpec() {},
    async growStream({ incarnation, logs }, spec) {
      const added = Array.from(
        { length: spec.partitions - logs.length },
        () => new MemoryLog(clock, spec),
      );
      return { spec, incarnation, logs: [...logs, ...added] };
    },
    async removeStream({ spec }) {
      for (const positions of groups.values()) {
        for (const [key, { stream }] of positions) if (stream === spec.name) positions.delete(key);
      }
    },
    groups: () => [...groups.keys()],
    positions: (group) => [...(groups.get(group)?.values() ?? [])],
    position: (group, stream, partition) =>
      groups.get(group)?.get(place(stream, partition))?.offset,
    async savePosition(group, position) {
      let positions = groups.get(group);
      if (positions === undefined) {
        positions = new Map();
        groups.set(group, positions);
      }
      positions.set(place(position.stream, position.partition), position);
    },
    nextEpoch: () => ++epoch,
  };
}
