/**
 * A generation of a view that the running code folds, and how far its building is.
 *
 * A build has caught up when it is as far as the ends of its inputs that were seen at that moment. As
 * those move on meanwhile, it goes in rounds, each shorter than the one before, until one was short.
 */

import type { Environment } from "../../model/environment.ts";
import type { RunningPart } from "../running/running-part.ts";
import type { ChangeSignal } from "../running/settling.ts";
import { persistently } from "../source/persistently.ts";
import { endsOf } from "./part-ends.ts";
import type { GenerationRef } from "./view-record.ts";

/** A round as short as this leaves nothing that a reader would notice. */
const ROUND_MS_MAX = 1000;

export interface FoldedOptions {
  readonly generation: GenerationRef;
  readonly part: RunningPart;
  readonly environment: Environment;
  readonly changes: ChangeSignal;
}

export class FoldedGeneration {
  readonly generation: GenerationRef;
  readonly part: RunningPart;
  readonly #options: FoldedOptions;
  readonly #end = new AbortController();
  #caughtUp = false;
  #heldBy: string | undefined;

  constructor(options: FoldedOptions) {
    this.generation = options.generation;
    this.part = options.part;
    this.#options = options;
  }

  /** It has reached the ends of its inputs, and stays near them while it is at work. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  /** Why it does not take over by itself, where it does not. */
  get heldBy(): string | undefined {
    return this.#heldBy;
  }

  /** Aborts when nobody needs to wait for its building any more. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get parked(): number {
    const inputs = [...this.part.runtime.inputs.values()];
    return inputs.reduce((sum, { engine }) => sum + engine.parked, 0);
  }

  /**
   * Resolves when it has caught up and nothing holds it from taking over, or rejects with the
   * signal's reason. `heldBy` is asked whenever something has changed.
   */
  async ready(heldBy: () => Promise<string | undefined>): Promise<void> {
    const { changes } = this.#options;
    for (;;) {
      await this.#catchUp();
      this.#caughtUp = true;
      const why = await heldBy();
      if (why !== this.#heldBy) changes.changed();
      this.#heldBy = why;
      if (why === undefined) return;
      await changes.next(this.signal);
    }
  }

  /** It cannot take over. */
  fail(why: string): void {
    this.#heldBy = why;
    this.#options.changes.changed();
  }

  endBuilding(): void {
    this.#end.abort();
  }

  async stop(): Promise<void> {
    this.endBuilding();
    await this.part.stop();
  }

  async #catchUp(): Promise<void> {
    const { changes, environment } = this.#options;
    const { part } = this.part.runtime;
    for (;;) {
      const ends = await persistently({ part, environment }, this.signal, () => endsOf(this.part));
      const beganMs = environment.clock.monotonic();
      while (![...ends].every(([input, end]) => this.#isAt(input, end))) {
        await changes.next(this.signal);
      }
      if (environment.clock.monotonic() - beganMs <= ROUND_MS_MAX) return;
    }
  }

  #isAt(input: string, end: number): boolean {
    const running = this.part.runtime.inputs.get(input);
    return running !== undefined && (running.position ?? 0) >= end;
  }
}
