/** The replays of a running service: they end with it. */

import type { Streams } from "../../broker/streams.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Part } from "../part.ts";
import { planReplay, type ReplayPlan } from "./plan-replay.ts";
import { scopeOf, type ReplayRequest } from "./replay-request.ts";
import {
  discardReplay,
  runReplay,
  type ReplayGround,
  type ReplayOptions,
  type ReplayOutcome,
} from "./run-replay.ts";

export interface ReplayControls {
  /**
   * What a replay would do. Touches nothing. Throws BAD_ARGUMENT for a part that is no consumer of the
   * stream, UNKNOWN_STREAM, OFFSET_OUT_OF_RANGE.
   */
  planReplay(request: ReplayRequest): Promise<ReplayPlan>;
  /**
   * Gives past messages to a consumer again, beside its own work and without moving it. Resolves when
   * all are done or the signal aborts; failures are reported, not parked. Throws as `planReplay`, and
   * CONFLICT while another replay of the part is unfinished.
   */
  runReplay(request: ReplayRequest, options?: ReplayOptions): Promise<ReplayOutcome>;
  /**
   * Forgets a replay that was cancelled or killed and shall not be gone on with. Throws CONFLICT while
   * a replay of the part is running.
   */
  discardReplay(part: string, id: string): Promise<void>;
}

export interface ReplaysOptions extends ReplayGround {
  readonly streams: Streams | undefined;
  /** Throws BAD_ARGUMENT for a name that no part has. */
  readonly partOf: (name: string) => Part;
}

export class Replays implements ReplayControls {
  readonly #options: ReplaysOptions;
  readonly #stop = new AbortController();
  readonly #running = new Map<Part, Promise<unknown>>();

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  async planReplay(request: ReplayRequest): Promise<ReplayPlan> {
    const { partOf, streams, store } = this.#options;
    const scope = await scopeOf(partOf(request.part), request, streams);
    return await planReplay(scope, { streams: streams!, store });
  }

  async runReplay(request: ReplayRequest, options: ReplayOptions = {}): Promise<ReplayOutcome> {
    const { partOf, streams } = this.#options;
    const part = partOf(request.part);
    const scope = await scopeOf(part, request, streams);
    this.#refuseRunning(part);
    const { signal: stop } = this.#stop;
    const signal = options.signal === undefined ? stop : AbortSignal.any([stop, options.signal]);
    const run = runReplay(scope, this.#options, { ...options, signal });
    this.#running.set(part, run);
    return await run.finally(() => this.#running.delete(part));
  }

  async discardReplay(part: string, id: string): Promise<void> {
    const { partOf, store } = this.#options;
    const found = partOf(part);
    this.#refuseRunning(found);
    await discardReplay(store, found, id);
  }

  /** Cancels what is running; it can be gone on with after a restart. */
  async stop(): Promise<void> {
    this.#stop.abort(new MillraceError("CLOSED", "the service stops"));
    await Promise.allSettled(this.#running.values());
  }

  #refuseRunning(part: Part): void {
    if (!this.#running.has(part)) return;
    throw new MillraceError(
      "CONFLICT",
      `a replay of ${part.name} is running; wait for it, or cancel it`,
      { details: { part: part.name } },
    );
  }
}
