/** Ends a transaction in one partition: the marker is the last record that the transaction has there. */

import { isMillraceError } from "../../../model/errors.ts";
import { BatchRefused } from "../../log/batch-refused.ts";
import type { TransactionMarker } from "../../log/format/transaction-marker.ts";
import type { Topics } from "../topics/topics.ts";
import type { TransactionPartition } from "./transaction-state.ts";

/** One broker decides, and has from the beginning. */
const COORDINATOR_EPOCH = 0;

/**
 * Durable when it resolves; where nothing is left to end, nothing is written. Throws what an append to
 * the partition throws.
 */
export async function writeMarker(
  topics: Topics,
  { topic, partition }: TransactionPartition,
  marker: Omit<TransactionMarker, "coordinatorEpoch">,
): Promise<void> {
  const log = topics.find(topic)?.partitions[partition];
  // Somebody deleted the topic, and with it what there was to end.
  if (log === undefined) return;
  try {
    await log.appendMarker({ ...marker, coordinatorEpoch: COORDINATOR_EPOCH }).durable;
  } catch (error) {
    // A newer producer has written there since: a marker of before a crash ended this transaction.
    if (error instanceof BatchRefused && error.reason === "fenced") return;
    if (isMillraceError(error, "CLOSED") && topics.find(topic) === undefined) return;
    throw error;
  }
}
