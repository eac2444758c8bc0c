/**
 * Offsets that transactions have sent to groups: kept durably beside the groups' positions, and turned
 * into positions, or forgotten, when their transaction ends.
 *
 * What is pending in memory is what the state log says, also while a change is under way and after the
 * disk has refused it.
 */

import type { StoredPosition } from "../../../broker/in-process/stream/stream-storage.ts";
import type { KeyedLog, StateChange } from "../../keyed-log.ts";
import type { GroupPosition } from "../../stream/group-positions.ts";
import type { PendingOffsets } from "../groups/pending-offsets.ts";

const PREFIX = "transaction-offsets/";

/** One record of the state log for each transaction and group. */
const keyOf = (transaction: string, group: string): string =>
  `${PREFIX}${encodeURIComponent(transaction)}/${encodeURIComponent(group)}`;

export class TransactionOffsets implements PendingOffsets {
  readonly #state: KeyedLog;
  /** By transaction, then by group. */
  readonly #pending = new Map<string, Map<string, readonly StoredPosition[]>>();

  constructor(state: KeyedLog) {
    this.#state = state;
    for (const [key, value] of state.entries(PREFIX)) {
      const [, transaction = "", group = ""] = key.split("/").map(decodeURIComponent);
      const positions: readonly StoredPosition[] = JSON.parse(value);
      this.#set(transaction, group, positions);
    }
  }

  /** Durable when it resolves; of two for one partition the later one counts. */
  async add(
    transaction: string,
    group: string,
    positions: readonly StoredPosition[],
  ): Promise<void> {
    const before = this.#pending.get(transaction)?.get(group) ?? [];
    const kept = before.filter((old) => !positions.some((one) => isSamePlace(one, old)));
    const all = JSON.stringify([...kept, ...positions]);
    const written = this.#state.putAll([[keyOf(transaction, group), all]]);
    await this.#following(transaction, group, written);
  }

  /** What the transaction's commit makes of it. */
  positionsOf(transaction: string): readonly GroupPosition[] {
    return [...(this.#pending.get(transaction) ?? [])].flatMap(([group, positions]) =>
      positions.map((position) => ({ group, position })),
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
    for (const groups of this.#pending.values()) {
      const positions = groups.get(group) ?? [];
      if (positions.some((one) => isSamePlace(one, { stream, partition }))) return true;
    }
    return false;
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

  #read(transaction: string, group: string): void {
    const value = this.#state.get(keyOf(transaction, group));
    if (value === undefined) this.#pending.get(transaction)?.delete(group);
    else this.#set(transaction, group, JSON.parse(value));
  }

  #set(transaction: string, group: string, positions: readonly StoredPosition[]): void {
    let groups = this.#pending.get(transaction);
    if (groups === undefined) this.#pending.set(transaction, (groups = new Map()));
    groups.set(group, positions);
  }
}

function isSamePlace(
  one: Pick<StoredPosition, "stream" | "partition">,
  other: Pick<StoredPosition, "stream" | "partition">,
): boolean {
  return one.stream === other.stream && one.partition === other.partition;
}
