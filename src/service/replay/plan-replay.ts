/** What a replay would do, told before anything runs. */

import type { Streams, StreamRecord } from "../../broker/streams.ts";
import type { Store } from "../../store/store.ts";
import { MessageReader } from "../message-reader.ts";
import type { ReplayMode, ReplayRange, ReplayScope } from "./replay-request.ts";

export interface ReplayPlan {
  readonly part: string;
  readonly stream: string;
  readonly mode: ReplayMode;
  readonly ranges: readonly Required<ReplayRange>[];
  /** Messages in the ranges that the part handles. */
  readonly total: number;
  /** The same, by wire type. */
  readonly messages: Readonly<Record<string, number>>;
  /** Messages in the ranges that cannot be read: they are reported as failed. */
  readonly unreadable: number;
  /** Answers recorded for these messages, by effect: reused in a rebuild, called again in a redo. */
  readonly effects: Readonly<Record<string, number>>;
  /**
   * Messages for which no answer is recorded. If their handling has effects, a rebuild reports them as
   * failed, and a redo calls for the first time.
   */
  readonly unrecorded: number;
}

const PAGE = 1000;

/** Touches nothing. Throws OFFSET_OUT_OF_RANGE where retention has moved on, STORE_FAILED. */
export async function planReplay(
  { part, stream, mode, ranges }: ReplayScope,
  { streams, store }: { readonly streams: Streams; readonly store: Store },
): Promise<ReplayPlan> {
  const reader = new MessageReader(part.from, part.handles, part);
  const messages: Record<string, number> = {};
  const effects: Record<string, number> = {};
  let [total, unreadable, unrecorded] = [0, 0, 0];
  for (const range of ranges) {
    for await (const records of recordsOf(streams, stream, range)) {
      const ids: string[] = [];
      for (const record of records) {
        const reading = reader.read(record, record.appendedMs);
        if (reading.status === "unreadable") unreadable++;
        if (reading.status !== "message") continue;
        const { type, id } = reading.message.envelope;
        messages[type] = (messages[type] ?? 0) + 1;
        total++;
        ids.push(id);
      }
      const recorded = await store.readEffects(part.journal ?? part.consumer, ids);
      for (const id of ids) {
        const answers = recorded.get(id) ?? [];
        if (answers.length === 0) unrecorded++;
        for (const { name } of answers) effects[name] = (effects[name] ?? 0) + 1;
      }
    }
  }
  return {
    part: part.name,
    stream,
    mode,
    ranges,
    total,
    messages,
    unreadable,
    effects,
    unrecorded,
  };
}

/** The records of a range, batch by batch. */
export async function* recordsOf(
  streams: Streams,
  stream: string,
  { partition, from, to }: Required<ReplayRange>,
  signal?: AbortSignal,
): AsyncIterable<readonly StreamRecord[]> {
  if (from >= to) return;
  const reading = streams.read(stream, {
    partition,
    from: { offset: from },
    batchCount: PAGE,
    ...(signal && { signal }),
  });
  for await (const records of reading) {
    const within = records.filter(({ offset }) => offset < to);
    if (within.length > 0) yield within;
    if (within.length < records.length || (within.at(-1)?.offset ?? to) >= to - 1) return;
  }
}
