/** What one part is given to work with: its own of everything, and what the service's parts share. */

import type { MessageType } from "../../schema/declaration.ts";
import type { EffectMode } from "../effects/effect-mode.ts";
import { createCounters } from "../input/counters.ts";
import { DocumentReader } from "../input/documents.ts";
import { MessageReader, type ReadSource } from "../message-reader.ts";
import { MessageStamper } from "../message-stamper.ts";
import type { Part, Worker } from "../part.ts";
import type { PartRuntime } from "../source/part-runtime.ts";
import { TimerWatch } from "../source/timer-watch.ts";
import { RepeatedWorker } from "../unit/repeated-worker.ts";
import { StoreReads } from "../unit/store-reads.ts";
import { tracedWorker } from "../unit/traced-worker.ts";

/** One of each for all parts of a service. */
export interface SharedRuntime extends Pick<
  PartRuntime,
  | "service"
  | "store"
  | "streams"
  | "queues"
  | "environment"
  | "relay"
  | "feed"
  | "budget"
  | "deadlineMs"
  | "changed"
> {
  readonly handleTwice: boolean;
}

export function createRuntime(
  part: Part,
  effects: EffectMode,
  { handleTwice, ...shared }: SharedRuntime,
): PartRuntime {
  const { service, store, environment } = shared;
  return {
    ...shared,
    part,
    effects,
    worker: tracedWorker(workerOf(part, shared, handleTwice), environment.tracer, {
      service,
      part: part.name,
    }),
    reader: new MessageReader([...part.from, ...ownSources(part)], part.handles, part),
    documents: new DocumentReader(store, part.ownCollection),
    reads: new StoreReads(store, part.journal ?? part.consumer),
    stamper: new MessageStamper({
      source: service,
      who: `${part.partKind} "${part.name}"`,
      channels: [...part.publishes, ...part.sends],
      kept: [...(part.appends ?? []), ...(part.timers ?? [])],
      environment,
    }),
    timerWatch: new TimerWatch(),
    counters: createCounters(),
    inputs: new Map(),
  };
}

function workerOf(
  part: Part,
  { environment }: Pick<PartRuntime, "environment">,
  handleTwice: boolean,
): Worker {
  const worker = part.createWorker(environment);
  return handleTwice && part.partKind !== "router" ? new RepeatedWorker(worker, part) : worker;
}

/** What a part is given from the service's own store, as sources to read. */
function ownSources({ name, fromStore = [], timers = [] }: Part): readonly ReadSource[] {
  const byType = (types: readonly MessageType[]): ReadSource["types"] =>
    Object.fromEntries(types.map((type) => [type.type, type]));
  const events = { kind: "store", name: "events", types: byType(fromStore) };
  const reminders = { kind: "timers of", name, types: byType(timers) };
  return [events, reminders].filter(({ types }) => Object.keys(types).length > 0);
}
