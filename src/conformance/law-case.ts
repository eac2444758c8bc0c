/** What a case of the laws is given: a whole stack, on which it runs services of its own. */

import type { Broker, BrokerFactory } from "../broker/broker.ts";
import type { BrokerCapabilities, Capability } from "../broker/capabilities.ts";
import type { Environment } from "../model/environment.ts";
import type { Store, StoreFactory } from "../store/store.ts";
import type { TestTime } from "./broker-case.ts";
import type { Note, Topic } from "./case.ts";

/**
 * What can befall a stack while nothing of it is open: `restart` ends the process, and what is opened
 * next finds the same data; `fullDisk` leaves the broker less space than its floor, until it is told
 * otherwise.
 */
export type LawFault = "restart" | "fullDisk";

export type LawNeed = Capability | LawFault;

/** The time of a stack, which moves only when it is told to. */
export interface LawTime extends TestTime {
  /** Awaits the work while time moves. */
  readonly until: <Result>(work: Promise<Result>) => Promise<Result>;
}

/**
 * A broker and a store with data of their own. What is opened again finds what was kept. Opening and
 * closing them waits for no time to pass.
 */
export interface LawPlace extends AsyncDisposable {
  readonly broker: BrokerFactory;
  readonly store: StoreFactory;
  /** Its clock is that of `time`. */
  readonly environment: Environment;
  readonly time: LawTime;
  readonly faults: {
    readonly restart?: () => Promise<void>;
    readonly fullDisk?: (full: boolean) => Promise<void>;
  };
}

export interface LawContext extends Omit<LawPlace, "faults" | typeof Symbol.asyncDispose> {
  readonly capabilities: BrokerCapabilities;
  /** Applies a fault that the case named among its needs. All that was opened must be closed. */
  readonly restart: () => Promise<void>;
  readonly fullDisk: (full: boolean) => Promise<void>;
  readonly note: Note;
}

/** What a service works on. */
export interface Ports {
  readonly broker: Broker;
  readonly store: Store;
}

export type Law = Topic<LawContext, LawNeed>;
