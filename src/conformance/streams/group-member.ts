/** A group member for the cases: it notes what it is given and reads what it is told to. */

import type { AssignedPartition, GroupMember, StreamRecord } from "../../broker/streams.ts";
import type { StartAt } from "../../model/position.ts";
import { isMillraceError } from "../../model/errors.ts";
import type { BrokerContext } from "../broker-case.ts";
import { textOf } from "../messages.ts";

export interface Ownership {
  readonly member: string;
  readonly partition: AssignedPartition;
  /** Whether `run` has returned. */
  ended: boolean;
}

export interface TestMember {
  readonly member: GroupMember;
  /** Every assignment so far, oldest first. */
  readonly owned: readonly Ownership[];
  /** Texts in the order in which they came. */
  readonly seen: readonly string[];
  readonly records: readonly StreamRecord[];
}

export interface TestMemberOptions {
  readonly group: string;
  readonly streams: readonly string[];
  readonly member?: string;
  /** Where to read where nothing is committed; `earliest` unless said. */
  readonly from?: StartAt;
  /** Whether each batch is committed after it was taken; true unless said. */
  readonly commit?: boolean;
  /** Replaces reading. */
  readonly run?: (partition: AssignedPartition) => Promise<void>;
  /** Waited for before `run` returns. */
  readonly beforeReturn?: Promise<void>;
}

export async function joinTestMember(
  { streams }: Pick<BrokerContext, "streams">,
  options: TestMemberOptions,
): Promise<TestMember> {
  const { group, member = "one", from = "earliest", commit = true, run, beforeReturn } = options;
  const owned: Ownership[] = [];
  const seen: string[] = [];
  const records: StreamRecord[] = [];

  const readOn = async (partition: AssignedPartition): Promise<void> => {
    const start = partition.committed === undefined ? from : { offset: partition.committed };
    for await (const batch of partition.read(start)) {
      records.push(...batch);
      seen.push(...batch.map(textOf));
      if (commit) await partition.commit(batch.at(-1)!.offset + 1).catch(ignoreFenced);
    }
  };

  const joined = await streams().joinGroup({
    group,
    streams: options.streams,
    member,
    run: async (partition) => {
      const ownership: Ownership = { member, partition, ended: false };
      owned.push(ownership);
      try {
        await (run ?? readOn)(partition);
        await beforeReturn;
      } finally {
        ownership.ended = true;
      }
    },
  });
  return { member: joined, owned, seen, records };
}

/** A member that lost its partition between batch and commit has nothing left to say. */
export function ignoreFenced(error: unknown): void {
  if (!isMillraceError(error, "FENCED")) throw error;
}

/** Resolves when the partition is taken away. */
export function revocation({ revoked }: AssignedPartition): Promise<void> {
  return new Promise((resolve) => {
    if (revoked.aborted) return resolve();
    revoked.addEventListener("abort", () => resolve(), { once: true });
  });
}
