/** The coordinator's verdicts as the version of a request has them: older clients know fewer codes. */

import { ERROR } from "../error-codes.ts";

/** From this version on PRODUCER_FENCED is known to whoever begins, changes or ends transactions. */
const FENCED_SINCE = {
  InitProducerId: 4,
  AddPartitionsToTxn: 2,
  AddOffsetsToTxn: 2,
  EndTxn: 2,
} as const;
/** From this version on a producer aborts its transaction, and goes on, where it used to give up. */
const ABORTABLE_PRODUCE = 11;

export function coordinatorError(
  api: keyof typeof FENCED_SINCE,
  version: number,
  error: number,
): number {
  const unknown = error === ERROR.PRODUCER_FENCED && version < FENCED_SINCE[api];
  return unknown ? ERROR.INVALID_PRODUCER_EPOCH : error;
}

/** Whoever sends batches or offsets is told of its epoch in every version. */
export function senderError(error: number): number {
  return error === ERROR.PRODUCER_FENCED ? ERROR.INVALID_PRODUCER_EPOCH : error;
}

/** Of a batch that may not be appended (KIP-890). */
export function produceError(version: number, error: number): number {
  const abortable = error === ERROR.INVALID_TXN_STATE && version >= ABORTABLE_PRODUCE;
  return abortable ? ERROR.TRANSACTION_ABORTABLE : senderError(error);
}
