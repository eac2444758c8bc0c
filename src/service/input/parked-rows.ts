/**
 * What an input knows of its parked rows: how many each key has, and which shall be worked off.
 *
 * It asks the store when it is told to (a redrive through the running service), when loaded rows are
 * used up, and when a decoupled retry falls due. While there are any in a store that other processes
 * share it asks every second, because those may have marked or discarded some.
 */

import type { Timer } from "../../model/clock.ts";
import type { Clock } from "../../model/clock.ts";
import type { ParkedMessage, Store } from "../../store/store.ts";
import { isStoreOutage } from "../failure.ts";
import type { Arrival } from "./arrival.ts";
import type { KeyLanes } from "./key-lanes.ts";

export interface ParkedRowsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly consumer: string;
  readonly input: string;
  readonly keys: KeyLanes;
  readonly reread: (row: ParkedMessage) => Arrival;
  /** The lanes know more than before. */
  readonly learned: () => void;
  /** The store failed in a way that asking again will not cure. */
  readonly failed: (error: unknown) => void;
}

const POLL_MS = 1000;
const PAGE = 256;

export class ParkedRows {
  readonly #options: ParkedRowsOptions;
  #asking: Promise<void> | undefined;
  #again = false;
  /** Somebody asked for what the store has, and a key moved too much to take it over. */
  #owed = false;
  #poll: Timer | undefined;
  /** For the next retry. */
  #alarm: Timer | undefined;
  #alarmMs = Infinity;
  /** When the next decoupled retry falls due. */
  #retryMs = Infinity;
  /** The earliest retry heard of since the store was last asked. */
  #heardMs = Infinity;
  #ended = false;

  constructor(options: ParkedRowsOptions) {
    this.#options = options;
  }

  /** Nothing is asked or has to be asked again, and no retry is to come. */
  get idle(): boolean {
    return this.#asking === undefined && !this.#owed && this.#retryMs === Infinity;
  }

  /**
   * Asks for the first time. Throws STORE_FAILED: nothing may be given out before the lanes know which
   * keys have rows, because what arrives must wait behind them.
   */
  async load(): Promise<void> {
    await this.#ask();
    this.watch();
  }

  /**
   * Resolves when the lanes know what the store has at the call, or later. Of a key whose units are
   * out at that moment they know it when these are done: see `moved`.
   */
  refresh(): Promise<void> {
    this.#owed = true;
    return this.#refresh();
  }

  /** Units are done: asks again for a key that was left out because of them. */
  moved(): void {
    if (this.#owed && !this.#ended && this.#asking === undefined && this.#options.keys.outdated) {
      void this.#refresh();
    }
  }

  #refresh(): Promise<void> {
    if (this.#asking === undefined) {
      this.#asking = this.#askAll().finally(() => {
        this.#asking = undefined;
        this.watch();
        this.#options.learned();
      });
    } else this.#again = true;
    return this.#asking;
  }

  /** Goes on asking while there are rows; `retryAtMs` is when one that was just parked is tried again. */
  watch(retryAtMs: number = Infinity): void {
    const { store, clock, keys } = this.#options;
    this.#heardMs = Math.min(this.#heardMs, retryAtMs);
    this.#retryMs = Math.min(this.#retryMs, retryAtMs);
    if (this.#ended || (keys.parked === 0 && !this.#owed)) return;
    if (store.capabilities.shared || this.#owed) {
      this.#poll ??= clock.after(POLL_MS, () => {
        this.#poll = undefined;
        void this.#refresh();
      });
    }
    if (this.#alarmMs <= this.#retryMs) return;
    this.#alarm?.cancel();
    this.#alarmMs = this.#retryMs;
    this.#alarm = clock.at(this.#retryMs, () => {
      this.#alarmMs = Infinity;
      void this.#refresh();
    });
  }

  end(): void {
    this.#ended = true;
    this.#poll?.cancel();
    this.#alarm?.cancel();
  }

  async #askAll(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#ask();
      } while (this.#again && !this.#ended);
    } catch (error) {
      if (!isStoreOutage(error)) this.#options.failed(error);
      else if (this.#retryMs < Infinity) this.#retryMs = this.#options.clock.now() + POLL_MS;
    }
  }

  async #ask(): Promise<void> {
    const { store, clock, consumer, input, keys, reread, learned } = this.#options;
    const { moment } = keys;
    this.#heardMs = Infinity;
    const counts = await store.parkedKeys(consumer, input);
    const due = counts.size > 0 && (await store.redriveDue(consumer, input, clock.now()));
    const marked = { consumer, input, redrive: true, limit: PAGE };
    const rows = counts.size === 0 ? [] : await store.listParked(marked);
    if (this.#ended) return;
    const nextMs = due === false ? undefined : due.nextMs;
    this.#retryMs = Math.min(nextMs ?? Infinity, this.#heardMs);
    const byKey = Map.groupBy(rows.map(reread), ({ key }) => key);
    if (keys.setParked(moment, counts, byKey) && !this.#again) this.#owed = false;
    learned();
  }
}
