/**
 * Where the next entry goes: two halves of one file, filled in turn.
 *
 * A half is `filling`, or `full` until all that its entries cover is in its segments, or `free`. The
 * filling one changes when the next entry does not fit it and the other one is free. Before the first
 * byte of a half is written over, an entry elsewhere must say that nothing in that half is needed any
 * more; where the last one does not say so, a note (an entry without parts) does, for which each half
 * keeps its last 512 bytes. Otherwise a torn first entry of the new round would have destroyed what the
 * newest whole one still asks for.
 */

import { assert } from "../../../model/assert.ts";
import { ALIGNED_BYTES } from "./journal-entry.ts";

export type HalfNumber = 0 | 1;

interface Half {
  state: "filling" | "full" | "free";
  /** Relative to the half's beginning: where the next entry goes. */
  at: number;
  /** The first entry that was written since it was free; 0 where there is none. */
  firstSequence: number;
}

export interface JournalPlace {
  /** In the file. */
  readonly position: number;
  readonly sequence: number;
  readonly neededFrom: number;
}

export class JournalHalves {
  readonly halfBytes: number;
  readonly #halves: readonly [Half, Half] = [
    { state: "filling", at: 0, firstSequence: 0 },
    { state: "free", at: 0, firstSequence: 0 },
  ];
  #filling: HalfNumber = 0;
  #sequence = 0;
  /** What the last entry said. */
  #neededFrom = 1;

  constructor(halfBytes: number) {
    assert(halfBytes % ALIGNED_BYTES === 0, "halves begin where entries may");
    this.halfBytes = halfBytes;
  }

  get filling(): HalfNumber {
    return this.#filling;
  }

  get other(): HalfNumber {
    return this.#filling === 0 ? 1 : 0;
  }

  /** The longest entry that any half has room for. */
  get entryBytesMax(): number {
    return this.halfBytes - ALIGNED_BYTES;
  }

  isFree(number: HalfNumber): boolean {
    return this.#halves[number].state === "free";
  }

  fits(bytes: number): boolean {
    return this.#current.at + bytes <= this.entryBytesMax;
  }

  /** Where an entry of so many bytes goes, which fits. */
  place(): JournalPlace {
    const { at } = this.#current;
    return { ...this.#next(), position: this.#start(this.#filling) + at };
  }

  /** The entry at `place` is durable. */
  written({ sequence, neededFrom }: JournalPlace, bytes: number): void {
    const half = this.#current;
    half.firstSequence ||= sequence;
    half.at += Math.ceil(bytes / ALIGNED_BYTES) * ALIGNED_BYTES;
    this.#sequence = sequence;
    this.#neededFrom = neededFrom;
  }

  /** The note that has to be durable before the halves change; undefined where none is needed. */
  noteBeforeSwitch(): JournalPlace | undefined {
    const next = this.#next();
    if (next.neededFrom === this.#neededFrom) return undefined;
    return { ...next, position: this.#start(this.#filling) + this.#current.at };
  }

  switch(): void {
    const { other } = this;
    assert(this.isFree(other), "a half is written over when it is not needed any more");
    assert(this.noteBeforeSwitch() === undefined, "the journal says itself what it does not need");
    this.#current.state = "full";
    this.#filling = other;
    Object.assign(this.#current, { state: "filling", at: 0, firstSequence: 0 });
  }

  /** All that the full half covers is in its segments. */
  free(number: HalfNumber): void {
    assert(number !== this.#filling, "the half that is being filled is not free");
    Object.assign(this.#halves[number], { state: "free", firstSequence: 0 });
  }

  get #current(): Half {
    return this.#halves[this.#filling];
  }

  #start(number: HalfNumber): number {
    return ALIGNED_BYTES + number * this.halfBytes;
  }

  #next(): Omit<JournalPlace, "position"> {
    const sequence = this.#sequence + 1;
    const firsts = this.#halves.map(({ firstSequence }) => firstSequence || sequence);
    return { sequence, neededFrom: Math.min(...firsts) };
  }
}
