/** Reads of a log's segments: around damage, and with a bound on the files that stay open. */

import type { Log } from "../../../model/environment.ts";
import { damagedError, DamageFound, type DamagedRange } from "./damage.ts";
import { noteDamage } from "./note-damage.ts";
import type { Segment } from "./segment.ts";

/** Sealed segments whose files stay open after a read. */
const OPEN_FILES_MAX = 16;

export class SegmentReads {
  readonly #log: Log;
  readonly #onDamage: (segment: Segment, range: DamagedRange) => void;
  readonly #open = new Set<Segment>();

  constructor(log: Log, onDamage: (segment: Segment, range: DamagedRange) => void) {
    this.#log = log;
    this.#onDamage = onDamage;
  }

  /** Notes damage that a read meets and reads again: what lies beside it is still good. */
  async around<Value>(segment: Segment, read: () => Promise<Value>): Promise<Value> {
    for (;;) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof DamageFound)) throw error;
        const noted = segment.damagedRanges.length;
        const range = await noteDamage(this.#log, segment, error);
        this.#onDamage(segment, range);
        // Nothing new was learned: the next read would meet it again.
        if (segment.damagedRanges.length === noted) throw damagedError(segment.path, range);
      } finally {
        await this.#keepOpen(segment);
      }
    }
  }

  /** The segment is not read any more; reads that are under way end as they would have. */
  async release(segment: Segment): Promise<void> {
    this.#open.delete(segment);
    await segment.release();
  }

  async #keepOpen(segment: Segment): Promise<void> {
    this.#open.delete(segment);
    if (segment.isReleased) return;
    this.#open.add(segment);
    if (this.#open.size <= OPEN_FILES_MAX) return;
    const [longestUnused] = this.#open;
    this.#open.delete(longestUnused!);
    await longestUnused!.closeIdle();
  }
}
