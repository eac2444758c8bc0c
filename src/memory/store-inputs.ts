/** What a store in memory keeps of each consumer's input: epoch, progress, lanes, window of ids. */

import { refuseBatchInput, refuseOlderEpoch } from "../store/input-refusal.ts";
import type { InboxChange, InboxState } from "../store/batch-inbox.ts";
import type { IdWindow } from "../store/limits.ts";
import { NO_LANE_PROGRESS, NO_PROGRESS } from "../store/progress.ts";
import type { LaneProgress, Progress } from "../store/progress.ts";
import type { InputProgress } from "../store/store.ts";
import type { BatchInput } from "../store/write-set.ts";

export interface MemoryInput extends InboxState {
  readonly consumer: string;
  readonly input: string;
  epoch: number;
  log: string | undefined;
  progress: Progress;
  readonly lanes: Map<string, LaneProgress>;
  /** By id, when it was seen; in the order of coming. */
  readonly seen: Map<string, number>;
}

export class MemoryInputs {
  readonly #inputs = new Map<string, MemoryInput>();
  readonly #window: IdWindow;

  constructor(window: IdWindow) {
    this.#window = window;
  }

  get(consumer: string, input: string): MemoryInput {
    const name = JSON.stringify([consumer, input]);
    const known = this.#inputs.get(name);
    if (known !== undefined) return known;
    const lanes = new Map<string, LaneProgress>();
    const seen = new Map<string, number>();
    const made: MemoryInput = {
      consumer,
      input,
      epoch: 0,
      log: undefined,
      progress: NO_PROGRESS,
      lanes,
      seen,
      laneProgress: (key) => lanes.get(key) ?? NO_LANE_PROGRESS,
      hasSeen: (id) => seen.has(id),
    };
    this.#inputs.set(name, made);
    return made;
  }

  read(consumer: string, input: string, epoch: number | undefined): InputProgress {
    const found = this.get(consumer, input);
    if (epoch !== undefined) {
      refuseOlderEpoch(found, epoch);
      found.epoch = epoch;
    }
    const { log, progress, lanes } = found;
    return {
      ...(log === undefined ? {} : { progress: { ...progress, log } }),
      epoch: found.epoch,
      lanes: new Map(lanes),
    };
  }

  list(): { consumer: string; input: string; position: number; log: string }[] {
    return [...this.#inputs.values()].flatMap(({ consumer, input, progress, log }) =>
      log === undefined ? [] : [{ consumer, input, position: progress.position, log }],
    );
  }

  /** The input of a batch. Throws FENCED and POSITION_MISMATCH. */
  enter(batch: BatchInput): MemoryInput {
    const found = this.get(batch.consumer, batch.input);
    refuseBatchInput(found, batch);
    found.epoch = batch.epoch;
    return found;
  }

  keep(input: MemoryInput, change: InboxChange, log: string | undefined, nowMs: number): void {
    input.log ??= log;
    input.progress = change.progress;
    for (const [key, lane] of change.lanes) input.lanes.set(key, lane);
    for (const id of change.ids) input.seen.set(id, nowMs);
    for (const [id, seenMs] of input.seen) {
      if (input.seen.size <= this.#window.count && nowMs - seenMs < this.#window.ms) break;
      input.seen.delete(id);
    }
  }

  forget(consumer: string): void {
    for (const [name, input] of this.#inputs) {
      if (input.consumer === consumer) this.#inputs.delete(name);
    }
  }

  seek(consumer: string, input: string, to: { position: number; log: string }): void {
    const found = this.get(consumer, input);
    if (found.log !== to.log) found.epoch = 0;
    found.log = to.log;
    found.progress = { position: to.position, above: [] };
    found.lanes.clear();
    found.seen.clear();
  }
}
