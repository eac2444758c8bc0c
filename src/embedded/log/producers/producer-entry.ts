/**
 * What a partition remembers of one producer, and the rules by which the producer's next batch is
 * judged (KIP-98, KIP-360, KIP-890), as pure functions. Entries never change; there are new ones.
 *
 * A producer numbers its records from 0 in each epoch. A batch that continues the numbers is appended,
 * one of the last five again is answered as the first time, anything else is out of order: a batch
 * before it got lost, or is still on its way.
 */

import { BatchRefused } from "../batch-refused.ts";
import type { TransactionMarker } from "../format/transaction-marker.ts";

export interface SequencedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export interface ProducerEntry {
  readonly id: number;
  readonly epoch: number;
  /** Of the newest marker; -1 before any. */
  readonly coordinatorEpoch: number;
  /** Of this epoch, the oldest first. */
  readonly batches: readonly SequencedBatch[];
  /** Where its open transaction began in this partition. */
  readonly openFrom: number | undefined;
  /** The time in its newest batch. */
  readonly lastMs: number;
  /** When it was last heard, by our clock. */
  readonly heardMs: number;
}

/** A batch that a producer made, before it has an offset. */
export interface ProducedBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
  readonly transactional: boolean;
  /** The newest time in it. */
  readonly newestMs: number;
}

/** As in Kafka: a producer sends at most five requests before it waits for an answer. */
const BATCHES_REMEMBERED = 5;
const SEQUENCES = 2 ** 31;

function lastSequenceOf({
  baseSequence,
  count,
}: Pick<ProducedBatch, "baseSequence" | "count">): number {
  return (baseSequence + count - 1) % SEQUENCES;
}

/** The first time that the batch came, where it is one of the last. */
export function originalOf(entry: ProducerEntry, batch: ProducedBatch): SequencedBatch | undefined {
  if (batch.producerEpoch !== entry.epoch) return undefined;
  const last = lastSequenceOf(batch);
  return entry.batches.find(
    ({ firstSequence, lastSequence }) =>
      firstSequence === batch.baseSequence && lastSequence === last,
  );
}

/**
 * Of a producer of whom nothing is known any sequence is taken: retention may have removed what there
 * was. Throws `BatchRefused`: fenced, out-of-order, transaction-state.
 */
export function checkBatch(entry: ProducerEntry | undefined, batch: ProducedBatch): void {
  if (entry === undefined) return;
  const { producerEpoch, baseSequence } = batch;
  checkEpoch(entry, producerEpoch);
  const lastSequence = entry.batches.at(-1)?.lastSequence;
  const isNewEpoch = producerEpoch > entry.epoch || lastSequence === undefined;
  const expected = isNewEpoch ? 0 : (lastSequence + 1) % SEQUENCES;
  if (baseSequence !== expected) {
    throw new BatchRefused(
      "out-of-order",
      `producer ${entry.id} sent sequence ${baseSequence} in epoch ${producerEpoch}; ` +
        `${expected} is next`,
    );
  }
  if (entry.openFrom !== undefined && !batch.transactional) {
    throw new BatchRefused(
      "transaction-state",
      `producer ${entry.id} sent a plain batch while its transaction from offset ` +
        `${entry.openFrom} on is open`,
    );
  }
}

/** Throws `BatchRefused` ("fenced") for a producer, or a coordinator, that another took over from. */
export function checkMarker(entry: ProducerEntry | undefined, marker: TransactionMarker): void {
  if (entry === undefined) return;
  checkEpoch(entry, marker.producerEpoch);
  if (marker.coordinatorEpoch >= entry.coordinatorEpoch) return;
  throw new BatchRefused(
    "fenced",
    `a marker of coordinator epoch ${marker.coordinatorEpoch} came after one of ` +
      `${entry.coordinatorEpoch}`,
  );
}

export function afterBatch(
  entry: ProducerEntry | undefined,
  batch: ProducedBatch,
  { firstOffset, heardMs }: { readonly firstOffset: number; readonly heardMs: number },
): ProducerEntry {
  const { producerId: id, producerEpoch: epoch, baseSequence, count, transactional } = batch;
  const sequenced: SequencedBatch = {
    firstSequence: baseSequence,
    lastSequence: lastSequenceOf(batch),
    firstOffset,
    lastOffset: firstOffset + count - 1,
  };
  const remembered = entry?.epoch === epoch ? entry.batches : [];
  return {
    id,
    epoch,
    coordinatorEpoch: entry?.coordinatorEpoch ?? -1,
    batches: [...remembered.slice(1 - BATCHES_REMEMBERED), sequenced],
    openFrom: entry?.openFrom ?? (transactional ? firstOffset : undefined),
    lastMs: batch.newestMs,
    heardMs,
  };
}

/** A marker of a newer epoch ends the old one: its sequences count no more (KIP-890). */
export function afterMarker(
  entry: ProducerEntry | undefined,
  { producerId: id, producerEpoch: epoch, coordinatorEpoch }: TransactionMarker,
  { lastMs, heardMs }: { readonly lastMs: number; readonly heardMs: number },
): ProducerEntry {
  const batches = entry?.epoch === epoch ? entry.batches : [];
  return { id, epoch, coordinatorEpoch, batches, openFrom: undefined, lastMs, heardMs };
}

function checkEpoch({ id, epoch }: ProducerEntry, producerEpoch: number): void {
  if (producerEpoch >= epoch) return;
  throw new BatchRefused(
    "fenced",
    `producer ${id} sent epoch ${producerEpoch}; a newer one has begun epoch ${epoch}`,
  );
}
