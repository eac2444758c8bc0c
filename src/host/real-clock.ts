/** The real clock: together with `real-random.ts` the only place that asks the machine for the time. */

import type { Clock, Timer } from "../model/clock.ts";

/** The longest delay that Node's timers take; more would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** How long it may go unnoticed that the clock was set. */
const LOOK_MS = 10_000;

export function createRealClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: startTimer,
    at: startAlarm,
  };
}

function startTimer(delayMs: number, callback: () => void): Timer {
  if (delayMs === 0) return startTurn(callback);
  let handle: NodeJS.Timeout;
  const wait = (restMs: number): void => {
    const stepMs = Math.min(restMs, TIMER_MS_MAX);
    handle = setTimeout(() => (restMs > stepMs ? wait(restMs - stepMs) : callback()), stepMs);
    handle.unref();
  };
  wait(delayMs);
  return { cancel: () => clearTimeout(handle) };
}

/**
 * The next turn of the event loop: a timer of no time takes a millisecond. It keeps the process for that
 * turn: without, the loop would not wake for it, but wait until something else happens.
 */
function startTurn(callback: () => void): Timer {
  const handle = setImmediate(callback);
  return { cancel: () => clearImmediate(handle) };
}

/** One wait for a moment far away, in steps: a timer does not see that the clock was set. */
function startAlarm(timeMs: number, callback: () => void): Timer {
  let handle: NodeJS.Timeout;
  const wait = (): void => {
    const restMs = Math.max(0, timeMs - Date.now());
    handle = setTimeout(
      () => (Date.now() < timeMs ? wait() : callback()),
      Math.min(restMs, LOOK_MS),
    );
    handle.unref();
  };
  wait();
  return { cancel: () => clearTimeout(handle) };
}

/**
 * Keeps the process alive until it is cancelled. Timers of the clock do not, and a worker waiting for
 * messages of an embedded broker waits on nothing that Node counts.
 */
export function holdProcess(): Timer {
  const handle = setInterval(() => {}, TIMER_MS_MAX);
  return { cancel: () => clearInterval(handle) };
}
