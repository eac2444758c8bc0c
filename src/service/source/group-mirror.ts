/**
 * Tells the broker's group how far a partition is, for its listings: a mirror of the store's truth,
 * so it may lag behind. At most one commit is out, and a busy partition commits only every so often;
 * the last position is committed before the partition is let go.
 */

import type { AssignedPartition } from "../../broker/streams.ts";
import type { Timer } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";

const PAUSE_MS = 250;

export class GroupMirror {
  readonly #assigned: AssignedPartition;
  readonly #environment: Environment;
  #wanted: number | undefined;
  #told: number | undefined;
  #out: Promise<void> | undefined;
  #pause: Timer | undefined;

  constructor(assigned: AssignedPartition, environment: Environment) {
    this.#assigned = assigned;
    this.#environment = environment;
    this.#told = assigned.committed;
  }

  note(position: number): void {
    this.#wanted = position;
    if (this.#pause === undefined) this.#tell();
  }

  async close(): Promise<void> {
    this.#pause?.cancel();
    await this.#out;
    this.#tell();
    await this.#out;
  }

  #tell(): void {
    const position = this.#wanted;
    if (position === undefined || position === this.#told || this.#out !== undefined) return;
    this.#told = position;
    this.#out = this.#assigned
      .commit(position)
      .catch((error: unknown) => {
        const { stream, partition } = this.#assigned;
        this.#environment.log.debug(
          { stream, partition, position, error: String(error) },
          "the group's position could not be committed; the store has it",
        );
      })
      .finally(() => {
        this.#out = undefined;
      });
    this.#pause = this.#environment.clock.after(PAUSE_MS, () => {
      this.#pause = undefined;
      this.#tell();
    });
  }
}
