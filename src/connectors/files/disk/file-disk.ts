/**
 * What file sources and sinks do to the disk, so that tests can end it at any step. Errors are those
 * of the system, with their `code`.
 */

import { constants } from "node:fs";
import { open, rename, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

export interface OpenFile {
  /** Tells this file from every other one that had or will have its path. */
  readonly identity: string;
  size(): Promise<number>;
  /** Up to `length` bytes from `offset`; fewer at the end, none behind it. */
  read(offset: number, length: number): Promise<Uint8Array>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Resolves when everything written is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileDisk {
  /** Undefined where there is no such file. */
  openToRead(path: string): Promise<OpenFile | undefined>;
  /** Creates it where it is not there; its name is on the disk when this resolves. */
  openToWrite(path: string): Promise<OpenFile>;
  /** The identity of the file that has this path now. */
  identify(path: string): Promise<string | undefined>;
  /** Replaces what is at `to`; both names are on the disk when this resolves. */
  rename(from: string, to: string): Promise<void>;
}

export const NODE_FILE_DISK: FileDisk = {
  openToRead: async (path) => {
    const handle = await orUndefined(open(path, "r"));
    return handle && openFile(handle);
  },
  openToWrite: async (path) => {
    const known = await orUndefined(open(path, "r+"));
    if (known !== undefined) return openFile(known);
    const { O_RDWR, O_CREAT } = constants;
    const handle = await open(path, O_RDWR | O_CREAT, 0o600);
    await syncDirectory(dirname(path));
    return openFile(handle);
  },
  identify: async (path) => {
    const facts = await orUndefined(stat(path, { bigint: true }));
    return facts && identityOf(facts);
  },
  rename: async (from, to) => {
    await rename(from, to);
    await syncDirectory(dirname(to));
  },
};

async function openFile(handle: FileHandle): Promise<OpenFile> {
  return {
    identity: identityOf(await handle.stat({ bigint: true })),
    size: async () => (await handle.stat()).size,
    read: async (offset, length) => {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
    write: async (offset, bytes) => {
      for (let written = 0; written < bytes.length;) {
        const part = bytes.subarray(written);
        written += (await handle.write(part, 0, part.length, offset + written)).bytesWritten;
      }
    },
    truncate: (size) => handle.truncate(size),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** A number of a deleted file may be given to the next one; its birth tells the two apart. */
function identityOf(facts: { dev: bigint; ino: bigint; birthtimeNs: bigint }): string {
  return `${facts.dev}:${facts.ino}:${facts.birthtimeNs}`;
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function orUndefined<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
