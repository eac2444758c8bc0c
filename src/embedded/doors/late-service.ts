/**
 * What serves a door's connections, loaded after the door has opened.
 *
 * Code that speaks a protocol takes longer to load than a broker to open. So a door listens first, and
 * what serves it is loaded with its first connection, or a moment later where nobody has come.
 * Connections wait meanwhile, unread.
 *
 * Where loading fails, which is logged, those that wait are hung up on, and the next connection tries
 * anew: the cause may be a disk that is full for now.
 */

import type { Socket } from "node:net";
import type { DoorProtocol } from "../../broker/doors.ts";
import type { Timer } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";

/** Time for the process to say that it is ready, before loading keeps its thread. */
const LOAD_AFTER_MS = 250;

export interface ConnectionService {
  add(socket: Socket): void;
  /** Ends all connections in order; resolves when they are gone. */
  stop(): Promise<void>;
}

export interface LateServiceOptions {
  readonly door: DoorProtocol;
  readonly environment: Pick<Environment, "clock" | "log">;
  readonly load: () => Promise<ConnectionService>;
}

export class LateService implements ConnectionService {
  readonly #options: LateServiceOptions;
  readonly #timer: Timer;
  #loading: Promise<ConnectionService | undefined> | undefined;
  #stopped = false;

  constructor(options: LateServiceOptions) {
    this.#options = options;
    this.#timer = options.environment.clock.after(LOAD_AFTER_MS, () => void this.#loaded());
  }

  add(socket: Socket): void {
    void this.#serve(socket);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer.cancel();
    const service = await this.#loading;
    await service?.stop();
  }

  async #serve(socket: Socket): Promise<void> {
    // One that breaks off while it waits is seen by whoever is given it: it is destroyed then.
    const ignore = (): void => {};
    socket.on("error", ignore);
    const service = this.#stopped ? undefined : await this.#loaded();
    socket.off("error", ignore);
    if (service === undefined) socket.destroy();
    else if (!socket.destroyed) service.add(socket);
  }

  #loaded(): Promise<ConnectionService | undefined> {
    return (this.#loading ??= this.#load());
  }

  async #load(): Promise<ConnectionService | undefined> {
    const { door, environment, load } = this.#options;
    try {
      return await load();
    } catch (error) {
      this.#loading = undefined;
      environment.log.error({ door, error }, "the door cannot serve; its clients are hung up on");
      return undefined;
    }
  }
}
