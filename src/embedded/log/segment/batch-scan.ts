/** Walks through the batches of a segment file, and finds where to go on after damage. */

import type { DiskFile } from "../disk.ts";
import { AT, CONTROL } from "../format/batch-layout.ts";
import { isIntact, readBatchHeader, type BatchHeader } from "../format/batch-decoder.ts";

const CHUNK_BYTES = 1024 * 1024;
/** From this size on batches lie so far apart that their headers are read one by one. */
const LARGE_BYTES = 64 * 1024;
const HEADER_CHUNK_BYTES = 4 * 1024;

/** Memory of exactly so many bytes, for what is read; whoever reads says when it is used again. */
export type TakeMemory = (bytes: number) => Buffer;

export interface Place {
  readonly position: number;
  /** The first offset of the batch that begins at `position`. */
  readonly offset: number;
}

export interface BatchInFile {
  readonly header: BatchHeader;
  /** The batch begins at `at`. */
  readonly chunk: Buffer;
  readonly at: number;
}

/** A window that moves forward over a file, so that many batches come with one read. */
export class BatchWindow {
  private readonly file: DiskFile;
  private readonly endPosition: number;
  /** No batch of the file reaches beyond it. */
  private readonly endOffset: number;
  /** How much is read at a time, where a batch is not larger. */
  chunkBytes: number;
  private readonly take: TakeMemory | undefined;
  private chunk: Buffer = Buffer.alloc(0);
  private chunkAt = 0;

  constructor(
    file: DiskFile,
    endPosition: number,
    {
      chunkBytes = CHUNK_BYTES,
      endOffset = Infinity,
      take,
    }: { chunkBytes?: number; endOffset?: number; take?: TakeMemory | undefined } = {},
  ) {
    this.file = file;
    this.endPosition = endPosition;
    this.endOffset = endOffset;
    this.chunkBytes = chunkBytes;
    this.take = take;
  }

  /**
   * The batch at the place, undefined where none stands there. Its checksum is verified and its
   * records are in the chunk where it is `wanted` whole, unless it is larger than `bytesMax`; otherwise only the
   * header was looked at.
   */
  async batchAt(
    { position, offset }: Place,
    wanted: boolean,
    bytesMax: number = Infinity,
  ): Promise<BatchInFile | undefined> {
    await this.hold(position, AT.records);
    const header = readBatchHeader(this.chunk, position - this.chunkAt);
    if (header === undefined || !continues(header, offset)) return undefined;
    if (position + header.bytes > this.endPosition) return undefined;
    if (header.nextOffset > this.endOffset) return undefined;
    const whole = wanted && header.bytes <= bytesMax;
    if (whole) await this.hold(position, header.bytes);
    const batch = { header, chunk: this.chunk, at: position - this.chunkAt };
    return whole && !isIntact(batch.chunk, batch.at, header) ? undefined : batch;
  }

  private async hold(position: number, bytes: number): Promise<void> {
    const wanted = Math.min(position + bytes, this.endPosition);
    if (position >= this.chunkAt && wanted <= this.chunkAt + this.chunk.length) return;
    const length = Math.min(Math.max(bytes, this.chunkBytes), this.endPosition - position);
    this.chunk = asBuffer(await this.file.read(position, length, this.take?.(length)));
    this.chunkAt = position;
  }
}

export interface ScanOptions {
  readonly from: Place;
  /** Where the file, or what is trusted of it, ends. */
  readonly endPosition: number;
  /** No batch reaches beyond it, where it is known. */
  readonly endOffset?: number;
  /** Looks at every byte and its checksum; otherwise at the headers only. */
  readonly verify: boolean;
  readonly onBatch: OnBatch;
}

/** A transaction's marker is whole in the chunk even where only headers are looked at. */
export type OnBatch = (header: BatchHeader, position: number, batch: BatchInFile) => void;

/** Returns the place after the last batch that fits on; short of the end where something is wrong. */
export async function scanBatches(file: DiskFile, options: ScanOptions): Promise<Place> {
  const { endPosition, endOffset = Infinity, verify, onBatch } = options;
  const chunkBytes = verify ? CHUNK_BYTES : LARGE_BYTES;
  const window = new BatchWindow(file, endPosition, { endOffset, chunkBytes });
  let place = options.from;
  while (place.position < endPosition) {
    let batch = await window.batchAt(place, verify);
    const isMarker = batch !== undefined && (batch.header.attributes & CONTROL) !== 0;
    if (isMarker && !verify) batch = await window.batchAt(place, true);
    if (batch === undefined) break;
    onBatch(batch.header, place.position, batch);
    place = after(place, batch.header);
    if (verify) continue;
    // What is read is kept by nobody, and a start may read headers of segments full of large batches.
    window.chunkBytes = batch.header.bytes < LARGE_BYTES ? CHUNK_BYTES : HEADER_CHUNK_BYTES;
  }
  return place;
}

export function after(place: Place, header: BatchHeader): Place {
  return { position: place.position + header.bytes, offset: header.nextOffset };
}

/** The first intact batch after `from` that can follow it; undefined where there is none. */
export async function findIntactBatch(
  file: DiskFile,
  from: Place,
  endPosition: number,
): Promise<Place | undefined> {
  for (let start = from.position + 1; start < endPosition; start += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES + AT.records, endPosition - start);
    const chunk = asBuffer(await file.read(start, length));
    for (let at = 0; at < Math.min(CHUNK_BYTES, chunk.length); at++) {
      const header = readBatchHeader(chunk, at);
      if (header === undefined || header.leaderEpoch !== 0) continue;
      if (header.baseOffset < from.offset || start + at + header.bytes > endPosition) continue;
      const batch = asBuffer(await file.read(start + at, header.bytes));
      if (isIntact(batch, 0, header)) return { position: start + at, offset: header.baseOffset };
    }
  }
  return undefined;
}

/**
 * Whether the batch may stand where `offset` is expected. Offset and leader epoch lie outside the
 * checksum; that offsets leave no gap, and that we write epoch 0, is what protects them.
 */
function continues(header: BatchHeader, offset: number): boolean {
  return header.baseOffset === offset && header.leaderEpoch === 0;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
