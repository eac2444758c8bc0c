/**
 * The appends that will be written and synced together.
 *
 * Every append goes straight into the batch that is being filled; one that does not fit closes it and
 * begins the next. So an append is never cut in two, and thousands of small ones share one batch, one
 * checksum and one promise.
 */

import { MillraceError } from "../../../model/errors.ts";
import { AT, BATCH_BYTES_MAX, TRANSACTIONAL } from "../format/batch-layout.ts";
import type { BatchHeader } from "../format/batch-decoder.ts";
import { BatchEncoder, recordBytesMax } from "../format/batch-encoder.ts";
import { placeBatch, type WireBatch } from "../format/wire-batch.ts";
import type { TransactionEnd } from "../format/transaction-marker.ts";
import type { TransactionalBatch } from "../producers/partition-producers.ts";
import type { AppendRecord } from "../partition-log.ts";
import { POOLED_BYTES, type BufferPool } from "./buffer-pool.ts";

export interface EncodedBatch {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  /** The newest time in it. */
  readonly newestMs: number;
}

export class CommitGroup {
  readonly firstOffset: number;
  nextOffset: number;
  oldestMs = 0;
  newestMs = 0;
  /** Whether a producer with an id is among them. */
  producers = false;
  readonly transactional: TransactionalBatch[] = [];
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
  private readonly pool: BufferPool;
  private readonly buffers: Buffer[] = [];
  private readonly batches: EncodedBatch[] = [];
  private sealedBytes = 0;
  private open: BatchEncoder | undefined;

  constructor(firstOffset: number, pool: BufferPool) {
    this.firstOffset = firstOffset;
    this.nextOffset = firstOffset;
    this.pool = pool;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever appended hears of a failure; the handler keeps one who does not listen from ending the
    // process with an unhandled rejection.
    promise.catch(() => undefined);
    this.durable = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  get bytes(): number {
    return this.sealedBytes + (this.open?.bytes ?? 0);
  }

  /** Adds all the records or, when it throws TOO_LARGE, none. */
  add(records: readonly AppendRecord[], appendedMs: number): void {
    let bytesMax = 0;
    for (const record of records) bytesMax += recordBytesMax(record);
    const encoder = this.encoderFor(bytesMax, appendedMs);
    const { bytes, count } = encoder;
    for (const record of records) encoder.add(record, appendedMs);
    if (encoder.bytes > BATCH_BYTES_MAX) {
      const size = encoder.bytes - bytes;
      encoder.rewind(bytes, count);
      throw tooLarge(records.length, size);
    }
    if (this.nextOffset === this.firstOffset) this.oldestMs = appendedMs;
    this.newestMs = Math.max(this.newestMs, appendedMs);
    this.nextOffset += records.length;
  }

  /**
   * Adds batches that a client made, as they are: each is given its offset. `ends` is said of the marker
   * of a transaction.
   */
  addWhole(batches: readonly WireBatch[], appendedMs: number, ends?: TransactionEnd): void {
    this.closeBatch();
    for (const batch of batches) {
      const { bytes, header } = batch;
      placeBatch(batch, this.nextOffset);
      if (header.producerId >= 0) this.noteProducer(header, ends);
      if (this.nextOffset === this.firstOffset) this.oldestMs = appendedMs;
      this.newestMs = Math.max(this.newestMs, header.newestMs);
      this.sealedBytes += bytes.length;
      this.batches.push({ bytes, baseOffset: this.nextOffset, newestMs: header.newestMs });
      this.nextOffset += header.count;
    }
  }

  /** The batches, complete. Nothing can be added any more. */
  seal(): readonly EncodedBatch[] {
    this.closeBatch();
    return this.batches;
  }

  /** Gives the memory back. The batches must not be used any more. */
  release(): void {
    for (const buffer of this.buffers) this.pool.give(buffer);
    this.buffers.length = 0;
    this.batches.length = 0;
  }

  private noteProducer(
    { producerId, attributes, count }: BatchHeader,
    ends?: TransactionEnd,
  ): void {
    this.producers = true;
    if (!(attributes & TRANSACTIONAL)) return;
    const firstOffset = this.nextOffset;
    const batch = { producerId, firstOffset, nextOffset: firstOffset + count };
    this.transactional.push(ends === undefined ? batch : { ...batch, ends });
  }

  private encoderFor(bytesMax: number, appendedMs: number): BatchEncoder {
    if (this.open !== undefined && bytesMax <= this.open.room) return this.open;
    // Texts are counted at three bytes a character, so twice the limit may still turn out to fit.
    if (bytesMax > BATCH_BYTES_MAX * 3) throw tooLarge(1, bytesMax);
    this.closeBatch();
    const buffer = this.pool.take(Math.max(AT.records + bytesMax, POOLED_BYTES));
    this.buffers.push(buffer);
    this.open = new BatchEncoder(buffer, this.nextOffset, appendedMs);
    return this.open;
  }

  private closeBatch(): void {
    const { open } = this;
    this.open = undefined;
    if (open === undefined || open.count === 0) return;
    const bytes = open.seal();
    this.sealedBytes += bytes.length;
    this.batches.push({ bytes, baseOffset: open.baseOffset, newestMs: open.newestMs });
  }
}

function tooLarge(count: number, bytes: number): MillraceError {
  return new MillraceError(
    "TOO_LARGE",
    `an append of ${count} records and about ${bytes} bytes is over the limit of ` +
      `${BATCH_BYTES_MAX} bytes for one batch; append fewer records at a time`,
    { details: { bytes, limit: BATCH_BYTES_MAX } },
  );
}
