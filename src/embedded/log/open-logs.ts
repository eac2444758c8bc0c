/**
 * The partitions that are open in one data directory, and the hold that keeps their files in place.
 *
 * A backup looks at all of them in one synchronous step. Every fact that one log has about another
 * (a checkpoint's place, a group's position, a decided transaction) was written after what it speaks
 * of had become durable, so what all logs say at one moment is what a power cut at that moment could
 * have left at best: nothing refers to what is not there.
 *
 * Between that look and the moment when the files have a second name, none may go. Whoever removes or
 * replaces a segment waits for `unheld` right before.
 */

/** A segment as far as it was durable at the moment of the cut. */
export interface SegmentCut {
  readonly baseOffset: number;
  readonly bytes: number;
  readonly nextOffset: number;
  readonly oldestMs: number;
  readonly newestMs: number;
  readonly producers: boolean;
}

export interface LogCut {
  readonly directory: string;
  /** The oldest first; the last one was being written. */
  readonly segments: readonly SegmentCut[];
}

export interface OpenLog {
  cut(): LogCut;
}

export class OpenLogs {
  readonly #logs = new Set<OpenLog>();
  #held = 0;
  #released: PromiseWithResolvers<void> = Promise.withResolvers();

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

  /** Until what it returns is called, no file of a segment goes. */
  hold(): () => void {
    this.#held++;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#held--;
      if (this.#held > 0) return;
      this.#released.resolve();
      this.#released = Promise.withResolvers();
    };
  }

  /** Resolves when nobody holds the files; go on in the same turn. */
  async unheld(): Promise<void> {
    while (this.#held > 0) await this.#released.promise;
  }
}
