/** What is known of one transactional id: a value, kept in the state log, never changed in place. */

/**
 * *empty*: no transaction since the producer came. *ongoing*: partitions are in it. *prepare-…*: its end
 * is decided and durable; markers are on their way. *complete-…*: every partition has its marker.
 */
export type TransactionStatus =
  | "empty"
  | "ongoing"
  | "prepare-commit"
  | "prepare-abort"
  | "complete-commit"
  | "complete-abort";

export interface TransactionPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TransactionState {
  readonly status: TransactionStatus;
  readonly producerId: number;
  readonly epoch: number;
  /** The place from which the producer came by its last change of epoch: a repeated request names it. */
  readonly last: { readonly producerId: number; readonly epoch: number } | undefined;
  /**
   * Who goes on after the transaction that is being ended: under a new id where the epochs of the old
   * one are used up.
   */
  readonly next: { readonly producerId: number; readonly epoch: number } | undefined;
  readonly timeoutMs: number;
  readonly partitions: readonly TransactionPartition[];
  /** Groups whose offsets are in the transaction. */
  readonly groups: readonly string[];
  /** When the first partition was added. */
  readonly startedMs: number;
  readonly updatedMs: number;
}

/** The greatest epoch that a producer is given; one more is left for the marker that ends its last. */
export const EPOCH_MAX = 32_766;

export function isEnding({ status }: TransactionState): boolean {
  return status === "prepare-commit" || status === "prepare-abort";
}

export function encodeTransaction(state: TransactionState): string {
  return JSON.stringify(state);
}

/** Of what this broker itself wrote into its state log. */
export function decodeTransaction(text: string): TransactionState {
  return JSON.parse(text);
}

/** The names that Kafka's tools print. */
export const STATUS_NAMES: Readonly<Record<TransactionStatus, string>> = {
  empty: "Empty",
  ongoing: "Ongoing",
  "prepare-commit": "PrepareCommit",
  "prepare-abort": "PrepareAbort",
  "complete-commit": "CompleteCommit",
  "complete-abort": "CompleteAbort",
};
