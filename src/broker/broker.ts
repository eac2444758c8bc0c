/**
 * The broker port. An implementation offers streams, queues, or both; a service may use one broker
 * for streams and another for queues.
 */

import type { Environment } from "../model/environment.ts";
import type { DoorProtocol, WantedDoors } from "./doors.ts";
import type { Queues } from "./queues.ts";
import type { Streams } from "./streams.ts";
import type { Upkeep } from "./upkeep/upkeep.ts";

export interface Broker extends AsyncDisposable {
  readonly streams?: Streams;
  readonly queues?: Queues;
  /** Where others reach this broker over the network; none unless asked for. */
  readonly addresses?: readonly BrokerAddress[];
  /** Of what it keeps on this machine, as a whole; none where it keeps nothing here. */
  readonly upkeep?: Upkeep;
  /** Finishes what is under way, syncs, and lets go of files and connections. Idempotent. */
  close(): Promise<void>;
}

export interface BrokerAddress {
  readonly protocol: DoorProtocol;
  readonly host: string;
  readonly port: number;
}

/** What a factory such as `embedded()` returns: settings checked, nothing opened. */
export interface BrokerFactory {
  readonly adapter: string;
  /** Where it keeps its data on this machine, if it does: tools find the running process there. */
  readonly directory?: string;
  /** The protocols in which it can let others in by itself; none unless said. */
  readonly doors?: readonly DoorProtocol[];
  /** `doors` goes before what the factory's own settings say of them. */
  open(environment: Environment, doors?: WantedDoors): Promise<Broker>;
}
