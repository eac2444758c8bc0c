/** What an input's engine is made of. */

import type { Streams } from "../../broker/streams.ts";
import type { Environment } from "../../model/environment.ts";
import type { LaneProgress } from "../../store/progress.ts";
import type { ParkedMessage, Store } from "../../store/store.ts";
import type { BatchInput, BatchOutcome, ParkCause } from "../../store/write-set.ts";
import type { MessageStamper } from "../message-stamper.ts";
import type { Part, Worker } from "../part.ts";
import type { Relay } from "../outbox/relay.ts";
import type { Arrival } from "./arrival.ts";
import type { PartCounters } from "./counters.ts";
import type { DocumentReader } from "./documents.ts";
import type { FlightBudget } from "./flight-budget.ts";
import type { EffectMode } from "../effects/effect-mode.ts";
import type { EventFeed } from "../source/event-feed.ts";
import type { TimerWatch } from "../source/timer-watch.ts";
import type { StoreReads } from "../unit/store-reads.ts";

/** What is particular to the kind of input. */
export interface Settlement {
  /** The arrivals are committed. */
  settled(arrivals: readonly Arrival[], outcome: BatchOutcome): void;
  /** Nobody wants them any more: they are not handled, and no commit is to come. */
  expired?(arrivals: readonly Arrival[]): void;
  /** Where the source keeps failures itself; otherwise they park in the store. */
  readonly source?: {
    /** Gives the message back to be delivered again; the source counts the attempts. */
    retry(arrival: Arrival, delayMs: number, cause: ParkCause): void;
    /** Sets the message aside for good. */
    reject(arrival: Arrival, cause: ParkCause): void;
  };
}

export interface EngineOptions {
  readonly service: string;
  readonly part: Part;
  readonly worker: Worker;
  readonly store: Store;
  readonly streams: Streams | undefined;
  readonly environment: Environment;
  readonly documents: DocumentReader;
  readonly reads: StoreReads;
  /** What becomes of effects; `live` unless said. */
  readonly effects?: EffectMode;
  readonly stamper: MessageStamper;
  readonly relay: Relay;
  /** Told of events that a commit appended. */
  readonly feed: Pick<EventFeed, "appended">;
  /** The part's timers, as its commits set them. */
  readonly timerWatch: TimerWatch;
  readonly counters: PartCounters;
  /** Of all inputs of the service together. */
  readonly budget: FlightBudget;
  readonly input: Omit<BatchInput, "unfinished" | "gaps">;
  readonly lanes: ReadonlyMap<string, LaneProgress>;
  readonly settlement: Settlement;
  /** Reads a parked row anew. */
  readonly reread: (row: ParkedMessage) => Arrival;
  /** Something that a watcher may wait for has changed. */
  readonly changed: () => void;
}
