/** What the programs of the examples do at a terminal: read options, show what changes, and stop. */

import { setTimeout as sleep } from "node:timers/promises";
import { isMillraceError } from "millrace";

/** The number of an option. Throws where it is none above 0. */
export function positive(option: string, text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new Error(`--${option} ${text} is not a number above 0; try --${option} 100`);
}

/** Aborts when the program is asked to stop, or nobody reads any more what it prints. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  process.stdout.on("error", () => stop.abort());
  return stop.signal;
}

/** Prints the lines that have changed, until the signal aborts. */
export async function watch(
  read: () => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<void> {
  let shown: readonly string[] = [];
  while (!signal.aborted) {
    const now = await read();
    for (const line of now) if (!shown.includes(line)) console.log(line);
    shown = now;
    await sleep(500, undefined, { signal }).catch(() => undefined);
  }
}

/** What can go wrong says by itself what to do: a stack would only hide it. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  await main().catch((error: unknown) => {
    if (!isMillraceError(error)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  });
}
