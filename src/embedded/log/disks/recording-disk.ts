/**
 * A disk in memory that writes down every operation in the order in which it took effect, so that
 * `enumeratePowerCuts` can rebuild what a power cut at any moment may leave.
 *
 * A sync covers what was written before it was called. It returns only after several turns of the
 * promise queue, so that whatever its caller does at the same time comes in between, as it would on a
 * real disk.
 */

import { dirname } from "node:path";
import type { Disk, DiskFile } from "../disk.ts";
import { createMemoryDisk, type MemoryContents, type MemoryDisk } from "./memory-disk.ts";

/** A file apart from its names, as the file system counts them. */
export type Inode = number;

export type DiskOperation =
  | {
      readonly kind: "write";
      readonly inode: Inode;
      readonly position: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "truncate"; readonly inode: Inode; readonly size: number }
  | { readonly kind: "create"; readonly path: string; readonly inode: Inode }
  | { readonly kind: "rename"; readonly path: string; readonly from: string }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "removeDirectory"; readonly path: string }
  /** Never in doubt: `makeDirectory` is durable when it resolves. */
  | { readonly kind: "makeDirectory"; readonly path: string };

export type DiskEvent<Note> =
  | DiskOperation
  /** The operations on the file among the first `before` events are durable. */
  | { readonly kind: "synced"; readonly inode: Inode; readonly before: number }
  | { readonly kind: "directorySynced"; readonly path: string; readonly before: number }
  /** What the workload said of itself: "offset 7 is acknowledged". */
  | { readonly kind: "note"; readonly note: Note };

export interface Recording<Note> {
  readonly disk: Disk;
  readonly events: readonly DiskEvent<Note>[];
  readonly note: (note: Note) => void;
  /** What was there, durable, before the first event. */
  readonly initial: ReadonlyMap<string, { readonly inode: Inode; readonly bytes: Uint8Array }>;
  readonly initialDirectories: readonly string[];
}

const SYNC_TURNS = 12;

export function recordDisk<Note>(memory: MemoryDisk = createMemoryDisk()): Recording<Note> {
  const events: DiskEvent<Note>[] = [];
  const inodes = new Map<MemoryContents, Inode>();
  const inodeOf = (contents: MemoryContents): Inode => {
    const known = inodes.get(contents) ?? inodes.size;
    inodes.set(contents, known);
    return known;
  };
  const initial = new Map(
    [...memory.files].map(([path, contents]) => [
      path,
      { inode: inodeOf(contents), bytes: contents.bytes.slice() },
    ]),
  );
  const initialDirectories = [...memory.directories];

  const file = (inner: DiskFile, inode: Inode): DiskFile => ({
    // A power cut may come between the two: a synced write is no more atomic than that.
    async writeSynced(buffers, position) {
      await this.write(buffers, position);
      await this.sync();
    },
    async write(buffers, position) {
      const bytes = Buffer.concat(buffers);
      await inner.write([bytes], position);
      events.push({ kind: "write", inode, position, bytes });
    },
    read: (position, length) => inner.read(position, length),
    async sync() {
      const before = events.length;
      await inner.sync();
      await turns(SYNC_TURNS);
      events.push({ kind: "synced", inode, before });
    },
    async truncate(size) {
      await inner.truncate(size);
      events.push({ kind: "truncate", inode, size });
    },
    size: () => inner.size(),
    close: () => inner.close(),
  });

  const disk: Disk = {
    async open(path, options) {
      const existed = memory.files.has(path);
      const inner = await memory.open(path, options);
      const inode = inodeOf(memory.files.get(path)!);
      if (!existed) events.push({ kind: "create", path, inode });
      return file(inner, inode);
    },
    list: (directory) => memory.list(directory),
    async makeDirectory(directory) {
      await memory.makeDirectory(directory);
      events.push({ kind: "makeDirectory", path: directory });
    },
    async rename(from, to) {
      await memory.rename(from, to);
      events.push({ kind: "rename", from, path: to });
    },
    async remove(path) {
      await memory.remove(path);
      events.push({ kind: "remove", path });
    },
    async removeDirectory(directory) {
      await memory.removeDirectory(directory);
      events.push({ kind: "removeDirectory", path: directory });
    },
    async syncDirectory(directory) {
      const before = events.length;
      await memory.syncDirectory(directory);
      await turns(SYNC_TURNS);
      events.push({ kind: "directorySynced", path: directory, before });
    },
    readFile: (path) => memory.readFile(path),
    freeBytes: (directory) => memory.freeBytes(directory),
  };
  const note = (value: Note): void => {
    events.push({ kind: "note", note: value });
  };
  return { disk, events, note, initial, initialDirectories };
}

/** A disk that says it has synced and has not: what acknowledging before the sync amounts to. */
export function withoutSyncs(disk: Disk): Disk {
  return {
    ...disk,
    async open(path, options) {
      const file = await disk.open(path, options);
      return {
        write: (buffers, position) => file.write(buffers, position),
        writeSynced: (buffers, position) => file.write(buffers, position),
        read: (position, length) => file.read(position, length),
        sync: async () => undefined,
        truncate: (size) => file.truncate(size),
        size: () => file.size(),
        close: () => file.close(),
      };
    },
  };
}

/** The directory whose sync makes the change of a name durable. */
export function directoryOf(operation: { readonly path: string }): string {
  return dirname(operation.path);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}
