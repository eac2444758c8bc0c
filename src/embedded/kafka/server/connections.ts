/** All connections of the door: what they hold together, which of them have stalled, how they end. */

import type { Socket } from "node:net";
import type { Timer } from "../../../model/clock.ts";
import type { Environment } from "../../../model/environment.ts";
import type { Doorkeeper } from "../../doors/doorkeeper.ts";
import type { Warn } from "../../doors/limited-log.ts";
import type { Handlers } from "../handlers/handler.ts";
import { ByteBudget } from "../../doors/byte-budget.ts";
import { Turns } from "../../doors/turns.ts";
import { Connection } from "./connection.ts";
import { FrameBuffers } from "./frame-buffers.ts";
import type { ConnectionLimits, DoorLimits } from "./limits.ts";
import { WideRequests } from "./wide-requests.ts";

export interface ConnectionsOptions {
  readonly handlers: Handlers;
  readonly environment: Environment;
  readonly keeper: Doorkeeper;
  readonly warn: Warn;
  readonly limits: DoorLimits;
  readonly connectionLimits: ConnectionLimits;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #budget: ByteBudget;
  readonly #frames = new FrameBuffers();
  readonly #wide: WideRequests;
  readonly #turns: Turns;
  readonly #open = new Set<Connection>();
  #sweep: Timer | undefined;
  #stopped = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#budget = new ByteBudget(options.limits);
    this.#turns = new Turns(options.environment.clock, options.limits.turnMax);
    this.#wide = new WideRequests(options.environment.clock, options.limits.wideBytesPerMs);
  }

  get count(): number {
    return this.#open.size;
  }

  /** Received and unanswered, being read for answers, and answered and unsent. */
  get heldBytes(): number {
    return this.#budget.usedBytes;
  }

  add(socket: Socket): void {
    if (this.#stopped) {
      socket.destroy();
      return;
    }
    const { connectionLimits: limits, ...shared } = this.#options;
    const [budget, frames, wide, turns] = [this.#budget, this.#frames, this.#wide, this.#turns];
    const connection = new Connection({ ...shared, limits, socket, budget, frames, wide, turns });
    this.#open.add(connection);
    void connection.closed.then(() => this.#open.delete(connection));
    this.#sweep ??= this.#sweepLater();
  }

  /** Ends all of them when what has begun is answered, or at the deadline. Nobody is added any more. */
  async stop(): Promise<void> {
    const { environment, limits } = this.#options;
    this.#stopped = true;
    this.#sweep?.cancel();
    const all = [...this.#open];
    const deadline = environment.clock.after(limits.stopMs, () => {
      for (const connection of all) connection.hangUp("");
    });
    await Promise.all(all.map((connection) => connection.stop()));
    deadline.cancel();
  }

  /**
   * Somebody waits for memory: hangs up on those that hold some and have stood still, the longest
   * first, until half of all is free. So an honest client that is slow for once has others before it.
   */
  #makeRoom(nowMs: number): void {
    const { limits, connectionLimits } = this.#options;
    const stalled = [...this.#open]
      .map((connection) => ({ connection, stall: connection.stall(nowMs) }))
      .filter(({ stall }) => stall !== undefined && stall.ms >= connectionLimits.stalledShortMs)
      .toSorted((a, b) => b.stall!.ms - a.stall!.ms);
    let heldBytes = this.#budget.usedBytes;
    for (const { connection, stall } of stalled) {
      if (heldBytes <= limits.bytesMax / 2) return;
      heldBytes -= connection.heldBytes;
      connection.hangUp(stall!.why);
    }
  }

  /** One timer for all, and none while there is nobody. */
  #sweepLater(): Timer {
    const { environment, limits } = this.#options;
    return environment.clock.after(limits.sweepMs, () => {
      const nowMs = environment.clock.monotonic();
      for (const connection of this.#open) {
        const why = connection.overdue(nowMs);
        if (why !== undefined) connection.hangUp(why);
      }
      if (this.#budget.short) this.#makeRoom(nowMs);
      this.#sweep = this.#open.size === 0 ? undefined : this.#sweepLater();
    });
  }
}
