/**
 * Small durable facts of the broker by key: specs, positions, checkpoints' places.
 *
 * A log whose records are a key and its newest value (null removes it), as in a compacted Kafka
 * topic, and a map that holds what the log says. Opening replays the log. When most of the log is
 * overtaken, the whole map is appended once more and everything before it is trimmed; a crash in
 * the middle leaves both, which replay to the same map.
 *
 * `put` changes the map at once and resolves when the change is durable. All puts of one tick share
 * one append. They pass on a full disk, because acknowledgements must. What the disk refused is taken
 * back when nothing more of its key is under way: the map does not go on saying what no opening would
 * find.
 */

import { MillraceError } from "../model/errors.ts";
import type { LogEnvironment, PartitionLog } from "./log/open-log.ts";
import { openPartitionLog, throwAfter } from "./log/open-log.ts";

/** A key's newest value; undefined removes it. */
export type StateChange = readonly [key: string, value: string | undefined];

interface Pending {
  readonly changes: StateChange[];
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A key with changes under way. */
interface Unsettled {
  changes: number;
  /** What an opening would find. */
  durable: string | undefined;
}

const SEGMENT_BYTES_MAX = 4 * 1024 * 1024;
const READ = { count: 5_000, bytes: 4 * 1024 * 1024 };
/** Records beyond twice the size of the map after which it is written anew. */
const OVERTAKEN_MAX = 20_000;
const SNAPSHOT_BATCH = 2_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class KeyedLog {
  readonly #log: PartitionLog;
  readonly #environment: LogEnvironment;
  readonly #values: Map<string, string>;
  readonly #unsettled = new Map<string, Unsettled>();
  #pending: Pending | undefined;
  #compacting: Promise<void> | undefined;
  #closed = false;

  private constructor(log: PartitionLog, environment: LogEnvironment, values: Map<string, string>) {
    this.#log = log;
    this.#environment = environment;
    this.#values = values;
  }

  static async open(environment: LogEnvironment, directory: string): Promise<KeyedLog> {
    const log = await openPartitionLog(environment, {
      directory,
      durability: { mode: "fsync" },
      retention: {},
      segmentBytesMax: SEGMENT_BYTES_MAX,
    });
    try {
      refuseLost(log, directory);
      return new KeyedLog(log, environment, await readValues(log));
    } catch (error) {
      return await throwAfter(error, log.close());
    }
  }

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  /** The entries whose keys begin with `prefix`. */
  *entries(prefix: string): Generator<readonly [key: string, value: string]> {
    for (const entry of this.#values) if (entry[0].startsWith(prefix)) yield entry;
  }

  /** Sets the key, or removes it where the value is undefined. */
  put(key: string, value: string | undefined): Promise<void> {
    this.#change(key, value);
    if (this.#pending === undefined) {
      this.#pending = { changes: [], ...withResolvers() };
      process.nextTick(this.#flush);
    }
    this.#pending.changes.push([key, value]);
    return this.#pending.durable;
  }

  /**
   * As `put` for each of them, but all or none, whatever happens. Rejects TOO_LARGE where they do not
   * fit one batch; nothing has changed then.
   */
  async putAll(changes: readonly StateChange[]): Promise<void> {
    if (changes.length === 0) return;
    this.#flush();
    const { durable } = this.#log.append(changes.map(toRecord), { onFull: "allow" });
    for (const [key, value] of changes) this.#change(key, value);
    this.#settle(durable, changes);
    this.#compactIfLong();
    await durable;
  }

  async close(): Promise<void> {
    this.#flush();
    this.#closed = true;
    await this.#compacting;
    await this.#log.close();
  }

  readonly #flush = (): void => {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    try {
      const { durable } = this.#log.append(pending.changes.map(toRecord), { onFull: "allow" });
      this.#settle(durable, pending.changes);
      durable.then(pending.resolve, pending.reject);
    } catch (error) {
      this.#settled(pending.changes, false);
      pending.reject(error);
      return;
    }
    this.#compactIfLong();
  };

  #change(key: string, value: string | undefined): void {
    const unsettled = this.#unsettled.get(key) ?? { changes: 0, durable: this.#values.get(key) };
    this.#unsettled.set(key, unsettled);
    unsettled.changes++;
    this.#set(key, value);
  }

  #set(key: string, value: string | undefined): void {
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }

  #settle(durable: Promise<void>, changes: readonly StateChange[]): void {
    durable.then(
      () => this.#settled(changes, true),
      () => this.#settled(changes, false),
    );
  }

  #settled(changes: readonly StateChange[], written: boolean): void {
    for (const [key, value] of changes) {
      const unsettled = this.#unsettled.get(key)!;
      if (written) unsettled.durable = value;
      if (--unsettled.changes > 0) continue;
      this.#unsettled.delete(key);
      this.#set(key, unsettled.durable);
    }
  }

  #compactIfLong(): void {
    const overtaken = this.#log.end - this.#log.earliest - 2 * this.#values.size;
    if (overtaken < OVERTAKEN_MAX || this.#closed) return;
    this.#compacting ??= this.#compact().finally(() => {
      this.#compacting = undefined;
    });
  }

  async #compact(): Promise<void> {
    try {
      let first: number | undefined;
      let written: Promise<void> = Promise.resolve();
      const entries = [...this.#values];
      for (let from = 0; from < entries.length; from += SNAPSHOT_BATCH) {
        const records = entries.slice(from, from + SNAPSHOT_BATCH).map(toRecord);
        const { firstOffset, durable } = this.#log.append(records, { onFull: "allow" });
        first ??= firstOffset;
        written = durable;
      }
      await written;
      if (first !== undefined) await this.#log.trimBefore(first);
    } catch (error) {
      // The log stays long, nothing else; puts report their own failures.
      const facts = { error: String(error) };
      this.#environment.log.warn(facts, "the broker's state log could not be compacted");
    }
  }
}

async function readValues(log: PartitionLog): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (let offset = log.earliest; offset < log.end;) {
    const { records, next } = await log.read(offset, READ);
    for (const { key, value } of records) {
      if (typeof key !== "string") continue;
      if (value === null) values.delete(key);
      else values.set(key, decoder.decode(value));
    }
    offset = next;
  }
  return values;
}

/** What is lost may be the end of a stream, or a position: nobody can accept that not knowing it. */
function refuseLost({ lostRanges: [lost] }: PartitionLog, directory: string): void {
  if (lost === undefined) return;
  const { firstOffset, nextOffset } = lost;
  throw new MillraceError(
    "LOG_DAMAGED",
    `${directory} lacks its records ${firstOffset} to ${nextOffset - 1}, and what they said of streams, ` +
      `queues and positions; restore a backup: this loss cannot be accepted`,
    { details: { directory, firstOffset, nextOffset } },
  );
}

function toRecord([key, value]: readonly [string, string | undefined]): {
  key: string;
  headers: [];
  value: Uint8Array | null;
} {
  return { key, headers: [], value: value === undefined ? null : encoder.encode(value) };
}

function withResolvers(): Omit<Pending, "changes"> {
  const { promise: durable, resolve, reject } = Promise.withResolvers<void>();
  // Whoever put awaits it; a put that nobody awaits must not end the process.
  durable.catch(() => {});
  return { durable, resolve, reject };
}
