/**
 * What of this room streams, queues and the state log stand on, who know records only. The Kafka door
 * knows batches, and takes `batch-log.ts`, `batch-refused.ts` and `format/` besides.
 */

import type { LogEnvironment } from "./log-environment.ts";
import type { BatchLog } from "./batch-log.ts";
import type { PartitionLogOptions } from "./partition-log.ts";
import { recoverPartition } from "./recovery.ts";
import { SegmentedLog } from "./segmented-log.ts";

export { allEnded, throwAfter } from "./endings.ts";
export { createNodeDisk } from "./disks/node-disk.ts";
export { createMemoryDisk, type MemoryDisk } from "./disks/memory-disk.ts";
export { unlessMissing } from "./disks/unless-missing.ts";
export { acceptDamage } from "./segment/damage.ts";
export { openLogEnvironment, type LogEnvironment } from "./log-environment.ts";
export { openDataDirectory } from "./directory/data-directory.ts";
export type { Disk } from "./disk.ts";
export type {
  AppendRecord,
  LogRecord,
  LostOffsets,
  PartitionLog,
  PartitionLogOptions,
} from "./partition-log.ts";

/**
 * Opens the partition in `options.directory`, recovering what a crash left, and makes it where nobody
 * made it before. One process, one opening at a time: the data directory's lock sees to it.
 *
 * A damaged partition opens too, with `stopped` set. Throws Node's own errors where the disk fails.
 */
export async function openPartitionLog(
  environment: LogEnvironment,
  options: PartitionLogOptions,
): Promise<BatchLog> {
  const parts = await recoverPartition(environment, options);
  return new SegmentedLog(options, parts);
}
