/**
 * What Kafka clients did to one topic and were told of it, judged against what the log holds.
 *
 * Events come in the order in which the clients knew of them, and each is believed as far as a client
 * may: an acknowledgement is a promise, a request without an answer is a thing that may have happened
 * or not. Now and then comes a `log` event, which is the truth: what stands in every partition, read
 * once whole and once by a reader of committed records. Everything that was said is held against it:
 *
 *     lost            acknowledged, or of a transaction that was, and not there (or not to be seen)
 *     twice           a record of an idempotent producer at two offsets
 *     unseen          a reader of committed records was led past a committed record, or is held back
 *                     although every transaction is over
 *     inconsistent    two contents of one offset, or another offset than the one acknowledged
 *     aborted read    a reader of committed records was given a record that was taken back
 *     regressed       a reader's offsets, or a position acknowledged, went back
 *     torn            a part of a transaction is to be seen and a part is not, its offsets included
 *
 * A transaction is judged when it is decided: its producer was told its end, or was given a new epoch,
 * after which it may have ended either way but wholly. Records are named by texts that come once.
 */

import type { Violation, ViolationKind } from "../driver.ts";
import { GroupPositions } from "./group-positions.ts";

export interface PlacedRecord {
  readonly offset: number;
  readonly record: string;
}

export interface PartitionLook {
  readonly partition: number;
  /** Where the look began: 0, or where an earlier one ended. */
  readonly from: number;
  /** Up to the end of what is decided. */
  readonly to: number;
  /** The end of all. */
  readonly end: number;
  readonly all: readonly PlacedRecord[];
  readonly committed: readonly PlacedRecord[];
}

export type HistoryEvent =
  | { type: "begin"; transaction: string; producer: string; position: number }
  | { type: "write"; record: string; transaction?: string }
  | { type: "acknowledged"; record: string; partition: number; offset?: number }
  /** `decided` where the producer cannot know how. */
  | { type: "ended"; transaction: string; as: "committed" | "aborted" | "decided" }
  | { type: "committing"; group: string; partition: number; offset: number }
  | { type: "position acknowledged"; group: string; partition: number; offset: number }
  /** A reader begins at the position of its group, which it was told. */
  | { type: "seek"; group: string; reader: string; partition: number; offset: number }
  | {
      type: "poll";
      reader: string;
      partition: number;
      from: number;
      next: number;
      records: readonly PlacedRecord[];
    }
  /**
   * `positions` are those that transactions have committed, by producer. `decided` where every
   * transaction is over, so that nothing may hide anything.
   */
  | {
      type: "log";
      decided?: boolean;
      partitions: readonly PartitionLook[];
      positions: ReadonlyMap<string, number>;
    };

interface Transaction {
  readonly producer: string;
  readonly position: number;
  readonly records: string[];
  ended: "open" | "committed" | "aborted" | "decided";
}

interface Write {
  readonly transaction: string | undefined;
  acknowledged: boolean;
  /** Where it was acknowledged, then where it was found. */
  place: Place | undefined;
  found: boolean;
}

interface Place {
  readonly partition: number;
  readonly offset: number;
}

type Poll = Extract<HistoryEvent, { type: "poll" }>;

export class History {
  readonly findings: Violation[] = [];
  readonly #writes = new Map<string, Write>();
  /** Acknowledged, and no look at the log has met them yet. */
  readonly #unmet = new Set<string>();
  readonly #transactions = new Map<string, Transaction>();
  /** By partition: what stands at each offset, and whether it is committed. */
  readonly #log = new Map<number, Map<number, { readonly record: string; committed: boolean }>>();
  readonly #lookedTo = new Map<number, number>();
  readonly #positions = new GroupPositions();
  /** By reader and partition: its group, and where its next poll must begin. */
  readonly #next = new Map<string, { readonly group: string; readonly offset: number }>();
  #polls: Poll[] = [];
  /** Of each producer the last position that a committed transaction of it was seen to have. */
  readonly #seenPositions = new Map<string, number>();
  readonly counts = {
    acknowledged: 0,
    found: 0,
    polled: 0,
    pollsJudged: 0,
    positions: 0,
    committed: 0,
    aborted: 0,
    judged: 0,
  };

  take(event: HistoryEvent): void {
    switch (event.type) {
      case "begin": {
        const { producer, position } = event;
        const fresh: Transaction = { producer, position, records: [], ended: "open" };
        this.#transactions.set(event.transaction, fresh);
        return;
      }
      case "write": {
        const { record, transaction } = event;
        const fresh = { transaction, acknowledged: false, place: undefined, found: false };
        this.#writes.set(record, fresh);
        if (transaction !== undefined) this.#transactions.get(transaction)!.records.push(record);
        return;
      }
      case "acknowledged":
        return this.#acknowledged(event);
      case "ended":
        this.#transactions.get(event.transaction)!.ended = event.as;
        if (event.as === "committed") this.counts.committed++;
        if (event.as === "aborted") this.counts.aborted++;
        return;
      case "committing":
        return this.#positions.committing(event);
      case "position acknowledged":
        this.counts.positions++;
        return this.#positions.acknowledged(event);
      case "seek":
        return this.#seek(event);
      case "poll":
        return this.#poll(event);
      case "log":
        return this.#look(event);
    }
  }

  #acknowledged(event: Extract<HistoryEvent, { type: "acknowledged" }>): void {
    const { record, partition, offset } = event;
    const write = this.#writes.get(record)!;
    if (!write.acknowledged) this.counts.acknowledged++;
    write.acknowledged = true;
    if (!write.found) this.#unmet.add(record);
    if (offset === undefined) return;
    if (write.found && write.place!.offset !== offset) {
      const { place } = write;
      this.#find(
        "inconsistent",
        `${record} was found at ${place!.offset}, acknowledged at ${offset}`,
      );
    } else if (!write.found) write.place = { partition, offset };
  }

  #seek(event: Extract<HistoryEvent, { type: "seek" }>): void {
    const { group, reader, partition, offset } = event;
    const finding = this.#positions.seek(event);
    if (finding !== undefined) this.findings.push(finding);
    this.#next.set(`${reader} ${partition}`, { group, offset });
  }

  #poll(event: Poll): void {
    const { reader, partition, from, next, records } = event;
    const name = `${reader}[${partition}]`;
    const { group = "", offset: expected } = this.#next.get(`${reader} ${partition}`) ?? {};
    let last = from - 1;
    if (expected !== from || next < from) {
      this.#find("regressed", `${name} polls ${from} to ${next} after ${expected}`);
    }
    for (const { offset } of records) {
      if (offset <= last || offset >= next) {
        this.#find("regressed", `${name} is given ${offset} after ${last}, before ${next}`);
      }
      last = offset;
    }
    this.#next.set(`${reader} ${partition}`, { group, offset: next });
    this.#positions.polled({ group, partition, offset: next });
    this.#polls.push(event);
    this.counts.polled += records.length;
  }

  #look({ partitions, positions, decided = false }: Extract<HistoryEvent, { type: "log" }>): void {
    for (const look of partitions) this.#lookAt(look);
    for (const { partition, to, end } of decided ? partitions : []) {
      if (to < end) this.#find("unseen", `readers of [${partition}] are held at ${to}, not ${end}`);
    }
    for (const record of this.#unmet) {
      const { place } = this.#writes.get(record)!;
      const where = place === undefined ? "" : ` at ${place.partition}:${place.offset}`;
      this.#find("lost", `${record} was acknowledged${where} and is not there`);
    }
    this.#unmet.clear();
    this.#judgePolls();
    this.#judgeTransactions(positions);
  }

  #lookAt({ partition, from, to, all, committed }: PartitionLook): void {
    let log = this.#log.get(partition);
    if (log === undefined) this.#log.set(partition, (log = new Map()));
    const offsets = new Set(all.map(({ offset }) => offset));
    for (const [offset, { record }] of log) {
      if (offset >= from && !offsets.has(offset)) {
        this.#find("lost", `${record} was at ${partition}:${offset} and is gone`);
        log.delete(offset);
      }
    }
    for (const { offset, record } of all) {
      const before = log.get(offset);
      if (before !== undefined && before.record !== record) {
        this.#find("inconsistent", `${partition}:${offset} was ${before.record}, is ${record}`);
      }
      if (before === undefined) {
        log.set(offset, { record, committed: false });
        this.#met(record, { partition, offset });
      }
    }
    const visible = new Set<number>();
    const decidedTo = this.#lookedTo.get(partition) ?? 0;
    for (const { offset, record } of committed) {
      visible.add(offset);
      const entry = log.get(offset);
      const where = `${record} at ${partition}:${offset}`;
      if (entry?.record !== record) {
        this.#find("inconsistent", `${where} is there for readers of committed records only`);
        continue;
      }
      const ended = this.#transactionOf(record)?.ended;
      if (ended === "aborted" || (offset < decidedTo && !entry.committed)) {
        this.#find("aborted read", `${where} was taken back and is visible`);
      }
      entry.committed = true;
    }
    for (const [offset, entry] of log) {
      if (offset >= from && entry.committed && !visible.has(offset)) {
        this.#find("lost", `${entry.record} was visible at ${partition}:${offset} and is not`);
        entry.committed = false;
      }
    }
    this.#lookedTo.set(partition, to);
  }

  #met(record: string, place: Place): void {
    this.counts.found++;
    const write = this.#writes.get(record);
    if (write === undefined) {
      this.#find("wrong", `${record} at ${place.partition}:${place.offset} was never written`);
      return;
    }
    const { place: known, found } = write;
    if (
      known !== undefined &&
      (known.partition !== place.partition || known.offset !== place.offset)
    ) {
      const both = `${known.partition}:${known.offset} and ${place.partition}:${place.offset}`;
      if (found) this.#find("twice", `${record} is at ${both}`);
      else this.#find("inconsistent", `${record} is acknowledged and found at ${both}`);
    }
    write.found = true;
    write.place = place;
    this.#unmet.delete(record);
  }

  /** Those that reach beyond what was looked at wait for a later look. */
  #judgePolls(): void {
    const waiting: Poll[] = [];
    for (const poll of this.#polls) {
      if (poll.next > (this.#lookedTo.get(poll.partition) ?? 0)) waiting.push(poll);
      else this.#judgePoll(poll);
    }
    this.#polls = waiting;
  }

  #judgePoll({ reader, partition, from, next, records }: Poll): void {
    const log = this.#log.get(partition)!;
    this.counts.pollsJudged++;
    const given = new Map(records.map(({ offset, record }) => [offset, record]));
    for (let offset = from; offset < next; offset++) {
      const entry = log.get(offset);
      const record = given.get(offset);
      const where = `${reader} at ${partition}:${offset}`;
      if (record === undefined && entry?.committed === true) {
        this.#find("unseen", `${where} was not given ${entry.record}`);
      } else if (record !== undefined && record !== entry?.record) {
        this.#find("inconsistent", `${where} was given ${record}, not ${entry?.record}`);
      } else if (record !== undefined && entry?.committed === false) {
        this.#find("aborted read", `${where} was given ${record}, which is not committed`);
      }
    }
  }

  #judgeTransactions(positions: ReadonlyMap<string, number>): void {
    for (const [name, transaction] of this.#transactions) {
      if (transaction.ended === "open" || !this.#isLookedAt(transaction)) continue;
      this.#judgeTransaction(name, transaction);
      this.#transactions.delete(name);
    }
    for (const [producer, position] of positions) {
      const seen = this.#seenPositions.get(producer) ?? 0;
      const open = [...this.#transactions.values()].filter((each) => each.producer === producer);
      if (open.some((each) => each.position === position)) continue;
      if (position > seen) {
        this.#find(
          "torn",
          `${producer} has position ${position} without its records, after ${seen}`,
        );
      } else if (position < seen) {
        this.#find(
          "torn",
          `${producer} has position ${position}, its records are those of ${seen}`,
        );
      }
    }
  }

  #judgeTransaction(name: string, { producer, position, records, ended }: Transaction): void {
    this.counts.judged++;
    const acknowledged = records.filter((record) => this.#writes.get(record)!.acknowledged);
    const visible = records.filter((record) => this.#isVisible(record));
    const missing = acknowledged.find((record) => !this.#isVisible(record));
    if (ended === "committed" && missing !== undefined) {
      this.#find("lost", `${missing} of ${name}, which was committed, is not visible`);
    } else if (visible.length > 0 && missing !== undefined) {
      this.#find("torn", `of ${name} ${visible[0]} is visible and ${missing} is not`);
    }
    if (visible.length > 0) {
      this.#seenPositions.set(producer, Math.max(position, this.#seenPositions.get(producer) ?? 0));
    }
  }

  /** An open transaction of another producer hides what comes behind it until it ends. */
  #isLookedAt({ records }: Transaction): boolean {
    return records.every((record) => {
      const { place, found } = this.#writes.get(record)!;
      return !found || place!.offset < (this.#lookedTo.get(place!.partition) ?? 0);
    });
  }

  #isVisible(record: string): boolean {
    const { place, found } = this.#writes.get(record)!;
    return found && this.#log.get(place!.partition)?.get(place!.offset)?.committed === true;
  }

  #transactionOf(record: string): Transaction | undefined {
    const transaction = this.#writes.get(record)?.transaction;
    return transaction === undefined ? undefined : this.#transactions.get(transaction);
  }

  #find(kind: ViolationKind, text: string): void {
    this.findings.push({ kind, text });
  }
}
