/**
 * Remembers which message ids came lately, so that a message sent twice counts once.
 *
 * The window has two bounds, a count and an age; an id that passes either is forgotten. A
 * repetition does not renew its id. What is remembered stands oldest first in a ring of slots, in
 * arrays of numbers; a **ticket** names an entry for ever, its low bits are the slot. The ring
 * doubles as it fills, up to the window's count.
 *
 * Ids in the form of a UUID, which is what our own publisher stamps, are found by a `UuidTable`: a
 * map of texts costs several times as much, in hashing and in work for the garbage collector. All
 * others, and the ids of further sources once `SOURCES_MAX` are known, stand in a map. Both compare
 * ids whole: an id wrongly taken for known would be a lost message.
 */

import type { RawMessage } from "../model/message.ts";
import type { DedupeWindow } from "./streams.ts";
import { UuidKey, UuidTable } from "./uuid-table.ts";

/** CloudEvents' id and source; only the pair is unique, so two strangers may both count from 1. */
export interface DedupeId {
  readonly id: string;
  readonly source: string;
}

/** Where a door keeps the id of a stranger's message that is no CloudEvent. */
export const MESSAGE_ID_HEADER = "message-id";

/** The id by which a broker tells repetitions, or undefined where the message has none. */
export function dedupeId({ headers }: RawMessage): DedupeId | undefined {
  let id: string | undefined;
  let source = "";
  let strangers: string | undefined;
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!;
    const value = header[1];
    if (typeof value !== "string") continue;
    if (header[0] === "ce_id") id = value;
    else if (header[0] === "ce_source") source = value;
    else if (header[0] === MESSAGE_ID_HEADER) strangers = value;
  }
  if (id !== undefined) return { id, source };
  return strangers === undefined ? undefined : { id: strangers, source: "" };
}

const SLOTS_MIN = 1024;
/** Sources are never forgotten, so there is a bound on them. */
const SOURCES_MAX = 4096;

export class SeenIds {
  #window: DedupeWindow;
  #head = 0;
  #next = 0;
  #slots = SLOTS_MIN;
  #places = new Float64Array(SLOTS_MIN);
  #timesMs = new Float64Array(SLOTS_MIN);
  #table = new UuidTable(SLOTS_MIN);
  /** Where a slot's id stands: `IN_TABLE`, `IN_MAP`, `STRAY`, or `NOWHERE` once it was taken back. */
  #homes = new Uint8Array(SLOTS_MIN);
  readonly #tickets = new Map<string, number>();
  /** The texts of those in the map, by ticket. */
  readonly #texts = new Map<number, string>();
  /** How many UUIDs stand in the map because the table had no room near their homes. */
  #strays = 0;
  readonly #sources = new Map<string, number>();
  readonly #key = new UuidKey();

  constructor(window: DedupeWindow) {
    this.#window = window;
  }

  /** The ticket of what was remembered last. */
  get newest(): number {
    return this.#next - 1;
  }

  /** Where the id was stored, if it is inside the window. */
  find(id: DedupeId, nowMs: number): number | undefined {
    this.#forgetOld(nowMs);
    const slot = this.#find(id, this.#parse(id));
    return slot < 0 ? undefined : this.#places[slot];
  }

  /**
   * Tells where the id was stored, if it is inside the window; otherwise remembers it at `place` (any
   * number the caller understands), as `newest`.
   */
  remember(id: DedupeId, place: number, nowMs: number): number | undefined {
    this.#forgetOld(nowMs);
    const isUuid = this.#parse(id);
    const found = this.#find(id, isUuid);
    if (found >= 0) return this.#places[found];
    if (this.#next - this.#head === this.#window.count) this.#forgetHead();
    if (this.#next - this.#head === this.#slots) this.#makeRoom(id);
    const slot = this.#next & (this.#slots - 1);
    if (isUuid && this.#table.add(this.#key, slot)) {
      this.#homes[slot] = IN_TABLE;
    } else {
      this.#homes[slot] = this.#putInMap(id, this.#next, isUuid);
    }
    this.#places[slot] = place;
    this.#timesMs[slot] = nowMs;
    this.#next++;
    return undefined;
  }

  /** Tells where the message was stored in the end. Harmless when the window has moved past it. */
  place(ticket: number, place: number): void {
    if (ticket >= this.#head) this.#places[ticket & (this.#slots - 1)] = place;
  }

  /** Takes back an id whose message was not stored after all. Harmless when it is forgotten. */
  takeBack(ticket: number): void {
    if (ticket >= this.#head) this.#clear(ticket);
  }

  configure(window: DedupeWindow, nowMs: number): void {
    this.#window = window;
    while (this.#next - this.#head > window.count) this.#forgetHead();
    this.#forgetOld(nowMs);
  }

  /** Reads the id into `#key`; false where it must stand in the map. */
  #parse({ id, source }: DedupeId): boolean {
    if (!this.#key.parse(id)) return false;
    let number = this.#sources.get(source);
    if (number === undefined) {
      if (this.#sources.size === SOURCES_MAX) return false;
      number = this.#sources.size;
      this.#sources.set(source, number);
    }
    this.#key.source = number;
    return true;
  }

  /** The slot of the id, which is in `#key` if it is a UUID; or -1. */
  #find(id: DedupeId, isUuid: boolean): number {
    const slot = isUuid ? this.#table.find(this.#key) : -1;
    if (slot >= 0 || (isUuid && this.#strays === 0)) return slot;
    const ticket = this.#tickets.get(textOf(id));
    return ticket === undefined ? -1 : ticket & (this.#slots - 1);
  }

  #forgetOld(nowMs: number): void {
    const oldestMs = nowMs - this.#window.ms;
    while (this.#head < this.#next && this.#timesMs[this.#head & (this.#slots - 1)]! < oldestMs) {
      this.#forgetHead();
    }
  }

  #forgetHead(): void {
    this.#clear(this.#head);
    this.#head++;
  }

  #clear(ticket: number): void {
    const slot = ticket & (this.#slots - 1);
    if (this.#homes[slot] === IN_TABLE) {
      this.#table.remove(slot);
    } else if (this.#homes[slot] !== NOWHERE) {
      if (this.#homes[slot] === STRAY) this.#strays--;
      this.#tickets.delete(this.#texts.get(ticket)!);
      this.#texts.delete(ticket);
    }
    this.#homes[slot] = NOWHERE;
  }

  /** Doubles the ring. `id` is what `#key` must hold afterwards. */
  #makeRoom(id: DedupeId): void {
    const [before, table] = [this.#slots, this.#table];
    const [places, timesMs, homes] = [this.#places, this.#timesMs, this.#homes];
    this.#slots = before * 2;
    this.#places = new Float64Array(this.#slots);
    this.#timesMs = new Float64Array(this.#slots);
    this.#homes = new Uint8Array(this.#slots);
    this.#table = new UuidTable(this.#slots);
    for (let ticket = this.#head; ticket < this.#next; ticket++) {
      const from = ticket & (before - 1);
      const to = ticket & (this.#slots - 1);
      this.#places[to] = places[from]!;
      this.#timesMs[to] = timesMs[from]!;
      this.#homes[to] = homes[from]!;
      if (homes[from] !== IN_TABLE) continue;
      table.read(from, this.#key);
      if (this.#table.add(this.#key, to)) continue;
      const [source] = [...this.#sources].find(([, number]) => number === this.#key.source)!;
      this.#homes[to] = this.#putInMap({ id: this.#key.text(), source }, ticket, true);
    }
    this.#parse(id);
  }

  #putInMap(id: DedupeId, ticket: number, isUuid: boolean): number {
    const text = textOf(id);
    this.#tickets.set(text, ticket);
    this.#texts.set(ticket, text);
    if (!isUuid) return IN_MAP;
    this.#strays++;
    return STRAY;
  }
}

const NOWHERE = 0;
const IN_TABLE = 1;
const IN_MAP = 2;
const STRAY = 3;

/** The length keeps apart what a blank in an id or a source would mix up. */
const textOf = ({ id, source }: DedupeId): string => `${id.length} ${id} ${source}`;
