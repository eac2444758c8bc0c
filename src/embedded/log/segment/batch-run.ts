/** Whole batches as they stand in a segment, for readers who speak Kafka's format themselves. */

import {
  after,
  type BatchInFile,
  type BatchWindow,
  type Place,
  type TakeMemory,
} from "./batch-scan.ts";
import { DamageFound } from "./damage.ts";
import { AT } from "../format/batch-layout.ts";
import { isGap } from "../format/gap-batch.ts";

/** Tens of megabytes at a time would keep the thread for tens of milliseconds. */
const TURN_BYTES = 1024 * 1024;

export interface BatchRun {
  /** Views of what was read; together they are the batches, byte for byte. */
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
  /** Where to go on: behind the last batch, also where all that was passed is gone. */
  readonly nextOffset: number;
  /** How large the first batch is, where that is more than `firstBytesMax`; otherwise 0. */
  readonly neededBytes: number;
}

export interface RunLimits {
  /** The first batch is read even when it is larger, up to `firstBytesMax`. */
  readonly bytesMax: number;
  /** A first batch that is larger is told and not read; without it there is no bound. */
  readonly firstBytesMax?: number;
  /** Batches that reach beyond this offset are left out. */
  readonly endOffset: number;
  /** Where the chunks' memory comes from; it is theirs as long as anybody looks at them. */
  readonly take?: TakeMemory;
  /** Resolves when others have had their turn: waited for after every megabyte that was checked. */
  readonly turn?: () => Promise<void>;
}

/** Where a run begins in a segment, and where the segment ends. */
interface RunStretch {
  readonly from: Place;
  readonly offset: number;
  readonly endPosition: number;
  readonly endOffset: number;
}

/**
 * Reads batches from the one that holds `offset`, whose search begins at `from`. Checksums are
 * verified. Throws `DamageFound` where the first one does not hold; at a later one the run ends.
 *
 * Takes no memory for batches that the run has no room for: who reads counts what it takes.
 */
export async function readBatchRun(
  window: BatchWindow,
  { from, offset, ...segment }: RunStretch,
  { bytesMax, firstBytesMax = Infinity, endOffset, turn }: RunLimits,
): Promise<{ readonly run: BatchRun; readonly next: Place }> {
  const run = new RunBuilder();
  let place = from;
  let turnEnds = TURN_BYTES;
  while (place.position < segment.endPosition && place.offset < endOffset) {
    const left = bytesMax - run.bytes;
    // Not even an empty batch would fit.
    if (run.bytes > 0 && left < AT.records) break;
    window.chunkBytes = left;
    const room = run.bytes > 0 ? left : firstBytesMax;
    let batch = await window.batchAt(place, place.offset >= offset, room);
    if (batch !== undefined && batch.header.nextOffset > offset) {
      const { nextOffset, bytes } = batch.header;
      if (nextOffset > endOffset) break;
      if (bytes > room) {
        if (run.bytes > 0) break;
        return { run: { ...run.result(place.offset), neededBytes: bytes }, next: place };
      }
      if (place.offset < offset) batch = await window.batchAt(place, true);
      // As from a log of Kafka's: its clients meet a gap, not what holds its place.
      if (batch !== undefined && !isGap(batch.header)) run.add(batch);
    }
    if (batch === undefined) {
      if (run.bytes > 0) break;
      throw new DamageFound(place.position, place.offset);
    }
    place = after(place, batch.header);
    if (run.bytes < turnEnds || turn === undefined) continue;
    turnEnds = run.bytes + TURN_BYTES;
    await turn();
  }
  // The batches end before the segment does: nobody would ever get on from here.
  const short = place.position >= segment.endPosition && place.offset <= offset;
  if (short && offset < Math.min(segment.endOffset, endOffset)) {
    throw new DamageFound(place.position, place.offset);
  }
  return { run: run.result(place.offset), next: place };
}

/** Batches that lie side by side in one chunk become one view. */
class RunBuilder {
  readonly chunks: Buffer[] = [];
  bytes = 0;
  #chunk: Buffer | undefined;
  #end = 0;

  add({ chunk, at, header }: BatchInFile): void {
    this.bytes += header.bytes;
    const joins = chunk === this.#chunk && at === this.#end;
    const last = joins ? this.chunks.pop()! : undefined;
    const start = last === undefined ? at : at - last.length;
    this.#chunk = chunk;
    this.#end = at + header.bytes;
    this.chunks.push(chunk.subarray(start, this.#end));
  }

  result(nextOffset: number): BatchRun {
    return { chunks: this.chunks, bytes: this.bytes, nextOffset, neededBytes: 0 };
  }
}
