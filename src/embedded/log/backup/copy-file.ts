/** Files of a backup: copied piece by piece, so that the disk and its users get a breath in between. */

import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { link, open, type FileHandle } from "node:fs/promises";
import { errorCode } from "../disks/error-code.ts";

const PIECE_BYTES = 1024 * 1024;
/** A sync of all of a large file at its end would hold up everybody else's. */
const SYNC_BYTES = 16 * 1024 * 1024;

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** Called for each piece. */
  readonly copied: (bytes: number) => void;
}

export interface FileSum {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Copies the first `bytes` of the file, or all of it, to a path where nothing is; synced. Throws Node's
 * own errors, and a plain `Error` where the file is shorter.
 */
export async function copyFile(
  from: string,
  to: string,
  { signal, copied }: CopyOptions,
  bytes?: number,
): Promise<FileSum> {
  await using source = await open(from, constants.O_RDONLY);
  await using target = await open(to, "wx", 0o640);
  let unsynced = 0;
  const sum = await eachPiece(source, bytes, async (piece) => {
    signal.throwIfAborted();
    await writeAll(target, piece);
    copied(piece.length);
    unsynced += piece.length;
    if (unsynced < SYNC_BYTES) return;
    unsynced = 0;
    await target.datasync();
  });
  await target.sync();
  return sum;
}

/** Reads and sums the whole file. */
export async function sumFile(
  path: string,
  { signal, copied }: CopyOptions,
  bytes?: number,
): Promise<FileSum> {
  await using source = await open(path, constants.O_RDONLY);
  return await eachPiece(source, bytes, async (piece) => {
    signal.throwIfAborted();
    copied(piece.length);
  });
}

/** A second name for the file; false where the two places do not share a file system that can. */
export async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code !== undefined && NO_LINKS.includes(code)) return false;
    throw error;
  }
}

const NO_LINKS = ["EXDEV", "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

/** Writes a small file, synced. */
export async function writeFile(path: string, contents: Uint8Array): Promise<FileSum> {
  await using file = await open(path, "wx", 0o640);
  await writeAll(file, contents);
  await file.sync();
  return { bytes: contents.length, sha256: digest(createHash("sha256").update(contents)) };
}

export async function syncPath(path: string): Promise<void> {
  await using file = await open(path, constants.O_RDONLY);
  await file.sync();
}

async function eachPiece(
  source: FileHandle,
  bytes: number | undefined,
  use: (piece: Uint8Array) => Promise<void>,
): Promise<FileSum> {
  const end = bytes ?? (await source.stat()).size;
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, Math.max(1, end)));
  let at = 0;
  while (at < end) {
    const wanted = Math.min(buffer.length, end - at);
    const { bytesRead } = await source.read(buffer, 0, wanted, at);
    if (bytesRead === 0) throw new Error(`the file ends at ${at} of ${end} bytes`);
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    await use(piece);
    at += bytesRead;
  }
  return { bytes: end, sha256: digest(hash) };
}

async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length;) {
    const { bytesWritten } = await file.write(piece, at, piece.length - at);
    at += bytesWritten;
  }
}

function digest(hash: Hash): string {
  return hash.digest("hex");
}
