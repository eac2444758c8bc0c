/** A partition on a disk in memory with virtual time, and the few moves that log tests consist of. */

import { createTestEnvironment, type TestEnvironment } from "../../testing/environment.ts";
import type { VirtualClock } from "../../testing/virtual-clock.ts";
import type { BatchLog } from "./batch-log.ts";
import type { Disk } from "./disk.ts";
import { BatchEncoder, recordBytesMax } from "./format/batch-encoder.ts";
import { splitBatches, type WireBatch } from "./format/wire-batch.ts";
import {
  createMemoryDisk,
  openLogEnvironment,
  openPartitionLog,
  type AppendRecord,
  type MemoryDisk,
  type PartitionLog,
  type PartitionLogOptions,
} from "./open-log.ts";

export const DIRECTORY = "/data/orders-0";

export function text(value: string, key: string | null = null): AppendRecord {
  return { key, headers: [], value: Buffer.from(value) };
}

/** A batch as a client would send it, with an offset of its own that means nothing. */
export function wireBytes(records: readonly AppendRecord[], timeMs = 1_735_689_600_000): Buffer {
  const bytesMax = records.reduce((sum, record) => sum + recordBytesMax(record), 0);
  const encoder = new BatchEncoder(Buffer.alloc(100 + bytesMax), 4711, timeMs);
  for (const record of records) encoder.add(record, timeMs);
  return encoder.seal();
}

export function wireBatches(...values: readonly string[]): readonly WireBatch[] {
  return splitBatches(wireBytes(values.map((value) => text(value))));
}

/** All records as `offset:value`. */
export async function texts(log: PartitionLog, from: number = log.earliest): Promise<string[]> {
  const found: string[] = [];
  for (let offset = from; offset < log.visibleEnd;) {
    const { records, next } = await log.read(offset, { count: 100, bytes: 100_000 });
    for (const record of records) {
      found.push(`${record.offset}:${Buffer.from(record.value ?? []).toString()}`);
    }
    offset = next;
  }
  return found;
}

export interface TestLog extends AsyncDisposable {
  readonly disk: MemoryDisk;
  readonly clock: VirtualClock;
  readonly entries: TestEnvironment["entries"];
  log: BatchLog;
  /** One append per text, each durable before the next. */
  append(...values: readonly string[]): Promise<void>;
  /** Ends as SIGKILL does: nothing more is written, what was written stays. Then opens again. */
  crash(): Promise<void>;
  reopen(options?: Partial<PartitionLogOptions>): Promise<void>;
}

export async function openTestLog(
  options: Partial<PartitionLogOptions> & {
    readonly freeBytesMin?: number;
    /** Stands between the log and the disk in memory. */
    readonly wrap?: (disk: Disk) => Disk;
  } = {},
): Promise<TestLog> {
  const { freeBytesMin = 0, wrap = (disk) => disk, ...logOptions } = options;
  const disk = createMemoryDisk();
  const { clock, log: facts, entries } = createTestEnvironment();
  await disk.makeDirectory("/data");
  const environment = await openLogEnvironment({
    disk: wrap(disk),
    clock,
    log: facts,
    directory: "/data",
    freeBytesMin,
  });
  const open = (changed: Partial<PartitionLogOptions> = {}): Promise<BatchLog> =>
    openPartitionLog(environment, {
      directory: DIRECTORY,
      durability: { mode: "fsync" },
      retention: {},
      ...logOptions,
      ...changed,
    });
  const bench: TestLog = {
    disk,
    clock,
    entries,
    log: await open(),
    async append(...values) {
      for (const value of values) await bench.log.append([text(value)]).durable;
    },
    async crash() {
      bench.log = await open();
    },
    async reopen(changed) {
      await bench.log.close();
      bench.log = await open(changed);
    },
    async [Symbol.asyncDispose]() {
      await bench.log.close();
    },
  };
  return bench;
}

/** A disk that stops answering when its process ends, or answers then as it is told. */
export function mortal(
  disk: Disk,
  whenEnded: () => Promise<unknown> = () => new Promise(() => undefined),
): { readonly disk: Disk; readonly end: () => void } {
  let ended = false;
  const alive = <Wrapped extends object>(target: Wrapped): Wrapped =>
    new Proxy(target, {
      get: (inner, name) => {
        const method: unknown = Reflect.get(inner, name);
        if (typeof method !== "function") return method;
        return async (...args: unknown[]): Promise<unknown> => {
          if (ended) return whenEnded();
          const result: unknown = await Reflect.apply(method, inner, args);
          const opened = name === "open" && typeof result === "object" && result !== null;
          return opened ? alive(result) : result;
        };
      },
    });
  return {
    disk: alive(disk),
    end: () => {
      ended = true;
    },
  };
}

/** A disk whose reads of one file wait from `hold` on until `letGo`. */
export function holdingReads(
  disk: Disk,
  path: string,
): { readonly disk: Disk; hold(): { readonly begun: Promise<void>; readonly letGo: () => void } } {
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  let holding = false;
  const open: Disk["open"] = async (opened, options) => {
    const file = await disk.open(opened, options);
    if (opened !== path) return file;
    const read = file.read.bind(file);
    file.read = async (position, length, memory) => {
      if (holding) {
        begun.resolve();
        await over.promise;
      }
      return read(position, length, memory);
    };
    return file;
  };
  return {
    disk: { ...disk, open },
    hold() {
      holding = true;
      return { begun: begun.promise, letGo: over.resolve };
    },
  };
}
