/** What a topic may ask of the records in a batch, beyond what its header tells: keys, and times. */

import type { BatchHeader } from "../format/batch-decoder.ts";
import { walkRecords, type BatchContents } from "../format/batch-contents.ts";

export interface RecordBounds {
  readonly keyed: boolean;
  readonly oldestMs: number;
  readonly newestMs: number;
}

export interface BrokenRecord {
  /** Its place in the batch. */
  readonly index: number;
  readonly text: string;
}

/** The first of each kind. */
export interface BrokenRecords {
  readonly keyless: readonly BrokenRecord[];
  readonly untimely: readonly BrokenRecord[];
}

/** Of a record without a time. */
const NO_TIME = -1;
/** An answer names so many records; the client gives up the batch at the first. */
const TOLD_MAX = 100;

/** Looks at lengths and times only. Throws `UnreadableBatch`. */
export function beyondBounds(
  contents: BatchContents,
  header: BatchHeader,
  { keyed, oldestMs, newestMs }: RecordBounds,
): BrokenRecords {
  const keyless: BrokenRecord[] = [];
  const untimely: BrokenRecord[] = [];
  let index = 0;
  walkRecords(contents, header, ({ timeDelta, keyBytes }) => {
    if (keyed && keyBytes < 0) {
      note(keyless, index, "a record of a compacted topic needs a key");
    }
    const timeMs = header.baseMs + timeDelta;
    if (timeMs !== NO_TIME && (timeMs < oldestMs || timeMs > newestMs)) {
      note(untimely, index, `its time is ${timeMs}; the topic takes ${oldestMs} to ${newestMs}`);
    }
    index++;
  });
  return { keyless, untimely };
}

function note(records: BrokenRecord[], index: number, text: string): void {
  if (records.length < TOLD_MAX) records.push({ index, text });
}
