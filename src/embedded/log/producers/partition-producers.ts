/**
 * What a partition's log knows of producers and their transactions, in two times: `states` is as of the
 * last batch that was given an offset, and may take things back; the stable end and the aborted
 * transactions are as of the last durable batch, and only go on. So no reader sees the records of a
 * transaction before its marker is durable.
 */

import { CONTROL } from "../format/batch-layout.ts";
import { isTransactional, type BatchHeader } from "../format/batch-decoder.ts";
import type { TransactionEnd, TransactionMarker } from "../format/transaction-marker.ts";
import { readMarkerEnd } from "../format/transaction-marker.ts";
import { AbortedTransactions, type AbortedWithStable } from "./aborted-transactions.ts";
import type { ProducedBatch } from "./producer-entry.ts";
import type { ProducerSnapshot } from "./producer-snapshot.ts";
import { ProducerStates } from "./producer-states.ts";
import { StableEnd } from "./stable-end.ts";

/** A durable batch that belongs to a transaction, or ends one. */
export interface TransactionalBatch {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
  /** Of a marker. */
  readonly ends?: TransactionEnd;
}

export interface PartitionProducersOptions {
  readonly snapshot: ProducerSnapshot;
  readonly aborted?: readonly AbortedWithStable[];
  readonly keepMs: number;
}

export class PartitionProducers {
  readonly states: ProducerStates;
  readonly aborted: AbortedTransactions;
  readonly #stable: StableEnd;
  /** Up to here the batches are durable and folded. */
  #end: number;

  constructor({ snapshot, aborted = [], keepMs }: PartitionProducersOptions) {
    this.states = new ProducerStates({ entries: snapshot.entries(), keepMs });
    this.aborted = new AbortedTransactions(aborted);
    this.#stable = new StableEnd(snapshot.stable);
    this.#end = snapshot.offset;
  }

  get stableEnd(): number {
    return this.#stable.firstOpen ?? this.#end;
  }

  get visibleEnd(): number {
    return this.#stable.visibleEnd;
  }

  /** Everything up to `end` is durable; `batches` are those of transactions among it, in order. */
  durable(end: number, batches: readonly TransactionalBatch[]): void {
    this.states.settle(end);
    for (const batch of batches) this.#fold(batch);
    if (this.#end < end) this.#stable.plain(end);
    this.#end = end;
  }

  /** Takes a batch of the log that is read at a start. */
  replay(header: BatchHeader, { chunk, at }: { chunk: Buffer; at: number }, nowMs: number): void {
    const { baseOffset: firstOffset, nextOffset, producerId } = header;
    const batch = { producerId, firstOffset, nextOffset };
    const place = { firstOffset, nowMs };
    if (header.attributes & CONTROL) {
      const end = readMarkerEnd(chunk, at);
      if (end === undefined) return this.#pass(nextOffset);
      const marker: TransactionMarker = { producerId, producerEpoch: header.producerEpoch, ...end };
      this.states.ended(marker, { ...place, lastMs: header.newestMs });
      this.#fold({ ...batch, ends: end.kind });
    } else {
      const produced = producedBatch(header);
      if (produced !== undefined) this.states.appended(produced, place);
      if (produced?.transactional) this.#fold(batch);
      else this.#stable.plain(nextOffset);
    }
    this.states.settle(nextOffset);
    this.#end = nextOffset;
  }

  /** Of what is known before the offset, which is the end of what is durable. */
  snapshot(segmentOffset: number, nowMs: number): ProducerSnapshot {
    const offset = this.#end;
    return {
      offset,
      stable: this.#stable.state,
      aborted: this.aborted.endedFrom(segmentOffset),
      entries: () => this.states.before(offset, nowMs),
    };
  }

  #fold({ producerId, firstOffset, nextOffset, ends }: TransactionalBatch): void {
    if (this.#end < firstOffset) this.#stable.plain(firstOffset);
    this.#end = nextOffset;
    if (ends === undefined) {
      this.#stable.transactional({ producerId, firstOffset, nextOffset });
      return;
    }
    const began = this.#stable.ended(producerId, ends);
    if (began === undefined || ends === "commit") return;
    const { stableEnd } = this;
    this.aborted.add({ producerId, firstOffset: began, lastOffset: firstOffset, stableEnd });
  }

  /** A control batch that is nobody's: no record for a reader, no end of anything. */
  #pass(nextOffset: number): void {
    this.#end = nextOffset;
  }
}

/** The producer's side of a batch; undefined where it has none. */
export function producedBatch(header: BatchHeader): ProducedBatch | undefined {
  const { producerId, producerEpoch, baseSequence, newestMs } = header;
  if (producerId < 0) return undefined;
  // Compaction takes records, and leaves the offsets and sequences that the batch was given.
  const count = header.nextOffset - header.baseOffset;
  const transactional = isTransactional(header);
  return { producerId, producerEpoch, baseSequence, count, transactional, newestMs };
}

export function emptySnapshot(offset: number): ProducerSnapshot {
  return {
    offset,
    stable: { visibleEnd: offset, open: [] },
    aborted: [],
    entries: () => [],
  };
}
