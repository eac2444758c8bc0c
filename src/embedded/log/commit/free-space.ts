/**
 * Knows whether the disk has less free space than the floor, without asking it for every append: it
 * looks at most once a second and counts what is written in between.
 *
 * When the room ends, the log is told once, and once more when there is some again: more than a little
 * above the floor, or a disk at its edge would fill the log, too.
 */

import type { Clock } from "../../../model/clock.ts";
import type { Log } from "../../../model/environment.ts";
import type { Disk } from "../disk.ts";

const LOOK_EVERY_MS = 1000;
const ROOM_AGAIN_BYTES = 16 * 1024 * 1024;

export interface FreeSpaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
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
  private readonly log: Log;
  private toldFull = false;

  constructor({ disk, clock, log, directory, freeBytesMin }: FreeSpaceOptions) {
    this.disk = disk;
    this.clock = clock;
    this.log = log;
    this.directory = directory;
    this.freeBytesMin = freeBytesMin;
  }

  get low(): boolean {
    return this.freeBytes < this.freeBytesMin;
  }

  /** From the moment when the log is told that the room has ended until it is told that there is some. */
  get full(): boolean {
    return this.toldFull;
  }

  /** Whether the last look is old enough for another one. */
  get stale(): boolean {
    return this.clock.monotonic() - this.lookedMs >= LOOK_EVERY_MS;
  }

  spend(bytes: number): void {
    this.freeBytes -= bytes;
    if (this.low) this.tellFull();
  }

  /** The disk itself said that it is full: believed until the next look. */
  exhausted(): void {
    this.freeBytes = 0;
    this.lookedMs = this.clock.monotonic();
    this.tellFull();
  }

  async look(): Promise<void> {
    this.lookedMs = this.clock.monotonic();
    this.freeBytes = await this.disk.freeBytes(this.directory);
    if (this.low) this.tellFull();
    else if (this.freeBytes >= this.freeBytesMin + ROOM_AGAIN_BYTES) this.tellRoom();
  }

  private tellFull(): void {
    if (this.toldFull) return;
    this.toldFull = true;
    const { directory, freeBytes, freeBytesMin } = this;
    this.log.warn(
      { directory, freeBytes, freeBytesMin },
      "the disk has no room, and nothing is appended: free some space, or shorten a stream's retention",
    );
  }

  private tellRoom(): void {
    if (!this.toldFull) return;
    this.toldFull = false;
    const { directory, freeBytes } = this;
    this.log.info({ directory, freeBytes }, "the disk has room again, and appends are taken");
  }
}
