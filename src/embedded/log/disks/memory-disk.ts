/**
 * A disk in memory, for tests: the same errors as the real one, an optional capacity, and files that
 * can be looked at and damaged from outside.
 *
 * A removed or renamed file stays usable through handles that are open, as on any POSIX system.
 */

import { dirname } from "node:path";
import type { Disk, DiskFile } from "../disk.ts";

export interface MemoryDisk extends Disk {
  /** Every file by its path; change the bytes to damage it. */
  readonly files: Map<string, MemoryContents>;
  readonly directories: Set<string>;
  /** Writes that would pass it fail with ENOSPC after they have filled the rest. */
  capacityBytes: number;
  usedBytes(): number;
}

export class MemoryContents {
  private buffer: Uint8Array;
  private length: number;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.buffer = bytes;
    this.length = bytes.length;
  }

  get size(): number {
    return this.length;
  }

  /** A view: writing to it changes the file. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  write(bytes: Uint8Array, position: number): void {
    this.reserve(position + bytes.length);
    this.buffer.set(bytes, position);
    this.length = Math.max(this.length, position + bytes.length);
  }

  truncate(size: number): void {
    this.reserve(size);
    if (size < this.length) this.buffer.fill(0, size, this.length);
    this.length = size;
  }

  private reserve(size: number): void {
    if (size <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(size, this.buffer.length * 2, 256));
    grown.set(this.bytes);
    this.buffer = grown;
  }
}

export function createMemoryDisk(): MemoryDisk {
  const files = new Map<string, MemoryContents>();
  const directories = new Set<string>();
  const find = (path: string): MemoryContents => {
    const contents = files.get(path);
    if (contents === undefined) throw systemError("ENOENT", path);
    return contents;
  };
  const disk: MemoryDisk = {
    files,
    directories,
    capacityBytes: Number.POSITIVE_INFINITY,
    usedBytes: () => files.values().reduce((sum, contents) => sum + contents.size, 0),
    async open(path, { create = false, exclusive = false }) {
      if (exclusive && files.has(path)) throw systemError("EEXIST", path);
      if (create && !files.has(path)) {
        if (!directories.has(dirname(path))) throw systemError("ENOENT", path);
        files.set(path, new MemoryContents());
      }
      return new MemoryFile(find(path), () => disk.capacityBytes - disk.usedBytes());
    },
    async list(directory) {
      const inside = [...files.keys(), ...directories].filter(
        (path) => dirname(path) === directory,
      );
      return inside.map((path) => path.slice(directory.length + 1)).toSorted();
    },
    async makeDirectory(directory) {
      for (let path = directory; !directories.has(path) && path !== dirname(path);) {
        directories.add(path);
        path = dirname(path);
      }
    },
    async rename(from, to) {
      const contents = find(from);
      files.delete(from);
      files.set(to, contents);
    },
    async remove(path) {
      find(path);
      files.delete(path);
    },
    async removeDirectory(directory) {
      if ((await disk.list(directory)).length > 0) throw systemError("ENOTEMPTY", directory);
      if (!directories.delete(directory)) throw systemError("ENOENT", directory);
    },
    async syncDirectory(directory) {
      if (!directories.has(directory)) throw systemError("ENOENT", directory);
    },
    async readFile(path) {
      return files.get(path)?.bytes.slice();
    },
    async freeBytes() {
      return disk.capacityBytes - disk.usedBytes();
    },
  };
  return disk;
}

class MemoryFile implements DiskFile {
  private readonly contents: MemoryContents;
  private readonly freeBytes: () => number;
  private open = true;

  constructor(contents: MemoryContents, freeBytes: () => number) {
    this.contents = contents;
    this.freeBytes = freeBytes;
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    this.mustBeOpen();
    let at = position;
    for (const buffer of buffers) {
      const growth = Math.max(0, at + buffer.length - this.contents.size);
      const missing = Math.max(0, growth - this.freeBytes());
      this.contents.write(buffer.subarray(0, buffer.length - missing), at);
      if (missing > 0) throw systemError("ENOSPC", "write");
      at += buffer.length;
    }
  }

  writeSynced(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return this.write(buffers, position);
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    this.mustBeOpen();
    return Buffer.from(this.contents.bytes.subarray(position, position + length));
  }

  async sync(): Promise<void> {
    this.mustBeOpen();
  }

  async truncate(size: number): Promise<void> {
    this.mustBeOpen();
    this.contents.truncate(size);
  }

  async size(): Promise<number> {
    this.mustBeOpen();
    return this.contents.size;
  }

  async close(): Promise<void> {
    this.mustBeOpen();
    this.open = false;
  }

  private mustBeOpen(): void {
    if (!this.open) throw systemError("EBADF", "file");
  }
}

/** An error as Node's own file functions throw it. */
export function systemError(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
