/** Writes what compaction leaves of one segment to a file of its own. */

import type { DiskFile } from "../disk.ts";
import { encodeGap, isGap } from "../format/gap-batch.ts";
import { after, BatchWindow, type Place } from "../segment/batch-scan.ts";
import { DamageFound } from "../segment/damage.ts";
import type { Segment } from "../segment/segment.ts";
import type { BatchCleaner } from "./batch-cleaner.ts";

/** Small, because between two reads nobody else has a turn. */
const READ_BYTES = 64 * 1024;
const WRITE_BYTES = 1024 * 1024;

export interface CompactedFile {
  /** False where all is as it was: then nothing needs to be swapped. */
  readonly changed: boolean;
  readonly bytes: number;
  /** Of what is left; 0 where that is nothing. */
  readonly newestMs: number;
  /** 0 where nothing in it dies by itself. */
  readonly horizonMs: number;
}

export interface CompactSegmentOptions {
  readonly cleaner: BatchCleaner;
  readonly target: DiskFile;
  /** Ends the work with its reason. */
  readonly signal: AbortSignal;
}

/** The target is not synced. Throws `DamageFound`. */
export function compactSegment(
  segment: Segment,
  { cleaner, target, signal }: CompactSegmentOptions,
): Promise<CompactedFile> {
  return segment.hold(async (file) => {
    const { bytes: endPosition, nextOffset, baseOffset } = segment;
    const window = new BatchWindow(file, endPosition, { chunkBytes: READ_BYTES });
    const output = new BufferedOutput(target);
    let place: Place = { position: 0, offset: baseOffset };
    let gapFrom: number | undefined;
    let newestMs = 0;
    let horizonMs = 0;
    let changed = false;
    const closeGap = async (offset: number): Promise<void> => {
      if (gapFrom !== undefined) await output.append(encodeGap(gapFrom, offset));
      gapFrom = undefined;
    };
    while (place.position < endPosition) {
      signal.throwIfAborted();
      const batch = await window.batchAt(place, true);
      if (batch === undefined) throw new DamageFound(place.position, place.offset);
      const { header, chunk, at } = batch;
      const cleaned = await cleaner.clean(batch);
      changed ||= cleaned.kind === "rewritten" || (cleaned.kind === "dropped" && !isGap(header));
      if (cleaned.kind === "dropped") gapFrom ??= header.baseOffset;
      else {
        await closeGap(header.baseOffset);
        const left =
          cleaned.kind === "rewritten" ? cleaned.bytes : chunk.subarray(at, at + header.bytes);
        await output.append(left);
        newestMs = Math.max(newestMs, header.newestMs);
        if (cleaned.horizonMs > 0) {
          horizonMs = horizonMs === 0 ? cleaned.horizonMs : Math.min(horizonMs, cleaned.horizonMs);
        }
      }
      place = after(place, header);
    }
    await closeGap(nextOffset);
    await output.flush();
    return { changed, bytes: output.bytes, newestMs, horizonMs };
  });
}

class BufferedOutput {
  bytes = 0;
  readonly #file: DiskFile;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  async append(batch: Buffer): Promise<void> {
    this.#waiting.push(batch);
    this.#waitingBytes += batch.length;
    if (this.#waitingBytes >= WRITE_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    await this.#file.write(this.#waiting, this.bytes);
    this.bytes += this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
