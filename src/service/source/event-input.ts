/**
 * The service's own events as an input, in commit order.
 *
 * Its offsets are the store's sequences, from 1 on. The events and the progress stand in one store, so
 * a backup brings both back together, and the log's name needs no epoch. Each event's place is its
 * sequence: the inbox then keeps one number of them instead of a window of ids.
 *
 * Events of types that the part does not handle are passed over without decoding them. They count as
 * looked at, and now and then one of them is committed, so that a restart need not look at all of them
 * again.
 */

import type { Header, RawMessage } from "../../model/message.ts";
import { NO_PROGRESS } from "../../store/progress.ts";
import { runLog, type LogBatch, type LogRecord, type TakenOver } from "./log-input.ts";
import { checkPosition } from "./log-position.ts";
import type { PartRuntime } from "./part-runtime.ts";

/** The input's name. It has no partitions, so no stream's input is named like it. */
export const EVENTS_INPUT = "events";

/** Works on the events until `stop` aborts. Never rejects for what can happen to it. */
export function runEvents(runtime: PartRuntime, stop: AbortSignal): Promise<void> {
  return runLog(runtime, stop, () => ({
    input: EVENTS_INPUT,
    ended: stop,
    takeOver: () => takeOver(runtime),
    read: (offset) => read(runtime, offset, stop),
    bounds: async () => ({ earliest: 0, end: await runtime.feed.end() }),
  }));
}

async function takeOver({ service, part, store, feed }: PartRuntime): Promise<TakenOver> {
  const log = `store/${service}`;
  const before = await store.readProgress(part.consumer, EVENTS_INPUT);
  if (before.progress !== undefined) {
    const kept = { part: part.name, input: EVENTS_INPUT, ...before.progress };
    checkPosition(kept, { log, end: await feed.end() });
  }
  const epoch = before.epoch + 1;
  const { progress, lanes } = await store.readProgress(part.consumer, EVENTS_INPUT, { epoch });
  return { log, progress: progress ?? NO_PROGRESS, epoch, lanes };
}

async function* read(
  { service, part, feed }: PartRuntime,
  offset: number,
  stop: AbortSignal,
): AsyncIterable<LogBatch> {
  const mark = { source: service, epoch: 0, lane: "events" };
  let next = offset;
  while (!stop.aborted) {
    const { appends } = feed;
    const { events, full } = await feed.read(Math.max(0, next - 1));
    const last = events.at(-1);
    if (last === undefined) {
      await feed.next(appends, stop);
      continue;
    }
    const records: LogRecord[] = [];
    for (const { sequence, message: raw } of events) {
      const handled = part.handles.has(typeOf(raw));
      // Of a page without one that is handled, the last one makes the position durable.
      const noted = full && records.length === 0 && sequence === last.sequence;
      if (!handled && !noted) continue;
      records.push({
        raw,
        offset: sequence,
        // The store keeps no time of its own; every event of a decider has one in its envelope.
        receivedMs: 0,
        fallbackId: `events@${sequence}`,
        mark: { ...mark, sequence },
        ignored: !handled,
      });
    }
    next = last.sequence + 1;
    yield { records, next };
  }
}

/** The wire type, without reading the rest of the envelope. */
function typeOf({ headers }: RawMessage): string {
  const found = headers.find(([name]: Header) => name === "ce_type")?.[1];
  return typeof found === "string" ? found : "";
}
