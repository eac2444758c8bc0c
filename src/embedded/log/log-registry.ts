/**
 * The partitions that are open in one data directory, and the hold that keeps their files in place.
 *
 * A backup looks at all of them in one synchronous step. Every fact that one log has about another
 * (a checkpoint's place, a group's position, a decided transaction) was written after what it speaks
 * of had become durable, so what all logs say at one moment is what a power cut at that moment could
 * have left at best: nothing refers to what is not there.
 *
 * From that look until the files have a second name, none may go or be replaced. Whoever does that to
 * a segment does it within `change`, together with telling of it.
 */

import type { Compacted } from "./format/group-boundary.ts";
import type { SegmentFacts } from "./segment/segment-facts.ts";
import type { Segment } from "./segment/segment.ts";

/** A segment as far as it was durable at the moment of the cut. */
export interface SegmentCut extends SegmentFacts {
  readonly compacted: Compacted | undefined;
}

export interface LogCut {
  readonly directory: string;
  /** The oldest first; the last one was being written. */
  readonly segments: readonly SegmentCut[];
}

interface OpenLog {
  cut(): LogCut;
}

export function cutOf(segment: Segment): SegmentCut {
  const { baseOffset, bytes, nextOffset, oldestMs, newestMs, producers, compacted } = segment;
  return { baseOffset, bytes, nextOffset, oldestMs, newestMs, producers, compacted };
}

export class LogRegistry {
  readonly #logs = new Set<OpenLog>();
  #holds = 0;
  #changes = 0;
  /** Those who wait for holds or changes to end. */
  #ended: PromiseWithResolvers<void> = Promise.withResolvers();

  add(log: OpenLog): void {
    this.#logs.add(log);
  }

  remove(log: OpenLog): void {
    this.#logs.delete(log);
  }

  /** All of them at one moment. */
  cut(): LogCut[] {
    return [...this.#logs].map((log) => log.cut());
  }

  /** Until what it resolves to is called, no file of a segment goes; changes that began are done. */
  async hold(): Promise<() => void> {
    this.#holds++;
    while (this.#changes > 0) await this.#ended.promise;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#holds--;
      this.#tellEnd();
    };
  }

  /** Removes or replaces files when nobody holds them. Short: a hold waits for its end. */
  async change<Value>(run: () => Promise<Value>): Promise<Value> {
    while (this.#holds > 0) await this.#ended.promise;
    this.#changes++;
    try {
      return await run();
    } finally {
      this.#changes--;
      this.#tellEnd();
    }
  }

  #tellEnd(): void {
    this.#ended.resolve();
    this.#ended = Promise.withResolvers();
  }
}
