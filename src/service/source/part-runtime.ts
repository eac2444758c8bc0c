/** What all inputs of a running part share. */

import type { Queues } from "../../broker/queues.ts";
import type { Streams } from "../../broker/streams.ts";
import type { Envelope } from "../../model/envelope.ts";
import type { Environment } from "../../model/environment.ts";
import type { RawMessage } from "../../model/message.ts";
import type { Store } from "../../store/store.ts";
import type { MessageReader } from "../message-reader.ts";
import type { MessageStamper } from "../message-stamper.ts";
import type { Part, Worker } from "../part.ts";
import type { Relay } from "../outbox/relay.ts";
import type { Asker } from "../ask/asker.ts";
import type { PartCounters } from "../input/counters.ts";
import type { FlightBudget } from "../input/flight-budget.ts";
import type { DocumentReader } from "../input/documents.ts";
import type { EffectMode } from "../effects/effect-mode.ts";
import type { StoreReads } from "../unit/store-reads.ts";
import type { InputEngine } from "../input/input-engine.ts";
import type { EventFeed } from "./event-feed.ts";
import type { TimerWatch } from "./timer-watch.ts";

export interface PartRuntime {
  readonly service: string;
  readonly part: Part;
  readonly worker: Worker;
  readonly reader: MessageReader;
  readonly store: Store;
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  readonly environment: Environment;
  readonly documents: DocumentReader;
  readonly reads: StoreReads;
  /** What becomes of effects; `live` unless said. */
  readonly effects?: EffectMode;
  readonly stamper: MessageStamper;
  readonly relay: Relay;
  /** The service's own events. */
  readonly feed: EventFeed;
  /** The part's timers, as its commits set them. */
  readonly timerWatch: TimerWatch;
  readonly counters: PartCounters;
  /** What all inputs of the service together may have in flight. */
  readonly budget: FlightBudget;
  /** Inputs at work, by name. */
  readonly inputs: Map<string, RunningInput>;
  /** How long work that is out may go on when an input ends. */
  readonly deadlineMs: () => number;
  readonly changed: () => void;
}

export interface RunningInput {
  readonly name: string;
  readonly engine: InputEngine;
  /** Hands over a stamped command and whoever waits for its answer. Queues only. */
  readonly ask?: (command: StampedCommand, asker: Asker) => void;
  /** Streams only. */
  readonly partition?: { readonly stream: string; readonly number: number };
  /** Logs: everything below it is finished. */
  readonly position?: number;
  /** Logs: whether what stands at the offset is finished, or was no concern of the part. */
  readonly hasFinished?: (offset: number) => boolean;
  /** Logs: the offsets that it may be moved to. */
  readonly bounds?: () => Promise<{ readonly earliest: number; readonly end: number }>;
  /** Whether nothing is due; timers only. */
  readonly atRest?: () => boolean;
  /** What waits to be taken, where neither a log nor a queue tells it. */
  readonly lag?: () => Promise<number>;
  /** Ends this run of the input, moves its position, and begins a new one. Logs only. */
  readonly seek?: (offset: number) => Promise<void>;
}

/** A command that this process has stamped. */
export interface StampedCommand {
  readonly message: RawMessage;
  readonly envelope: Envelope;
}
