/**
 * Remembers which message ids came lately, so that a message sent twice counts once.
 *
 * The window has two bounds, a count and an age; an id that passes either is forgotten. A
 * repetition does not renew its id. The ids stand in a map for the look-up and, oldest first, in
 * three parallel arrays for forgetting (a map alone cannot give its oldest key in constant time: V8
 * walks over the holes that deletions left). `head` marks the oldest; the arrays are cut when half
 * of them is dead.
 */

import type { RawMessage } from "../model/message.ts";
import type { DedupeWindow } from "./streams.ts";

/**
 * The id by which a broker tells repetitions: CloudEvents' `source` and `id` together (only the
 * pair is unique, so two strangers may both count from 1), or undefined where the message has no
 * id.
 */
export function dedupeId(message: RawMessage): string | undefined {
  let id: string | undefined;
  let source = "";
  for (const [name, value] of message.headers) {
    if (typeof value !== "string") continue;
    if (name === "ce_id") id = value;
    else if (name === "ce_source") source = value;
  }
  return id === undefined ? undefined : `${id} ${source}`;
}

export class SeenIds {
  readonly #places = new Map<string, number>();
  #ids: string[] = [];
  #idPlaces: number[] = [];
  #timesMs: number[] = [];
  #head = 0;
  #window: DedupeWindow;

  constructor(window: DedupeWindow) {
    this.#window = window;
  }

  /** Where the id was stored, if it is inside the window. */
  find(id: string, nowMs: number): number | undefined {
    this.#forgetOld(nowMs);
    return this.#places.get(id);
  }

  /** Remembers that the id was stored at `place` (any number the caller understands). */
  add(id: string, place: number, timeMs: number): void {
    this.#places.set(id, place);
    this.#ids.push(id);
    this.#idPlaces.push(place);
    this.#timesMs.push(timeMs);
    while (this.#ids.length - this.#head > this.#window.count) this.#forgetHead();
  }

  /** Takes back an id whose message was not stored after all. */
  remove(id: string): void {
    this.#places.delete(id);
  }

  configure(window: DedupeWindow, nowMs: number): void {
    this.#window = window;
    while (this.#ids.length - this.#head > window.count) this.#forgetHead();
    this.#forgetOld(nowMs);
  }

  #forgetOld(nowMs: number): void {
    const oldestMs = nowMs - this.#window.ms;
    while (this.#head < this.#ids.length && this.#timesMs[this.#head]! < oldestMs) {
      this.#forgetHead();
    }
  }

  #forgetHead(): void {
    const id = this.#ids[this.#head]!;
    // A removed id may have come again at another place: then this slot no longer speaks for it.
    if (this.#places.get(id) === this.#idPlaces[this.#head]) this.#places.delete(id);
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#ids.length) {
      this.#ids = this.#ids.slice(this.#head);
      this.#idPlaces = this.#idPlaces.slice(this.#head);
      this.#timesMs = this.#timesMs.slice(this.#head);
      this.#head = 0;
    }
  }
}
