/**
 * The real disk, over `node:fs`. Callbacks with plain descriptors: fewer allocations than handles.
 *
 * On Linux `writeSynced` goes through a second descriptor of the file, opened with O_DSYNC: a write
 * there returns when fdatasync of what it wrote would. So a durable write is one errand of a thread
 * and not two. Elsewhere the flag is missing or promises less than libuv's fdatasync (macOS), and it
 * is a write and a sync.
 */

import * as fs from "node:fs";
import { dirname, resolve } from "node:path";
import type { Disk, DiskFile } from "../disk.ts";
import { unlessMissing } from "./unless-missing.ts";
import { writeAll, type WriteSome } from "./write-all.ts";

export function createNodeDisk(): Disk {
  return {
    async open(path, { create = false, exclusive = false }) {
      let flags = fs.constants.O_RDWR;
      if (create) flags |= fs.constants.O_CREAT;
      if (exclusive) flags |= fs.constants.O_EXCL;
      const descriptor = await call<number>((done) => fs.open(path, flags, 0o640, done));
      return new NodeFile(path, descriptor);
    },
    async list(directory) {
      const names = await unlessMissing(fs.promises.readdir(directory));
      return names === undefined ? [] : names.toSorted();
    },
    async makeDirectory(directory) {
      const first = await fs.promises.mkdir(directory, { recursive: true, mode: 0o750 });
      if (first === undefined) return;
      const top = dirname(resolve(first));
      const parents = [dirname(resolve(directory))];
      while (parents.at(-1) !== top) parents.push(dirname(parents.at(-1)!));
      await Promise.all(parents.map(syncDirectory));
    },
    rename: (from, to) => fs.promises.rename(from, to),
    remove: (path) => fs.promises.unlink(path),
    removeDirectory: (directory) => fs.promises.rmdir(directory),
    syncDirectory,
    readFile: (path) => unlessMissing(fs.promises.readFile(path)),
    async freeBytes(directory) {
      const { bavail, bsize } = await fs.promises.statfs(directory);
      return bavail * bsize;
    },
  };
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.promises.open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const DSYNC = process.platform === "linux" ? fs.constants.O_DSYNC : undefined;

class NodeFile implements DiskFile {
  private readonly path: string;
  private readonly descriptor: number;
  /** Of the same file, for synced writes; opened at the first one. */
  private synced: Promise<number> | undefined;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.descriptor = descriptor;
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return writeAll(writeSome(this.descriptor), buffers, position);
  }

  async writeSynced(buffers: readonly Uint8Array[], position: number): Promise<void> {
    if (DSYNC === undefined) {
      await this.write(buffers, position);
      return this.sync();
    }
    this.synced ??= call<number>((done) => fs.open(this.path, fs.constants.O_RDWR | DSYNC, done));
    return writeAll(writeSome(await this.synced), buffers, position);
  }

  async read(position: number, length: number, memory?: Buffer): Promise<Uint8Array> {
    const buffer = memory ?? Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const bytes = await call<number>((done) =>
        fs.read(this.descriptor, buffer, filled, length - filled, position + filled, (error, n) =>
          done(error, n),
        ),
      );
      if (bytes === 0) break;
      filled += bytes;
    }
    return buffer.subarray(0, filled);
  }

  sync(): Promise<void> {
    return run((done) => fs.fdatasync(this.descriptor, done));
  }

  truncate(size: number): Promise<void> {
    return run((done) => fs.ftruncate(this.descriptor, size, done));
  }

  async size(): Promise<number> {
    const stats = await call<fs.Stats>((done) => fs.fstat(this.descriptor, done));
    return stats.size;
  }

  async close(): Promise<void> {
    const synced = await this.synced?.catch(() => undefined);
    if (synced !== undefined) await run((done) => fs.close(synced, done));
    return run((done) => fs.close(this.descriptor, done));
  }
}

function writeSome(descriptor: number): WriteSome {
  return (buffers, position) =>
    call<number>((done) =>
      fs.writev(descriptor, buffers, position, (error, bytes) => done(error, bytes)),
    );
}

type Done<Value> = (error: NodeJS.ErrnoException | null, value: Value) => void;

function call<Value>(operation: (done: Done<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    operation((error, value) => {
      if (error) reject(error);
      else resolve(value);
    });
  });
}

function run(operation: (done: fs.NoParamCallback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    operation((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
