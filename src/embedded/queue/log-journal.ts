/**
 * A queue's journal over one partition log: messages and what happened to them, in one order.
 *
 * **What is in memory.** The state holds messages that were touched (leased, released, delayed,
 * dead) and the next few thousand that are ready; the rest is *held back*: it stands only in the
 * log, from `#cursor` on, and is loaded as receivers get near. So a million waiting messages cost
 * neither memory nor time at a start. `#skip` lists messages after the cursor that are not held
 * back any more; only recovery fills it, and loading passes and empties it. A message is kept in
 * memory until it is delivered, within a bound; later it is read again by its location.
 *
 * **Checkpoints.** When enough was appended since the last one, the state is written into the log
 * (`checkpoint.ts`), and when that is durable, its offset into the broker's state log. Recovery
 * reads the checkpoint and what follows. It does not tell of messages that were never touched: they are
 * held back after a recovery, also where they were in memory. Between the two writes the older checkpoint counts, and
 * nothing that it needs is trimmed before the newer one's offset is durable.
 *
 * **Copy-forward.** A few old messages (dead letters, long delays) would keep the whole log behind
 * them from being trimmed. Before a checkpoint, when they are fewer than a quarter of what could be
 * trimmed, they are copied to the end of the log. Their sequence stays, their location moves.
 *
 * One task at a time does these (`#tending`), beside the traffic; the snapshot itself is one
 * synchronous step, so it stands in the log exactly where its contents end.
 */

import type { Clock } from "../../model/clock.ts";
import type { DedupeWindow } from "../../model/durability.ts";
import type { Log } from "../../model/environment.ts";
import { isMillraceError } from "../../model/errors.ts";
import type { RawMessage } from "../../model/message.ts";
import { dedupeId } from "../../broker/dedupe-window.ts";
import type {
  JournaledSend,
  QueueJournal,
  QueueOps,
  RecentId,
  RecoveredQueue,
} from "../../broker/in-process/queue/queue-journal.ts";
import {
  laneOf,
  type NewEntry,
  type QueueEntry,
  type QueueRules,
  type QueueState,
} from "../../broker/queue-state.ts";
import type { QueueSpec } from "../../broker/queues.ts";
import type { LogRecord, PartitionLog } from "../log/open-log.ts";
import {
  checkpointParts,
  deadFacts,
  isUntouched,
  livingFacts,
  withUntouched,
} from "./checkpoint.ts";
import type { JournalLimits } from "./journal-limits.ts";
import { MessageReader } from "./message-reader.ts";
import {
  checkpointRecord,
  copyRecord,
  decodeQueueRecord,
  messageOf,
  messageRecord,
  opsRecords,
} from "./queue-record.ts";
import { contains, QueueReplay } from "./queue-replay.ts";
import { SendMarks } from "./send-marks.ts";

export interface LogJournalOptions {
  readonly spec: QueueSpec;
  readonly log: PartitionLog;
  readonly generation: number;
  readonly clock: Clock;
  readonly report: Log;
  readonly limits: JournalLimits;
  /** Where the newest finished checkpoint begins, kept durably outside the log. */
  readonly checkpoint: {
    get(): number | undefined;
    set(offset: number): Promise<void>;
  };
}

/** What an entry is reckoned to cost beside its value. */
const ENTRY_BYTES = 256;
const LOAD_BYTES = 2 * 1024 * 1024;
const REPLAY = { count: 5_000, bytes: 4 * 1024 * 1024 };
/** At close a checkpoint is worth its write from so many records on. */
const CLOSE_RECORDS = 8;
/** Copies that are read and appended at a time. */
const COPY_COUNT = 200;

export class LogJournal implements QueueJournal {
  readonly generation: string;
  readonly #options: LogJournalOptions;
  readonly #log: PartitionLog;
  readonly #reader: MessageReader;
  #spec: QueueSpec;
  #heldBack = 0;
  #cursor = 0;
  #skip = new Set<number>();
  #marks = new SendMarks([]);
  #closed = false;
  #loading = false;
  /** Aborts with each recovery: a load that began before it must change nothing after it. */
  #life = new AbortController();
  #cachedBytes = 0;
  #recordsSince = 0;
  #bytesSince = 0;
  #nextOffset = 0;
  #tending: Promise<void> | undefined;
  /** The state last seen; checkpoints are written of it, until a recovery finds it wrong. */
  #state: QueueState | undefined;

  constructor(options: LogJournalOptions) {
    this.#options = options;
    this.#spec = options.spec;
    this.#log = options.log;
    this.#reader = new MessageReader(options.log);
    this.generation = options.generation.toString(36);
  }

  get heldBack(): number {
    return this.#heldBack;
  }

  async recover(rules: QueueRules): Promise<RecoveredQueue> {
    this.#state = undefined;
    this.#life.abort();
    this.#life = new AbortController();
    await this.#tending;
    const log = this.#log;
    const { lostRanges: lost } = log;
    let checkpoint = this.#options.checkpoint.get();
    // Without it all that is left is gone through: what was settled before may come once more.
    if (checkpoint !== undefined && lost.some(contains(checkpoint))) checkpoint = undefined;
    const start = checkpoint ?? log.earliest;
    const replay = new QueueReplay(start, lost);
    let loading = checkpoint !== undefined;
    let bytes = 0;
    for (let offset = start; offset < log.end;) {
      const { records, next } = await log.read(offset, REPLAY);
      for (const record of records) {
        const decoded = decodeQueueRecord(record);
        if (loading && decoded.kind === "checkpoint") {
          replay.load(decoded.part);
          loading = decoded.part.backlog === undefined;
        } else {
          replay.apply(decoded, record);
          bytes += record.value?.length ?? 0;
        }
      }
      offset = next;
    }
    for (const entry of replay.unknown()) {
      const record = await this.#reader.read(entry.location);
      entry.sentMs ??= record.appendedMs;
      if (rules.keyOrder) entry.lane = record.key === null ? null : laneOf(record.key);
    }
    const { cursor, heldBack, skip, marks } = replay.backlog;
    this.#cursor = cursor;
    this.#heldBack = heldBack;
    this.#skip = new Set(skip);
    this.#marks = new SendMarks(marks);
    this.#nextOffset = log.end;
    this.#recordsSince = log.end - start;
    this.#bytesSince = bytes;
    this.#cachedBytes = 0;
    this.#loading = false;
    const recovered = replay.build(rules, this.#options.clock.now());
    this.#state = recovered.state;
    return recovered;
  }

  send(
    sends: readonly JournaledSend[],
    nowMs: number,
  ): { readonly firstSequence: number; readonly durable: Promise<void> } {
    const records = sends.map(({ message, readyMs }) => messageRecord(message, readyMs));
    const { firstOffset, durable } = this.#log.append(records);
    if (this.#spec.dedupe !== undefined) this.#marks.push(firstOffset, sends.length, nowMs);
    this.#appended(firstOffset, records);
    return { firstSequence: firstOffset, durable };
  }

  record(ops: QueueOps): Promise<void> {
    const records = opsRecords(ops);
    const { firstOffset, durable } = this.#log.append(records, { onFull: "allow" });
    this.#appended(firstOffset, records);
    return durable;
  }

  holdBack(state: QueueState, sequence: number, message: RawMessage): boolean {
    if (this.#heldBack === 0 && !this.#loading) {
      const { readyCount, cachedBytes } = this.#options.limits;
      const room = state.count("waiting") < readyCount && this.#cachedBytes < cachedBytes;
      if (room) {
        this.#cachedBytes += costOf(message);
        return false;
      }
      this.#cursor = sequence;
      this.#skip.clear();
    }
    this.#heldBack++;
    return true;
  }

  async loadHeldBack(add: (entries: readonly NewEntry[]) => void): Promise<void> {
    const { signal } = this.#life;
    this.#loading = true;
    try {
      if (this.#cursor >= this.#log.end) await this.#log.waitFor(this.#cursor, signal);
      const limits = { count: this.#options.limits.loadCount, bytes: LOAD_BYTES };
      const { records, next } = await this.#log.read(this.#cursor, limits);
      if (signal.aborted) return;
      add(this.#takeHeldBack(records));
      // Behind what was lost.
      if (records.length === 0) this.#cursor = next;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      if (!signal.aborted) this.#loading = false;
    }
  }

  #takeHeldBack(records: readonly LogRecord[]): NewEntry[] {
    const nowMs = this.#options.clock.now();
    const entries: NewEntry[] = [];
    for (const record of records) {
      this.#cursor = record.offset + 1;
      if (this.#skip.delete(record.offset)) continue;
      const decoded = decodeQueueRecord(record);
      if (decoded.kind !== "message") continue;
      const { message, readyMs } = decoded;
      // A delayed message is read again when its time has come.
      const kept = readyMs <= nowMs;
      if (kept) this.#cachedBytes += costOf(message);
      entries.push({
        sequence: record.offset,
        sentMs: record.appendedMs,
        key: message.key,
        readyMs,
        message: kept ? message : undefined,
      });
    }
    this.#heldBack -= entries.length;
    return entries;
  }

  async readMessage(entry: QueueEntry): Promise<RawMessage> {
    return messageOf(await this.#reader.read(entry.location));
  }

  forgetMessage(entry: QueueEntry): void {
    if (entry.message === undefined) return;
    this.#cachedBytes -= costOf(entry.message);
    entry.message = undefined;
  }

  async recentIds(window: DedupeWindow, nowMs: number): Promise<readonly RecentId[]> {
    const floor = this.#marks.floor(window, nowMs);
    if (floor === undefined) return [];
    const found: RecentId[] = [];
    for (let offset = Math.max(floor, this.#log.earliest); offset < this.#log.end;) {
      const { records, next } = await this.#log.read(offset, REPLAY);
      for (const record of records) {
        const decoded = decodeQueueRecord(record);
        if (decoded.kind !== "message") continue;
        const id = dedupeId(decoded.message);
        if (id === undefined) continue;
        found.push({ id, sequence: record.offset, timeMs: record.appendedMs });
      }
      offset = next;
    }
    return found;
  }

  tend(state: QueueState): void {
    this.#state = state;
    if (this.#tending !== undefined || this.#closed) return;
    const { checkpointRecords, checkpointBytes } = this.#options.limits;
    if (this.#recordsSince < checkpointRecords && this.#bytesSince < checkpointBytes) return;
    this.#tending = this.#tend(state, this.#life.signal).finally(() => {
      this.#tending = undefined;
    });
  }

  async configure(spec: QueueSpec): Promise<void> {
    this.#spec = spec;
    if (spec.dedupe === undefined) this.#marks.clear();
    this.#log.configure({ durability: spec.durability ?? { mode: "fsync" }, retention: {} });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#life.abort();
    await this.#tending;
    if (this.#state !== undefined && this.#recordsSince >= CLOSE_RECORDS) {
      await this.#tend(this.#state, new AbortController().signal);
    }
    await this.#log.close();
  }

  #appended(firstOffset: number, records: readonly RawMessage[]): void {
    this.#nextOffset = firstOffset + records.length;
    this.#recordsSince += records.length;
    for (let i = 0; i < records.length; i++) this.#bytesSince += records[i]!.value?.length ?? 0;
  }

  /**
   * Copies forward, writes a checkpoint, points to it, trims. A failure only leaves the log long.
   * Ends where it is when the signal aborts: the state then no longer is what the log tells.
   */
  async #tend(state: QueueState, signal: AbortSignal): Promise<void> {
    try {
      await this.#copyForward(state, signal).catch((error: unknown) => {
        // On a full disk nothing is copied; trimming without it may still free something.
        if (!isMillraceError(error, "DISK_FULL")) throw error;
      });
      if (!signal.aborted) await this.#checkpoint(state);
    } catch (error) {
      if (isMillraceError(error, "CLOSED")) return;
      // Tried again after as much more; appends report what concerns their callers.
      this.#recordsSince = 0;
      this.#bytesSince = 0;
      const facts = { queue: this.#spec.name, error: String(error) };
      this.#options.report.warn(facts, "a queue's checkpoint could not be written");
    }
  }

  async #checkpoint(state: QueueState): Promise<void> {
    const living = [...state.entries()];
    const dead = [...state.deadLetters()];
    let needed = this.#needed();
    for (const { location } of living) needed = Math.min(needed, location);
    for (const { location } of dead) needed = Math.min(needed, location);
    const untouched = living.filter(isUntouched).map(({ sequence }) => sequence);
    const backlog = withUntouched(
      {
        cursor: this.#heldBack === 0 ? this.#nextOffset : this.#cursor,
        heldBack: this.#heldBack,
        skip: [...this.#skip],
        marks: this.#marks.list(),
      },
      untouched.toSorted((a, b) => a - b),
    );
    const told = living.filter((entry) => !isUntouched(entry) || entry.sequence < backlog.cursor);
    const parts = checkpointParts(told.map(livingFacts), dead.map(deadFacts), backlog);
    const records = parts.map(checkpointRecord);
    const expected = this.#nextOffset;
    const { firstOffset, durable } = this.#log.append(records, { onFull: "allow" });
    this.#nextOffset = firstOffset + records.length;
    this.#recordsSince = 0;
    this.#bytesSince = 0;
    await durable;
    // The log took back what had failed to be written, and this checkpoint still tells of it.
    if (firstOffset !== expected) return;
    await this.#options.checkpoint.set(firstOffset);
    await this.#log.trimBefore(needed);
  }

  /** Below it nothing is needed but the locations of single messages. */
  #needed(): number {
    const { dedupe } = this.#spec;
    const floor =
      dedupe === undefined ? undefined : this.#marks.floor(dedupe, this.#options.clock.now());
    const waiting = this.#heldBack === 0 ? this.#nextOffset : this.#cursor;
    return Math.min(waiting, floor ?? this.#nextOffset);
  }

  async #copyForward(state: QueueState, signal: AbortSignal): Promise<void> {
    // What is not durable yet cannot be read.
    const needed = Math.min(this.#needed(), this.#log.end);
    const old = [...state.entries(), ...state.deadLetters()].filter(
      ({ location }) => location < needed,
    );
    if (old.length * 4 > needed - this.#log.earliest) return;
    if (needed - this.#log.earliest < this.#options.limits.checkpointRecords) return;
    old.sort((a, b) => a.location - b.location);
    for (let from = 0; from < old.length; from += COPY_COUNT) {
      const read: { readonly entry: QueueEntry; readonly message: RawMessage }[] = [];
      for (const entry of old.slice(from, from + COPY_COUNT)) {
        if (entry.status !== "gone") read.push({ entry, message: await this.readMessage(entry) });
      }
      // Looked at again, because messages go while others are read.
      const present = read.filter(({ entry }) => entry.status !== "gone");
      if (signal.aborted) return;
      if (present.length === 0) continue;
      const { firstOffset, durable } = this.#log.append(
        present.map(({ entry, message }) => copyRecord(message, entry)),
      );
      this.#nextOffset = firstOffset + present.length;
      await durable;
      for (const [index, { entry }] of present.entries()) entry.location = firstOffset + index;
    }
  }
}

function costOf({ value }: RawMessage): number {
  return ENTRY_BYTES + (value?.length ?? 0);
}
