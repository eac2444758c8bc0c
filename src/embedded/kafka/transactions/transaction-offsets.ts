/**
 * Offsets that transactions have sent to groups: kept durably beside the groups' positions, and turned
 * into positions, or forgotten, when their transaction ends.
 *
 * A topic may be deleted, and made anew, while the transaction is open: an offset is of the topic with
 * the id that it was sent for, and is nothing to one that has the name later.
 *
 * What is pending in memory is what the state log says, also while a change is under way and after the
 * disk has refused it.
 */

import type { StoredPosition } from "../../../broker/in-process/stream/stream-storage.ts";
import type { KeyedLog, StateChange } from "../../keyed-log.ts";
import type { GroupPosition } from "../../stream/group-positions.ts";
import type { PendingOffsets } from "../groups/pending-offsets.ts";
import type { Topics } from "../topics/topics.ts";

const PREFIX = "transaction-offsets/";

/** Where a group is when the transaction commits, unless the topic is another one of the name by then. */
export interface PendingOffset extends StoredPosition {
  /** Undefined in what was written before it was noted: then the topic that has the name counts. */
  readonly topicId: string | undefined;
}

/** One record of the state log for each transaction and group. */
const keyOf = (transaction: string, group: string): string =>
  `${PREFIX}${encodeURIComponent(transaction)}/${encodeURIComponent(group)}`;

export class TransactionOffsets implements PendingOffsets {
  readonly #state: KeyedLog;
  readonly #topics: Topics;
  /** By transaction, then by group, then by place. */
  readonly #pending = new Map<string, Map<string, ReadonlyMap<string, PendingOffset>>>();

  constructor(state: KeyedLog, topics: Topics) {
    this.#state = state;
    this.#topics = topics;
    for (const [key, value] of state.entries(PREFIX)) {
      const [, transaction = "", group = ""] = key.split("/").map(decodeURIComponent);
      this.#set(transaction, group, JSON.parse(value));
    }
  }

  /** Durable when it resolves; of two for one partition the later one counts. */
  async add(
    transaction: string,
    group: string,
    positions: readonly PendingOffset[],
  ): Promise<void> {
    const before = this.#pending.get(transaction)?.get(group) ?? [];
    const all = new Map([...before, ...byPlace(positions)]);
    const written = this.#state.putAll([
      [keyOf(transaction, group), JSON.stringify([...all.values()])],
    ]);
    await this.#following(transaction, group, written);
  }

  /** What the transaction's commit makes of it. */
  positionsOf(transaction: string): readonly GroupPosition[] {
    return [...(this.#pending.get(transaction) ?? [])].flatMap(([group, positions]) =>
      [...positions.values()].flatMap(({ topicId, ...position }) =>
        this.#isThere(position.stream, topicId) ? [{ group, position }] : [],
      ),
    );
  }

  /** The changes of the state log that forget what is pending: part of the transaction's end. */
  removalsOf(transaction: string): readonly StateChange[] {
    const groups = this.#pending.get(transaction)?.keys() ?? [];
    return Array.from(groups, (group) => [keyOf(transaction, group), undefined]);
  }

  /** When those changes are durable. */
  forget(transaction: string): void {
    this.#pending.delete(transaction);
  }

  isPending(group: string, stream: string, partition: number): boolean {
    const place = placeOf({ stream, partition });
    return this.#pending.values().some((groups) => {
      const one = groups.get(group)?.get(place);
      return one !== undefined && this.#isThere(stream, one.topicId);
    });
  }

  async drop(
    group: string,
    write: (changes: readonly StateChange[]) => Promise<void>,
  ): Promise<void> {
    const transactions = [...this.#pending].flatMap(([transaction, groups]) =>
      groups.has(group) ? [transaction] : [],
    );
    const written = write(
      transactions.map((transaction) => [keyOf(transaction, group), undefined]),
    );
    await Promise.all(
      transactions.map((transaction) => this.#following(transaction, group, written)),
    );
    await written;
  }

  /** Says what the state log says of the key, now and when `written` has settled. */
  async #following(transaction: string, group: string, written: Promise<void>): Promise<void> {
    this.#read(transaction, group);
    try {
      await written;
    } finally {
      this.#read(transaction, group);
    }
  }

  #isThere(stream: string, topicId: string | undefined): boolean {
    const topic = this.#topics.find(stream);
    return topic !== undefined && (topicId === undefined || topic.id === topicId);
  }

  #read(transaction: string, group: string): void {
    const value = this.#state.get(keyOf(transaction, group));
    if (value === undefined) this.#pending.get(transaction)?.delete(group);
    else this.#set(transaction, group, JSON.parse(value));
  }

  #set(transaction: string, group: string, positions: readonly PendingOffset[]): void {
    let groups = this.#pending.get(transaction);
    if (groups === undefined) this.#pending.set(transaction, (groups = new Map()));
    groups.set(group, byPlace(positions));
  }
}

/** Of two for one place the later one counts. */
function byPlace(positions: readonly PendingOffset[]): ReadonlyMap<string, PendingOffset> {
  return new Map(positions.map((one) => [placeOf(one), one]));
}

function placeOf({ stream, partition }: Pick<StoredPosition, "stream" | "partition">): string {
  return `${partition} ${stream}`;
}
