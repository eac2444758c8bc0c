/** A door of any protocol: it listens at once, and what serves its connections is loaded later. */

import type { DoorProtocol, ListenSettings } from "../../broker/doors.ts";
import type { Environment } from "../../model/environment.ts";
import { LateService, type ConnectionService } from "./late-service.ts";
import { limitedWarn, type Warn } from "./limited-log.ts";
import { openListener, type Listener } from "./listener.ts";

export interface OpenDoor {
  /** What clients are told to connect to. */
  readonly host: string;
  readonly port: number;
  /** Ends all connections in order; resolves when they are gone. */
  close(): Promise<void>;
}

export interface DoorOptions {
  readonly door: DoorProtocol;
  readonly settings: ListenSettings;
  readonly environment: Environment;
  readonly connectionsMax: number;
  /** Loads the code of the protocol, which is none of the opening's. */
  readonly load: (opened: {
    readonly warn: Warn;
    readonly advertised: Listener["advertised"];
  }) => Promise<ConnectionService>;
}

/** Throws BAD_CONFIG where the port is taken or not to be had, and for keys that cannot be read. */
export async function openDoor(options: DoorOptions): Promise<OpenDoor> {
  const { door, settings, environment, connectionsMax, load } = options;
  const warn = limitedWarn(environment.clock, environment.log);
  const listener = await openListener({
    door,
    settings,
    connectionsMax,
    warn,
    onConnection: (socket) => service.add(socket),
  });
  const { advertised } = listener;
  const service = new LateService({ door, environment, load: () => load({ warn, advertised }) });
  return {
    ...advertised,
    async close() {
      const ended = listener.close();
      await service.stop();
      await ended;
    },
  };
}
