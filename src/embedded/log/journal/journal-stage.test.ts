/** Partitions of one data directory on a disk in memory, with a journal of a few entries. */

import { createTestEnvironment, type TestEnvironment } from "../../../testing/environment.ts";
import { openDataDirectory } from "../directory/data-directory.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { createMemoryDisk, MemoryContents, type MemoryDisk } from "../disks/memory-disk.ts";
import type { BatchLog } from "../batch-log.ts";
import { text } from "../log-stage.test.ts";
import { openPartitionLog, type PartitionLogOptions } from "../open-log.ts";
import type { JournalSettings } from "./commit-journal.ts";

export const JOURNAL_PATH = "/data/journal";
/** Halves of two entries or so, made at the first meeting. */
export const SMALL_JOURNAL: JournalSettings = {
  halfBytes: 1536,
  groupBytesMax: 1024,
  makeAfter: 1,
};

export interface Partitions extends AsyncDisposable {
  readonly environment: TestEnvironment;
  readonly logs: readonly BatchLog[];
  /** One append to each of the partitions at once; resolves when all are durable. */
  round(value: string, ...partitions: readonly number[]): Promise<void>;
}

export interface PartitionsOptions extends Partial<Omit<PartitionLogOptions, "directory">> {
  readonly settings?: Partial<JournalSettings>;
  readonly freeBytesMin?: number;
}

const PARTITIONS = 3;

export async function openPartitions(
  disk: Disk,
  { settings = {}, freeBytesMin = 0, ...options }: PartitionsOptions = {},
): Promise<Partitions> {
  const environment = createTestEnvironment();
  const data = await openDataDirectory(environment, {
    directory: "/data",
    disk,
    lock: () => ({ release: () => {} }),
    freeBytesMin,
    journal: { ...SMALL_JOURNAL, ...settings },
  });
  const logs = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) =>
      openPartitionLog(data.logs, {
        directory: `/data/${partition}`,
        durability: { mode: "fsync" },
        retention: {},
        ...options,
      }),
    ),
  );
  return {
    environment,
    logs,
    async round(value, ...chosen) {
      await Promise.all(chosen.map((one) => logs[one]!.append([text(value)]).durable));
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(logs.map((log) => log.close()));
      await data.close();
    },
  };
}

/** A copy of the disk, as the death of the process leaves it. */
export function killed(disk: MemoryDisk): MemoryDisk {
  const copy = createMemoryDisk();
  for (const directory of disk.directories) copy.directories.add(directory);
  for (const [path, contents] of disk.files) {
    copy.files.set(path, new MemoryContents(contents.bytes.slice()));
  }
  return copy;
}

/** Changes the files whose names end so. */
export function withFiles(
  disk: Disk,
  ending: string,
  change: (file: DiskFile) => Partial<DiskFile>,
): Disk {
  return {
    ...disk,
    async open(path, options) {
      const file = await disk.open(path, options);
      if (!path.endsWith(ending)) return file;
      const plain: DiskFile = {
        write: (buffers, position) => file.write(buffers, position),
        writeSynced: (buffers, position) => file.writeSynced(buffers, position),
        read: (position, length, memory) => file.read(position, length, memory),
        sync: () => file.sync(),
        truncate: (size) => file.truncate(size),
        size: () => file.size(),
        close: () => file.close(),
      };
      return { ...plain, ...change(plain) };
    },
  };
}
