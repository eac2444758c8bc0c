/**
 * Knows whether the disk has less free space than the floor, without asking it for every append: it
 * looks at most once a second and counts what is written in between.
 */

import type { Clock } from "../../../model/clock.ts";
import type { Disk } from "../disk.ts";

const LOOK_EVERY_MS = 1000;

export interface FreeSpaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly directory: string;
  readonly freeBytesMin: number;
}

export class FreeSpace {
  readonly freeBytesMin: number;
  readonly directory: string;
  private readonly disk: Disk;
  private readonly clock: Clock;
  private freeBytes = Number.POSITIVE_INFINITY;
  private lookedMs = Number.NEGATIVE_INFINITY;

  constructor({ disk, clock, directory, freeBytesMin }: FreeSpaceOptions) {
    this.disk = disk;
    this.clock = clock;
    this.directory = directory;
    this.freeBytesMin = freeBytesMin;
  }

  get low(): boolean {
    return this.freeBytes < this.freeBytesMin;
  }

  /** Whether the last look is old enough for another one. */
  get stale(): boolean {
    return this.clock.monotonic() - this.lookedMs >= LOOK_EVERY_MS;
  }

  spend(bytes: number): void {
    this.freeBytes -= bytes;
  }

  /** The disk itself said that it is full: believed until the next look. */
  exhausted(): void {
    this.freeBytes = 0;
    this.lookedMs = this.clock.monotonic();
  }

  async look(): Promise<void> {
    this.lookedMs = this.clock.monotonic();
    this.freeBytes = await this.disk.freeBytes(this.directory);
  }
}
