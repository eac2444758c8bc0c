/** What the benchmarks send, and how: messages as our own publisher makes them, and closed loops. */

import { createRealEnvironment } from "../src/host/real-environment.ts";
import { embedded } from "../src/embedded/embedded.ts";
import type { Broker } from "../src/broker/broker.ts";
import type { Streams } from "../src/broker/streams.ts";
import type { Queues } from "../src/broker/queues.ts";
import { encodeMessage } from "../src/codecs/cloudevents.ts";
import type { Environment, Log } from "../src/model/environment.ts";
import type { RawMessage } from "../src/model/message.ts";

/** Figures are for the quiet case; what goes wrong is still said. */
const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (facts, text) => console.error("warn", text, facts),
  error: (facts, text) => console.error("error", text, facts),
};

export const environment: Environment = createRealEnvironment(log);

/** How long one run of a closed loop lasts. */
export const RUN_MS = Number(process.env["BENCH_SECONDS"] ?? 2) * 1000;

export async function openEmbedded(
  directory: string,
): Promise<Broker & { streams: Streams; queues: Queues }> {
  const broker = await embedded({ directory }).open(environment);
  const { streams, queues } = broker;
  if (streams === undefined || queues === undefined) throw new Error("embedded has both faces");
  return Object.assign(broker, { streams, queues });
}

/** Makes messages with a whole envelope and a payload of `bytes`, on a thousand keys. */
export function createMessages(bytes: number): () => RawMessage {
  const value = new Uint8Array(bytes).fill(120);
  let count = 0;
  return () => {
    const id = environment.ids.newId();
    return encodeMessage(
      {
        id,
        type: "bench.happened",
        kind: "event",
        version: 1,
        source: "bench",
        key: `key-${count++ % 1000}`,
        time: environment.clock.now(),
        correlation: id,
      },
      value,
    );
  };
}

/**
 * Begins to count the processor time of all threads of this process; the result tells the microseconds
 * until then. On a machine that is shared it says more than the time that went by.
 */
export function processorTime(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
}

export interface Loop {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

/** `callers` callers, each beginning its next call when the last one ended, for `RUN_MS`. */
export async function closedLoop(callers: number, call: () => Promise<unknown>): Promise<Loop> {
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + RUN_MS;
  const caller = async (): Promise<void> => {
    for (let beganMs = performance.now(); beganMs < endMs;) {
      await call();
      const nowMs = performance.now();
      latenciesMs.push(nowMs - beganMs);
      beganMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - startedMs) / 1000;
  return { perSecond: latenciesMs.length / seconds, latenciesMs };
}
