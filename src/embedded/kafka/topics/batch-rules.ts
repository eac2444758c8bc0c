/**
 * Whether a batch keeps the rules of its topic: a key where the newest message of each key is kept, and
 * times that the broker's clock can believe.
 *
 * The batch's header answers nearly always; only where it cannot are the records looked at, and then
 * only their lengths and times.
 */

import { BatchRefused } from "../../log/batch-refused.ts";
import { UnreadableBatch } from "../../log/format/batch-contents.ts";
import { LOG_APPEND_TIME } from "../../log/format/batch-layout.ts";
import type { WireBatch } from "../../log/format/wire-batch.ts";
import {
  beyondBounds,
  type BrokenRecord,
  type BrokenRecords,
} from "../../log/unpacking/record-bounds.ts";
import { lookApart, openLight } from "../../log/unpacking/unpack-apart.ts";
import type { TopicRules } from "./topic-rules.ts";

export interface BrokenRule {
  readonly rule: "key" | "time";
  readonly text: string;
  /** The records that break it, by their place in the batch; none where the batch as a whole does. */
  readonly records: readonly BrokenRecord[];
}

/**
 * Throws, or rejects with, `BatchRefused` ("invalid") where a look at the records is needed and nobody
 * can read them. A promise only where that look would keep others waiting.
 */
export function brokenRule(
  batch: WireBatch,
  rules: TopicRules,
  nowMs: number,
): BrokenRule | undefined | Promise<BrokenRule | undefined> {
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

  const bounds = { keyed: compacted, oldestMs: oldestAllowedMs, newestMs: newestAllowedMs };
  const told = ({ keyless, untimely }: BrokenRecords): BrokenRule | undefined => {
    if (keyless.length > 0) {
      const text = "the topic keeps the newest record of each key, and not every record has one";
      return { rule: "key", text, records: keyless };
    }
    if (untimely.length === 0 && newestMs <= newestAllowedMs) return undefined;
    const text = `the topic takes times from ${behindMsMax} ms before the broker's to ${aheadMsMax} ms after it`;
    return { rule: "time", text, records: untimely };
  };
  try {
    const contents = openLight(batch.bytes, batch.header);
    if (contents !== undefined) return told(beyondBounds(contents, batch.header, bounds));
    return lookApart(batch.bytes, batch.header, bounds).then(told, refused);
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown): never {
  if (!(error instanceof UnreadableBatch)) throw error;
  throw new BatchRefused("invalid", error.message);
}
