/**
 * What compaction leaves of a batch, by Kafka's rules (KIP-58, KIP-98, KIP-534).
 *
 * A record stays while no newer one has its key. A deletion (a record without a value) stays so long
 * after it was first cleaned as readers may need to see it: its batch gets a delete horizon then. Records
 * of aborted transactions go at once; a marker goes when nothing of its transaction is left, and its
 * horizon has passed, too. The last batch of a producer stays, if need be empty: a start that has lost
 * the producers' snapshot finds the sequence in it. Records without a key have no place in a compacted
 * log and go. A batch that nobody can read stays as it is.
 */

import { CONTROL, BATCH_BYTES_MAX, DELETE_HORIZON } from "../format/batch-layout.ts";
import { isTransactional, type BatchHeader } from "../format/batch-decoder.ts";
import { isGap } from "../format/gap-batch.ts";
import {
  openContents,
  UnreadableBatch,
  walkInTurns,
  walkRecords,
  type BatchContents,
  type RecordPlace,
} from "../format/batch-contents.ts";
import { openAnywhere } from "../unpacking/unpack-apart.ts";
import type { BatchInFile } from "../segment/batch-scan.ts";
import { hashKey, type KeyOffsets } from "./key-offsets.ts";
import { rewriteBatch, type KeptRecord, type Rewrite } from "./rewrite-batch.ts";

export interface CleaningRules {
  /** The newest offset of each key; keys that are not in it are not judged. */
  readonly keys: KeyOffsets;
  readonly nowMs: number;
  /** When what is cleaned first now may go. */
  readonly horizonMs: number;
  /**
   * Whether deletions and markers may go and get horizons. Not while older records of their keys may
   * still be in the log: they would come back.
   */
  readonly endsDeletions: boolean;
  readonly isAborted: (batch: BatchHeader) => boolean;
  /** Whether the batch is the last that its producer wrote here. */
  readonly isLastOfProducer: (batch: BatchHeader) => boolean;
  /** Resolves when others have had their turn. */
  readonly turn: () => Promise<void>;
}

export type Cleaned =
  | { readonly kind: "kept"; readonly horizonMs: number }
  | { readonly kind: "dropped" }
  | { readonly kind: "rewritten"; readonly bytes: Buffer; readonly horizonMs: number };

const KEPT: Cleaned = { kind: "kept", horizonMs: 0 };
const DROPPED: Cleaned = { kind: "dropped" };
/** Times beyond it are no times. */
const TIME_MS_MAX = 8.64e15;

/** Takes the batches of a log from its beginning on, in order. */
export class BatchCleaner {
  readonly #rules: CleaningRules;
  /** Producers of whose present transaction a batch was seen. */
  readonly #seen = new Set<number>();

  constructor(rules: CleaningRules) {
    this.#rules = rules;
  }

  async clean({ chunk, at, header }: BatchInFile): Promise<Cleaned> {
    if (isGap(header)) return DROPPED;
    const batch = chunk.subarray(at, at + header.bytes);
    try {
      if (header.attributes & CONTROL) return this.#cleanMarker(batch, header);
      if (isTransactional(header)) this.#seen.add(header.producerId);
      return await this.#cleanRecords(batch, header);
    } catch (error) {
      if (error instanceof UnreadableBatch) return KEPT;
      throw error;
    }
  }

  #cleanMarker(batch: Buffer, header: BatchHeader): Cleaned {
    const { endsDeletions, isLastOfProducer } = this.#rules;
    const isNeeded = this.#seen.delete(header.producerId) || isLastOfProducer(header);
    if (isNeeded || !endsDeletions) return KEPT;
    if (this.#isPast(header)) return DROPPED;
    const contents = openContents(batch, 0, header);
    return this.#rewritten(batch, header, { contents, kept: allOf(contents, header), dies: true });
  }

  async #cleanRecords(batch: Buffer, header: BatchHeader): Promise<Cleaned> {
    const { keys, turn, endsDeletions, isAborted } = this.#rules;
    const hidden = isTransactional(header) && isAborted(header);
    if (hidden || header.count === 0) return this.#emptied(batch, header);
    const deletionsGo = endsDeletions && this.#isPast(header);
    const contents = await openAnywhere(batch, header);
    const { buffer } = contents;
    const kept: KeptRecord[] = [];
    let dies = false;
    const visit = (record: RecordPlace): void => {
      const { keyStart, keyBytes, valueBytes, offset } = record;
      if (keyBytes < 0) return;
      const newest = keys.get(hashKey(buffer.subarray(keyStart, keyStart + keyBytes)));
      if (newest !== undefined && newest > offset) return;
      if (valueBytes < 0 && deletionsGo) return;
      dies ||= valueBytes < 0;
      kept.push(copyOf(record));
    };
    await walkInTurns(contents, header, { visit, turn });
    if (kept.length === 0) return this.#emptied(batch, header);
    return this.#rewritten(batch, header, { contents, kept, dies });
  }

  /** A batch of which no record is left. */
  #emptied(batch: Buffer, header: BatchHeader): Cleaned {
    if (!this.#rules.isLastOfProducer(header)) return DROPPED;
    if (header.count === 0) return KEPT;
    const contents = { buffer: batch, start: 0, end: 0 };
    return this.#rewritten(batch, header, { contents, kept: [], dies: false });
  }

  /** `dies`: something in the batch goes when its horizon has passed. */
  #rewritten(
    batch: Buffer,
    header: BatchHeader,
    { contents, kept, dies }: Pick<Rewrite, "contents" | "kept"> & { readonly dies: boolean },
  ): Cleaned {
    const { endsDeletions, horizonMs: newMs } = this.#rules;
    const hasHorizon = (header.attributes & DELETE_HORIZON) !== 0;
    const isTimed = Math.abs(header.baseMs) <= TIME_MS_MAX;
    const begins = dies && endsDeletions && isTimed && !hasHorizon;
    const until = begins ? newMs : dies && hasHorizon ? header.baseMs : 0;
    if (kept.length === header.count && !begins) return { kind: "kept", horizonMs: until };
    const horizonMs = begins ? newMs : undefined;
    const bytes = rewriteBatch({ batch, header, contents, kept, horizonMs });
    // Our compressors may be worse than the producer's.
    if (bytes.length > BATCH_BYTES_MAX) return KEPT;
    return { kind: "rewritten", bytes, horizonMs: until };
  }

  #isPast({ attributes, baseMs }: BatchHeader): boolean {
    return (attributes & DELETE_HORIZON) !== 0 && baseMs <= this.#rules.nowMs;
  }
}

function allOf(contents: BatchContents, header: BatchHeader): readonly KeptRecord[] {
  const kept: KeptRecord[] = [];
  walkRecords(contents, header, (record) => kept.push(copyOf(record)));
  return kept;
}

function copyOf({ start, restStart, end, timeDelta }: RecordPlace): KeptRecord {
  return { start, restStart, end, timeDelta };
}
