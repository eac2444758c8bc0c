/** Who may write to an input: every store refuses the same, in the same words. */

import { MillraceError } from "../model/errors.ts";
import type { BatchInput } from "./write-set.ts";

/** What a store knows of an input. */
interface KnownInput {
  readonly consumer: string;
  readonly input: string;
  readonly epoch: number;
  /** Undefined before the first batch from a stream. */
  readonly log: string | undefined;
  readonly progress: { readonly position: number };
}

/** Throws FENCED for an epoch older than the newest seen. */
export function refuseOlderEpoch(known: KnownInput, epoch: number): void {
  if (epoch >= known.epoch) return;
  throw new MillraceError(
    "FENCED",
    `${known.consumer} on ${known.input} belongs to epoch ${known.epoch}; epoch ${epoch} has lost it`,
  );
}

/** Throws POSITION_MISMATCH for offsets of another log, then FENCED. */
export function refuseBatchInput(known: KnownInput, { consumer, log, epoch }: BatchInput): void {
  if (log !== undefined && known.log !== undefined && log !== known.log) {
    throw new MillraceError(
      "POSITION_MISMATCH",
      `${consumer} stands at offset ${known.progress.position} of ${known.log}, and the batch ` +
        `comes from ${log}; seek ${consumer} to a position of the new log`,
    );
  }
  refuseOlderEpoch(known, epoch);
}
