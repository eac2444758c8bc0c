/**
 * Whether a batch keeps the rules of its topic: a key where the newest message of each key is kept, and
 * times that the broker's clock can believe.
 *
 * The batch's header answers nearly always; only where it cannot are the records looked at, and then
 * only their lengths and times.
 */

import { BatchRefused } from "../../log/batch-refused.ts";
import { openContents, UnreadableBatch, walkRecords } from "../../log/format/batch-contents.ts";
import { LOG_APPEND_TIME } from "../../log/format/batch-layout.ts";
import type { WireBatch } from "../../log/format/wire-batch.ts";
import type { TopicRules } from "./topic-rules.ts";

export interface BrokenRule {
  readonly rule: "key" | "time";
  readonly text: string;
  /** The records that break it, by their place in the batch; none where the batch as a whole does. */
  readonly records: readonly BrokenRecord[];
}

interface BrokenRecord {
  readonly index: number;
  readonly text: string;
}

/** Of a record without a time. */
const NO_TIME = -1;
/** An answer names so many records; the client gives up the batch at the first. */
const TOLD_MAX = 100;

/** Throws `BatchRefused` ("invalid") where a look at the records is needed and nobody can read them. */
export function brokenRule(
  batch: WireBatch,
  rules: TopicRules,
  nowMs: number,
): BrokenRule | undefined {
  const { attributes, newestMs } = batch.header;
  if (attributes & LOG_APPEND_TIME) {
    const text = "a producer cannot say that the broker gave its records their time";
    return { rule: "time", text, records: [] };
  }
  const { behindMsMax, aheadMsMax, compacted, logAppendTime } = rules;
  const oldestAllowedMs = logAppendTime ? -Infinity : nowMs - behindMsMax;
  const newestAllowedMs = logAppendTime ? Infinity : nowMs + aheadMsMax;
  // The header has the first record's time and the newest: the oldest may be any.
  const timely = newestMs <= newestAllowedMs && oldestAllowedMs <= 0;
  if (timely && !compacted) return undefined;

  const keyless: BrokenRecord[] = [];
  const untimely: BrokenRecord[] = [];
  let index = 0;
  visitRecords(batch, (timeMs, hasKey) => {
    if (compacted && !hasKey) {
      note(keyless, index, "a record of a compacted topic needs a key");
    }
    const fits = timeMs >= oldestAllowedMs && timeMs <= newestAllowedMs;
    if (timeMs !== NO_TIME && !fits) {
      note(
        untimely,
        index,
        `its time is ${timeMs}; the topic takes ${oldestAllowedMs} to ${newestAllowedMs}`,
      );
    }
    index++;
  });
  if (keyless.length > 0) {
    const text = "the topic keeps the newest record of each key, and not every record has one";
    return { rule: "key", text, records: keyless };
  }
  if (untimely.length === 0 && newestMs <= newestAllowedMs) return undefined;
  const text = `the topic takes times from ${behindMsMax} ms before the broker's to ${aheadMsMax} ms after it`;
  return { rule: "time", text, records: untimely };
}

function note(records: BrokenRecord[], index: number, text: string): void {
  if (records.length < TOLD_MAX) records.push({ index, text });
}

function visitRecords(
  { bytes, header }: WireBatch,
  visit: (timeMs: number, hasKey: boolean) => void,
): void {
  try {
    walkRecords(openContents(bytes, 0, header), header, ({ timeDelta, keyBytes }) =>
      visit(header.baseMs + timeDelta, keyBytes >= 0),
    );
  } catch (error) {
    if (!(error instanceof UnreadableBatch)) throw error;
    throw new BatchRefused("invalid", error.message);
  }
}
