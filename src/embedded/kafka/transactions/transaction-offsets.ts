/**
 * Offsets that transactions have sent to groups: kept durably beside the groups' positions, and turned
 * into positions, or forgotten, when their transaction ends.
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
    const all = [...kept, ...positions];
    this.#set(transaction, group, all);
    await this.#state.putAll([[keyOf(transaction, group), JSON.stringify(all)]]);
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

  drop(group: string): void {
    for (const [transaction, groups] of this.#pending) {
      if (groups.delete(group)) void this.#state.put(keyOf(transaction, group), undefined);
    }
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
