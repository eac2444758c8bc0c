/** Appends what may be more than one append to a log takes. */

import { stretchEnd } from "../../broker/in-process/batch-bounds.ts";
import type { RawMessage } from "../../model/message.ts";
import type { Appended, PartitionLog } from "../log/open-log.ts";

/**
 * Appends the records in one step of the program, in as many appends as it takes, also on a full disk.
 * They get offsets by one from `firstOffset`, and all are taken or, when it throws, none.
 *
 * What a disk refuses it refuses of all of them, since they gather in one group. Only a crash can leave
 * a beginning of them. That is as good as having crashed between two calls: each operation names other
 * messages than the rest and stands for itself, and nobody was answered before the last was durable.
 */
export function appendCut(log: PartitionLog, records: readonly RawMessage[]): Appended {
  const at = (index: number): RawMessage => records[index]!;
  let to = stretchEnd(0, records.length, at);
  const { firstOffset, durable } = log.append(records.slice(0, to), { onFull: "allow" });
  let last = durable;
  while (to < records.length) {
    const from = to;
    to = stretchEnd(from, records.length, at);
    // One of them behind the other: the last is durable when all are.
    last = log.append(records.slice(from, to), { onFull: "continue" }).durable;
  }
  return { firstOffset, durable: last };
}
