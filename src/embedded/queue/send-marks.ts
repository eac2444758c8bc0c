/**
 * Where in a queue's log the latest messages were sent, about: so that the window of ids can be
 * read back without scanning the whole log, and trimming does not remove what the window still
 * needs.
 *
 * A mark stands for up to `MARK_SENDS` messages sent from its offset on. Marks that the window has
 * passed are dropped, so there are about as many as the window's count divided by `MARK_SENDS`.
 */

import type { DedupeWindow } from "../../model/durability.ts";

export type SendMark = readonly [offset: number, sends: number, newestMs: number];

const MARK_SENDS = 1_000;

export class SendMarks {
  #marks: { offset: number; sends: number; newestMs: number }[];

  constructor(marks: readonly SendMark[]) {
    this.#marks = marks.map(([offset, sends, newestMs]) => ({ offset, sends, newestMs }));
  }

  push(offset: number, sends: number, timeMs: number): void {
    const last = this.#marks.at(-1);
    if (last === undefined || last.sends + sends > MARK_SENDS) {
      this.#marks.push({ offset, sends, newestMs: timeMs });
      return;
    }
    last.sends += sends;
    last.newestMs = timeMs;
  }

  /** The offset from which on the window's messages lie; undefined when it covers none. */
  floor(window: DedupeWindow, nowMs: number): number | undefined {
    let sends = 0;
    let kept = this.#marks.length;
    while (kept > 0 && sends < window.count) {
      const mark = this.#marks[kept - 1]!;
      if (mark.newestMs < nowMs - window.ms) break;
      sends += mark.sends;
      kept--;
    }
    this.#marks = this.#marks.slice(kept);
    return this.#marks[0]?.offset;
  }

  /** Without a window nothing needs to be kept. */
  clear(): void {
    this.#marks = [];
  }

  list(): SendMark[] {
    return this.#marks.map(({ offset, sends, newestMs }) => [offset, sends, newestMs]);
  }
}
