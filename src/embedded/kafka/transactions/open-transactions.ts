/** The coordinator of transactions with what it stands on, after it has ended what a crash left. */

import type { Engine } from "../../engine.ts";
import { Topics } from "../topics/topics.ts";
import { ProducerIds } from "./producer-ids.ts";
import { TransactionCoordinator, type TransactionSettings } from "./transaction-coordinator.ts";
import { TransactionOffsets } from "./transaction-offsets.ts";

export const TRANSACTIONS: TransactionSettings = {
  timeoutMsMax: 15 * 60_000,
  expiryCheckMs: 10_000,
  idleKeepMs: 7 * 24 * 60 * 60_000,
};

export interface Transactions {
  readonly coordinator: TransactionCoordinator;
  readonly producerIds: ProducerIds;
  readonly offsets: TransactionOffsets;
  /** Resolves when nothing is under way any more. */
  readonly close: () => Promise<void>;
}

export async function openTransactions(engine: Engine): Promise<Transactions> {
  const producerIds = new ProducerIds(engine.state);
  const offsets = new TransactionOffsets(engine.state);
  const coordinator = new TransactionCoordinator({
    engine,
    topics: new Topics(engine),
    producerIds,
    offsets,
    settings: TRANSACTIONS,
  });
  await coordinator.recover();
  return { coordinator, producerIds, offsets, close: () => coordinator.close() };
}
