/**
 * Why a record batch from the wire was not appended. It never leaves the embedded broker: the Kafka
 * door answers with the protocol's own code for each reason.
 */

export type RefusalReason =
  /** The checksum does not hold. */
  | "corrupt"
  /** The header contradicts itself, or a rule of the topic: a missing key, a marker. */
  | "invalid"
  | "too-large"
  /** A format before version 2. */
  | "old-format"
  /** The producer's sequence has a gap: a batch between was lost, or is still on its way. */
  | "out-of-order"
  /** A newer producer took over the id. */
  | "fenced"
  /** A plain batch while a transaction of its producer is open. */
  | "transaction-state";

export class BatchRefused extends Error {
  override readonly name = "BatchRefused";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, text: string) {
    super(text);
    this.reason = reason;
  }
}
