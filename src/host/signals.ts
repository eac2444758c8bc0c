/**
 * How a running process ends: the first SIGINT or SIGTERM asks it to stop in good order, the second
 * ends it at once. Ending at once loses nothing acknowledged; it only leaves more to recover.
 */

import { EXIT, MillraceError, type ExitCode } from "../model/errors.ts";

export type StopSignal = "SIGINT" | "SIGTERM";

export interface Signals extends Disposable {
  /** Aborts with CANCELLED at the first signal. */
  readonly signal: AbortSignal;
  /** Which one came. */
  readonly received: StopSignal | undefined;
}

/** Listens until disposed; afterwards the signals end the process as they usually do. */
export function listenForSignals(
  options: { readonly onSecond?: (exit: ExitCode) => void } = {},
): Signals {
  const { onSecond = (exit) => process.exit(exit) } = options;
  const controller = new AbortController();
  let received: StopSignal | undefined;
  const listen = (name: StopSignal): void => {
    if (received !== undefined) onSecond(EXIT.interrupted);
    received ??= name;
    controller.abort(
      new MillraceError("CANCELLED", `stopped by ${name}`, { details: { signal: name } }),
    );
  };
  process.on("SIGINT", listen);
  process.on("SIGTERM", listen);
  return {
    signal: controller.signal,
    get received() {
      return received;
    },
    [Symbol.dispose]() {
      process.off("SIGINT", listen);
      process.off("SIGTERM", listen);
    },
  };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
