/**
 * A disk in memory that fails at one call, chosen by its number, and is whole again afterwards.
 *
 * Calls are numbered from 1 on over all lives of the server. What a failed sync leaves is in doubt: the
 * kernel may keep the pages or drop them, so a fault says which. Dropped bytes are gone at once, as
 * from a page cache that was read anew; names that a directory's failed sync loses go with the process.
 */

import { dirname } from "node:path";
import type { Disk, DiskFile } from "../../../src/embedded/log/disk.ts";
import {
  systemError,
  type MemoryContents,
  type MemoryDisk,
} from "../../../src/embedded/log/disks/memory-disk.ts";
import { writeAll, type WriteSome } from "../../../src/embedded/log/disks/write-all.ts";
import type { FaultKind } from "./fault-kinds.ts";

export type Method = keyof Disk | Exclude<keyof DiskFile, "sync"> | "sync";

/** One call of the server to its disk. */
export interface Call {
  readonly method: Method;
  readonly path: string;
}

export interface Fault {
  /** The number of the call. */
  readonly at: number;
  readonly kind: FaultKind;
  /** Does wrong: the server is told that all went well. */
  readonly silent?: boolean;
}

export interface FaultDisk {
  readonly disk: Disk;
  readonly calls: readonly Call[];
  /** The call that failed, once it has. */
  readonly hit: Call | undefined;
  /** The process ends: what a directory's failed sync has lost is lost now. */
  endLife(): void;
}

/** Takes back what was done and not synced. */
type Undo = () => void;

export function faultDisk(
  memory: MemoryDisk,
  fault: Fault | undefined,
  onHit: () => void = () => undefined,
): FaultDisk {
  const calls: Call[] = [];
  const unsynced = new Map<MemoryContents, Undo[]>();
  const unsyncedNames = new Map<string, Undo[]>();
  const lost: Undo[] = [];
  let hit: Call | undefined;

  /** The fault that this call meets, where it is the one. */
  const meets = (method: Method, path: string): Fault | undefined => {
    calls.push({ method, path });
    if (fault === undefined || hit !== undefined || calls.length !== fault.at) return undefined;
    if (!fault.kind.methods.includes(method)) return undefined;
    hit = { method, path };
    onHit();
    return fault;
  };
  const fail = ({ kind: { code }, silent = false }: Fault, path: string): void => {
    if (!silent && code !== undefined) throw systemError(code, path);
  };
  const plain = async <Value>(
    method: Method,
    path: string,
    run: () => Promise<Value>,
  ): Promise<Value> => {
    const met = meets(method, path);
    if (met !== undefined) fail({ ...met, silent: false }, path);
    return run();
  };
  const remember = <Key>(of: Map<Key, Undo[]>, key: Key, undo: Undo): void => {
    const undos = of.get(key) ?? [];
    of.set(key, undos);
    undos.push(undo);
  };
  const takeBack = (undos: readonly Undo[] = []): void => {
    for (const undo of undos.toReversed()) undo();
  };

  const opened = (inner: DiskFile, path: string, contents: MemoryContents): DiskFile => {
    const changing = (): void => {
      const before = contents.bytes.slice();
      remember(unsynced, contents, () => {
        contents.truncate(0);
        contents.write(before, 0);
      });
    };
    const write = async (
      method: "write" | "writeSynced",
      buffers: readonly Uint8Array[],
      position: number,
    ): Promise<Fault | undefined> => {
      const met = meets(method, path);
      const part = met?.kind.writes ?? 1;
      changing();
      let calls = 0;
      // The fault lies below the loop that the real disk writes by.
      const writeSome: WriteSome = async (rest, at) => {
        const bytes = Buffer.concat(rest);
        const written = calls++ === 0 ? Math.ceil(bytes.length * part) : bytes.length;
        if (written > 0) await inner.write([bytes.subarray(0, written)], at);
        if (met !== undefined && part < 1) fail(met, path);
        return written;
      };
      await writeAll(writeSome, buffers, position);
      return met;
    };
    const settle = (met: Fault | undefined): void => {
      if (met?.kind.drops === true) takeBack(unsynced.get(contents));
      if (met === undefined || met.kind.drops === true) unsynced.delete(contents);
      if (met !== undefined) fail(met, path);
    };
    return {
      async write(buffers, position) {
        await write("write", buffers, position);
      },
      async writeSynced(buffers, position) {
        settle(await write("writeSynced", buffers, position));
      },
      async sync() {
        settle(meets("sync", path));
      },
      truncate: (size) =>
        plain("truncate", path, () => {
          changing();
          return inner.truncate(size);
        }),
      read: (position, length) => plain("read", path, () => inner.read(position, length)),
      size: () => plain("size", path, () => inner.size()),
      async close() {
        // A descriptor that failed to close is closed all the same.
        await inner.close();
        await plain("close", path, async () => undefined);
      },
    };
  };

  const disk: Disk = {
    open: (path, options) =>
      plain("open", path, async () => {
        const existed = memory.files.has(path);
        const inner = await memory.open(path, options);
        if (!existed) remember(unsyncedNames, dirname(path), () => memory.files.delete(path));
        return opened(inner, path, memory.files.get(path)!);
      }),
    list: (directory) => plain("list", directory, () => memory.list(directory)),
    makeDirectory: (path) => plain("makeDirectory", path, () => memory.makeDirectory(path)),
    rename: (from, to) =>
      plain("rename", from, async () => {
        const moved = memory.files.get(from);
        const replaced = memory.files.get(to);
        await memory.rename(from, to);
        remember(unsyncedNames, dirname(to), () => {
          if (moved !== undefined) memory.files.set(from, moved);
          if (replaced === undefined) memory.files.delete(to);
          else memory.files.set(to, replaced);
        });
      }),
    remove: (path) =>
      plain("remove", path, async () => {
        const removed = memory.files.get(path);
        await memory.remove(path);
        remember(unsyncedNames, dirname(path), () => {
          if (removed !== undefined && memory.directories.has(dirname(path))) {
            memory.files.set(path, removed);
          }
        });
      }),
    removeDirectory: (path) => plain("removeDirectory", path, () => memory.removeDirectory(path)),
    async syncDirectory(directory) {
      const met = meets("syncDirectory", directory);
      await memory.syncDirectory(directory);
      if (met?.kind.drops === true) lost.push(...(unsyncedNames.get(directory) ?? []));
      if (met === undefined || met.kind.drops === true) unsyncedNames.delete(directory);
      if (met !== undefined) fail(met, directory);
    },
    readFile: (path) => plain("readFile", path, () => memory.readFile(path)),
    freeBytes: (directory) => plain("freeBytes", directory, () => memory.freeBytes(directory)),
  };
  return {
    disk,
    calls,
    get hit() {
      return hit;
    },
    endLife() {
      takeBack(lost.splice(0));
      unsyncedNames.clear();
    },
  };
}
