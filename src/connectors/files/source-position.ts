/**
 * How far a file was read, on the disk: one JSON object, replaced as a whole when everything before it
 * is published and durable. It is the only truth: what stands behind it in the file of rejected lines
 * was not counted and is cut off.
 *
 * `epoch` grows when the same file was cut or written anew, so its lines get other ids than before.
 */

import { createHash } from "node:crypto";
import { MillraceError } from "../../model/errors.ts";
import type { FileDisk, OpenFile } from "./disk/file-disk.ts";
import { readWhole, replaceWhole } from "./disk/whole-file.ts";

export interface SourcePosition {
  readonly format: 1;
  /** Of the file that was read. */
  readonly identity: string;
  readonly epoch: number;
  /** Where the next record begins. */
  readonly offset: number;
  readonly line: number;
  /** What stood right before `offset`: whether it still does tells a file that was written anew. */
  readonly fingerprint: string;
  /** The column names of CSV, once they were read. */
  readonly columns?: readonly string[];
  /** Lines that were rejected, and how long their file was. */
  readonly rejected: number;
  readonly rejectsBytes: number;
}

export function beginOf(identity: string, before?: SourcePosition): SourcePosition {
  const { rejected = 0, rejectsBytes = 0 } = before ?? {};
  const epoch = before?.identity === identity ? before.epoch + 1 : 0;
  return {
    format: 1,
    identity,
    epoch,
    offset: 0,
    line: 1,
    fingerprint: fingerprintOf(new Uint8Array(0)),
    rejected,
    rejectsBytes,
  };
}

/** Throws LOG_DAMAGED for a file that is no position. */
export async function readPosition(
  disk: FileDisk,
  path: string,
): Promise<SourcePosition | undefined> {
  const bytes = await readWhole(disk, path);
  if (bytes === undefined) return undefined;
  try {
    const position: SourcePosition = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (position.format === 1 && Number.isSafeInteger(position.offset)) return position;
  } catch {
    // Said below: no text of the file helps anybody.
  }
  throw new MillraceError(
    "LOG_DAMAGED",
    `${path} is no position of a file source; move it away, and the file is read from its start`,
    { details: { path } },
  );
}

export function writePosition(
  disk: FileDisk,
  path: string,
  position: SourcePosition,
): Promise<void> {
  return replaceWhole(disk, path, Buffer.from(`${JSON.stringify(position)}\n`));
}

const FINGERPRINT_BYTES = 256;

/** Of what stands right before the offset. */
export async function fingerprintAt(file: OpenFile, offset: number): Promise<string> {
  const length = Math.min(FINGERPRINT_BYTES, offset);
  return fingerprintOf(await file.read(offset - length, length));
}

function fingerprintOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 32);
}
