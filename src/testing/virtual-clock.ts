/**
 * A clock that a test owns.
 *
 * Time stands still until the test moves it. `advance` fires the timers that fall due, in the order
 * of their moments (ties in the order of their making), and lets all promise work that each of them
 * causes finish before the next one fires: so a run with the in-memory broker and store is
 * repeatable to the last step. Work that waits for real I/O is not promise work; a test of such parts
 * awaits the operation itself, or uses `run` with `io`.
 */

import type { Clock, Timer } from "../model/clock.ts";

export interface VirtualClock extends Clock {
  /** Moves time by `ms`, firing what falls due on the way, and resolves when all of it came to rest. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock, as a person would: `now` leaps to `timeMs`, and no time has passed. */
  set(timeMs: number): void;
  /** Lets promise work come to rest without moving time. */
  settle(): Promise<void>;
  /**
   * Moves time from timer to timer until `work` settles, and returns its result.
   *
   * Throws when `work` waits for something that no timer will bring, or for longer than `maxMs` of
   * virtual time (one hour unless said). With `io`, real I/O is given turns of the event loop: time
   * moves on by `io.stepMs` a turn, and leaps only while `io.turn` tells that all I/O rests.
   */
  run<Result>(work: Promise<Result>, options?: RunOptions): Promise<Result>;
  /** Timers that have not fired. */
  readonly pending: number;
  /** Timers that have fired since the start: what idle parts cost, in tests as in production. */
  readonly fired: number;
}

export interface RunOptions {
  readonly maxMs?: number;
  readonly io?: RealIo;
}

export interface RealIo {
  readonly stepMs: number;
  /**
   * Resolves after the event loop went round: with false while I/O is awaited, then time stands still;
   * with true when there is none. With anything else, as `setImmediate` of node:timers/promises does,
   * time moves whatever is awaited, and may overtake it on a slow machine. See `realIo`.
   */
  readonly turn: () => Promise<unknown>;
}

/** Turns in which I/O must have rested before time moves: what one brings may go on in the next. */
const RESTFUL_TURNS = 2;

const HOUR_MS = 3_600_000;
/** 2025-01-01T00:00:00Z. */
const START_MS = 1_735_689_600_000;

interface Entry extends Timer {
  /** In time that has passed; it changes for an alarm whenever the wall clock is set. */
  dueMs: number;
  /** Of an alarm: when by the wall clock. */
  readonly timeMs: number | undefined;
  readonly callback: () => void;
}

export function createVirtualClock(options: { readonly startMs?: number } = {}): VirtualClock {
  /** Wall time when no time had passed. */
  let startMs = options.startMs ?? START_MS;
  let elapsedMs = 0;
  let fired = 0;
  const entries = new Set<Entry>();

  const nextDue = (): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of entries)
      if (first === undefined || entry.dueMs < first.dueMs) first = entry;
    return first;
  };

  /** A tick runs when no microtask is left; a few rounds also drain work that itself uses ticks. */
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 4; round++) {
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
  };

  const fire = async (entry: Entry): Promise<void> => {
    elapsedMs = Math.max(elapsedMs, entry.dueMs);
    entries.delete(entry);
    fired++;
    entry.callback();
    await settle();
  };

  const advance = async (ms: number): Promise<void> => {
    const targetMs = elapsedMs + ms;
    await settle();
    for (let entry = nextDue(); entry && entry.dueMs <= targetMs; entry = nextDue()) {
      await fire(entry);
    }
    elapsedMs = targetMs;
  };

  const run = async <Result>(
    work: Promise<Result>,
    { maxMs = HOUR_MS, io }: RunOptions = {},
  ): Promise<Result> => {
    const progress = { done: false };
    const finish = (): void => {
      progress.done = true;
    };
    work.then(finish, finish);
    const limitMs = elapsedMs + maxMs;
    await settle();
    let restful = 0;
    while (!progress.done) {
      const rests = await io?.turn();
      restful = rests === true ? restful + 1 : 0;
      // What the turn brought may be the end, or set timers: both come before time moves.
      if (io) await settle();
      if (progress.done) break;
      const watched = typeof rests === "boolean";
      if (watched && restful < RESTFUL_TURNS) continue;
      restful = 0;
      const entry = nextDue();
      // With nothing to leap to, something is awaited that the turns do not see: a thread that ends.
      const leaps = io === undefined || (watched && entry !== undefined && entry.dueMs <= limitMs);
      const nextMs = leaps ? entry?.dueMs : elapsedMs + io.stepMs;
      if (nextMs === undefined) throw new Error("waits for something that no timer will bring");
      if (nextMs > limitMs) throw new Error(`still waiting after ${maxMs} ms of virtual time`);
      if (leaps && entry) await fire(entry);
      else await advance(nextMs - elapsedMs);
    }
    return work;
  };

  const add = (dueMs: number, callback: () => void, timeMs?: number): Timer => {
    const entry: Entry = { dueMs, timeMs, callback, cancel: () => void entries.delete(entry) };
    entries.add(entry);
    return entry;
  };

  return {
    // As on a real clock, a moment is whole milliseconds, whatever fraction a timer waited for.
    now: () => Math.floor(startMs + elapsedMs),
    monotonic: () => elapsedMs,
    after: (delayMs, callback) => add(elapsedMs + Math.max(0, delayMs), callback),
    at: (timeMs, callback) => add(timeMs - startMs, callback, timeMs),
    set: (timeMs) => {
      startMs = timeMs - elapsedMs;
      for (const entry of entries) {
        if (entry.timeMs !== undefined) entry.dueMs = entry.timeMs - startMs;
      }
    },
    advance,
    settle,
    run,
    get pending() {
      return entries.size;
    },
    get fired() {
      return fired;
    },
  };
}
