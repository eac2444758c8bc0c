/**
 * Writes a log's snapshots of producers: at each segment's end, and at an orderly stop. A log to which
 * no producer with an id ever wrote has none.
 */

import { assert } from "../../../model/assert.ts";
import { removeExisting } from "../disks/remove-existing.ts";
import { isDiskFull } from "../disks/error-code.ts";
import type { LogEnvironment } from "../log-environment.ts";
import type { Segment } from "../segment/segment.ts";
import type { PartitionProducers } from "./partition-producers.ts";
import { snapshotPath, writeSnapshot } from "./snapshot-files.ts";

export interface RestoredProducers {
  readonly producers: PartitionProducers;
  /** The offset of the newest snapshot on the disk. */
  readonly snapshotAt: number | undefined;
}

export class SnapshotKeeper {
  readonly #environment: LogEnvironment;
  readonly #directory: string;
  readonly #producers: PartitionProducers;
  #newestAt: number | undefined;

  constructor(environment: LogEnvironment, directory: string, restored: RestoredProducers) {
    this.#environment = environment;
    this.#directory = directory;
    this.#producers = restored.producers;
    this.#newestAt = restored.snapshotAt;
  }

  /** Before the segment is sealed. Everything in it is durable. */
  async atRoll(segment: Segment): Promise<void> {
    if (segment.producers) await this.#write(segment);
  }

  /** A full disk is no reason not to stop: the next start reads the log instead. */
  async atStop(segment: Segment): Promise<void> {
    if (!segment.producers || this.#newestAt === segment.nextOffset) return;
    try {
      await this.#write(segment);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  async remove(offset: number): Promise<void> {
    await removeExisting(this.#environment.disk, snapshotPath(this.#directory, offset));
  }

  async #write({ baseOffset, nextOffset }: Segment): Promise<void> {
    const snapshot = this.#producers.snapshot(baseOffset, this.#environment.clock.now());
    assert(snapshot.offset === nextOffset, "a snapshot tells of all that is durable");
    await writeSnapshot(this.#environment, this.#directory, snapshot);
    const before = this.#newestAt;
    this.#newestAt = nextOffset;
    // One of an earlier stop lies within the segment, and means nothing beside this one.
    if (before !== undefined && before > baseOffset && before < nextOffset)
      await this.remove(before);
  }
}
