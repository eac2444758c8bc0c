/** What the logs of one data directory share: the disk, time, the bound on syncs, the free space. */

import type { Clock } from "../../model/clock.ts";
import type { Log } from "../../model/environment.ts";
import type { Disk } from "./disk.ts";
import { BufferPool } from "./commit/buffer-pool.ts";
import { FreeSpace } from "./commit/free-space.ts";
import { LogRegistry } from "./log-registry.ts";
import type { CommitJournal } from "./journal/commit-journal.ts";
import { createSyncGate, type SyncGate } from "./commit/sync-gate.ts";

export interface LogEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly syncGate: SyncGate;
  readonly freeSpace: FreeSpace;
  readonly buffers: BufferPool;
  readonly open: LogRegistry;
  /** Where a data directory has one; without it every partition is synced by itself. */
  readonly journal?: CommitJournal | undefined;
  /** A producer that was not heard for so long, and has no open transaction, is forgotten. */
  readonly producerKeepMs: number;
}

export interface LogEnvironmentOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** Lies on the disk whose free space counts; must exist. */
  readonly directory: string;
  /** Appends are refused while less than this is free; 256 MiB unless said. */
  readonly freeBytesMin?: number;
  /** A day unless said, as Kafka's `producer.id.expiration.ms`. */
  readonly producerKeepMs?: number;
}

const FREE_BYTES_MIN = 256 * 1024 * 1024;
const PRODUCER_KEEP_MS = 24 * 60 * 60 * 1000;

export async function openLogEnvironment(options: LogEnvironmentOptions): Promise<LogEnvironment> {
  const { disk, clock, log, directory } = options;
  const { freeBytesMin = FREE_BYTES_MIN, producerKeepMs = PRODUCER_KEEP_MS } = options;
  const freeSpace = new FreeSpace({ disk, clock, log, directory, freeBytesMin });
  await freeSpace.look();
  const syncGate = createSyncGate();
  const buffers = new BufferPool();
  const open = new LogRegistry();
  return { disk, clock, log, freeSpace, syncGate, buffers, producerKeepMs, open };
}
