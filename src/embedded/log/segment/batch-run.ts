/** Whole batches as they stand in a segment, for readers who speak Kafka's format themselves. */

import {
  after,
  type BatchInFile,
  type BatchWindow,
  type Place,
  type TakeMemory,
} from "./batch-scan.ts";
import { DamageFound } from "./damage.ts";
import { isGap } from "../format/gap-batch.ts";

export interface BatchRun {
  /** Views of what was read; together they are the batches, byte for byte. */
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
  /** Where to go on: behind the last batch, also where all that was passed is gone. */
  readonly nextOffset: number;
}

export interface RunLimits {
  /** The first batch is read even when it is larger. */
  readonly bytesMax: number;
  /** Batches that reach beyond this offset are left out. */
  readonly endOffset: number;
  /** Where the chunks' memory comes from; it is theirs as long as anybody looks at them. */
  readonly take?: TakeMemory;
}

/**
 * Reads batches from the one that holds `offset`, whose search begins at `from`. Checksums are
 * verified. Throws `DamageFound` where the first one does not hold; at a later one the run ends.
 */
export async function readBatchRun(
  window: BatchWindow,
  { from, offset, endPosition }: { from: Place; offset: number; endPosition: number },
  { bytesMax, endOffset }: RunLimits,
): Promise<{ readonly run: BatchRun; readonly next: Place }> {
  const run = new RunBuilder();
  let place = from;
  while (place.position < endPosition && place.offset < endOffset) {
    // Its header first: the records of one that is left out would be read and verified for nothing.
    let batch = await window.batchAt(place, false);
    if (batch !== undefined && batch.header.nextOffset > offset) {
      const { nextOffset, bytes } = batch.header;
      if (nextOffset > endOffset || (run.bytes > 0 && run.bytes + bytes > bytesMax)) break;
      batch = await window.batchAt(place, true);
      // As from a log of Kafka's: its clients meet a gap, not what holds its place.
      if (batch !== undefined && !isGap(batch.header)) run.add(batch);
    }
    if (batch === undefined) {
      if (run.bytes > 0) break;
      throw new DamageFound(place.position, place.offset);
    }
    place = after(place, batch.header);
  }
  return { run: { chunks: run.chunks, bytes: run.bytes, nextOffset: place.offset }, next: place };
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
}
