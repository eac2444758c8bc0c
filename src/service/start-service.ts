/** Starting a service on opened brokers and an opened store. */

import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import type { Channel, MessageType } from "../schema/declaration.ts";
import type { ParkedMessage, Store } from "../store/store.ts";
import type { EffectMode } from "./effects/effect-mode.ts";
import { EFFECT_RETENTION_MS, JournalTrim } from "./effects/journal-trim.ts";
import { shadowOf } from "./effects/shadow.ts";
import { Replays } from "./replay/replays.ts";
import { DirectAsks } from "./ask/direct-asks.ts";
import { createCounters } from "./input/counters.ts";
import { Instances } from "./instances/instances.ts";
import { DocumentReader } from "./input/documents.ts";
import { checkPosition, logOf } from "./source/log-position.ts";
import { MessageReader, type ReadSource } from "./message-reader.ts";
import { MessageStamper } from "./message-stamper.ts";
import type { Part, Service, Worker } from "./part.ts";
import { refuseContradictions, refuseMissingCapabilities } from "./refusal.ts";
import { PAUSES, pauseText, readPauses, writePause } from "./pause/pauses.ts";
import { outboxStatus } from "./outbox/outbox-status.ts";
import { Relay } from "./outbox/relay.ts";
import { EventFeed } from "./source/event-feed.ts";
import { TimerWatch } from "./source/timer-watch.ts";
import { EVENTS_INPUT } from "./source/event-input.ts";
import type { PartRuntime, RunningInput } from "./source/part-runtime.ts";
import { RunningPart } from "./running-part.ts";
import type { RunningService } from "./running-service.ts";
import { ServiceParts } from "./service-parts.ts";
import { viewControls } from "./views/view-controls.ts";
import { findInView, getFromView } from "./views/view-reads.ts";
import { VIEWS } from "./views/view-record.ts";
import { entityStateOf } from "./unit/entity-state.ts";
import { RepeatedWorker } from "./unit/repeated-worker.ts";
import { StoreReads } from "./unit/store-reads.ts";
import { ChangeSignal, settled } from "./settling.ts";
import { tracedWorker } from "./unit/traced-worker.ts";

export interface ServiceOptions {
  readonly service: Service;
  /** Undefined where no broker with streams is configured. */
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  /** The service's own. Stays open when the service stops: who opened it closes it. */
  readonly store: Store;
  readonly environment: Environment;
  /** How long the recorded answers of effects are kept; 30 days unless said. */
  readonly effectRetentionMs?: number;
  /** `shadow` runs its consumers and views beside the live ones, unnoticed; see `shadowOf`. */
  readonly effects?: "live" | "shadow";
  /**
   * For tests: everything is handled twice, and what decides differently the second time fails with
   * NOT_REPEATABLE. Routers are not, because they deliver to the outside.
   */
  readonly handleTwice?: boolean;
}

const STOP_DEADLINE_MS = 10_000;

/**
 * Starts the service's parts and its relay.
 *
 * Throws, before anything is touched, BAD_DECLARATION and CAPABILITY_MISSING; STREAM_MISMATCH where a
 * channel exists with other settings; POSITION_MISMATCH where a kept position does not fit its log.
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { streams, queues, store, environment } = options;
  const { effectRetentionMs = EFFECT_RETENTION_MS, effects = "live" } = options;
  const service = effects === "shadow" ? openShadow(options) : options.service;
  const channels = refuseContradictions([service]);
  refuseMissingCapabilities(service, { streams, queues });
  await ensureChannels(channels, options);
  await store.ensureCollections([...collectionsOf(service), PAUSES, VIEWS]);
  const pauses = await readPauses(store);

  const changes = new ChangeSignal();
  const { changed } = changes;
  const relay = new Relay({ store, streams, queues, environment, changed });
  const feed = new EventFeed(store, environment);
  let deadlineMs = STOP_DEADLINE_MS;
  const runtimeOf = (part: Part, mode: EffectMode = effects): PartRuntime => ({
    service: service.name,
    part,
    effects: mode,
    worker: tracedWorker(workerOf(part, options), environment.tracer, {
      service: service.name,
      part: part.name,
    }),
    reader: new MessageReader([...part.from, ...ownSources(part)], part.handles, part),
    store,
    streams,
    queues,
    environment,
    documents: new DocumentReader(store, part.ownCollection),
    reads: new StoreReads(store, part.journal ?? part.consumer),
    stamper: new MessageStamper({
      source: service.name,
      who: `${part.partKind} "${part.name}"`,
      channels: [...part.publishes, ...part.sends],
      kept: [...(part.appends ?? []), ...(part.timers ?? [])],
      environment,
    }),
    relay,
    feed,
    timerWatch: new TimerWatch(),
    counters: createCounters(),
    inputs: new Map(),
    deadlineMs: () => deadlineMs,
    changed,
  });
  const createPart = (part: Part): RunningPart => new RunningPart(runtimeOf(part));
  const parts = new ServiceParts({ service, store, environment, changes, createPart });
  await parts.open();
  await checkPositions(parts.all, options);
  const journal = new JournalTrim({ store, environment, retentionMs: effectRetentionMs });
  const ended = Promise.withResolvers<void>();
  // Whoever is interested awaits it; a failure must not end the process by itself.
  ended.promise.catch(() => undefined);
  const replays = new Replays({
    store,
    streams,
    changes,
    runtimeOf,
    newId: () => environment.ids.newId(),
    partOf: (name) => parts.allNamed(name)[0]!.runtime.part,
  });
  // What the live service left to be published or forgotten is not the shadow's to touch.
  if (effects === "live") {
    await relay.start();
    journal.start();
  }
  const close = async (): Promise<void> => {
    await replays.stop();
    await parts.stop();
    await relay.stop();
    await journal.stop();
  };
  try {
    await parts.start(ended.reject, pauses);
  } catch (error) {
    await close();
    throw error;
  }

  const asks = new DirectAsks({
    service: service.name,
    parts: () => parts.all,
    environment,
    changes,
  });
  const instances = new Instances(service, store, environment);
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await close();
    ended.resolve();
  };
  return {
    service,
    store,
    ended: ended.promise,
    get parts() {
      return parts.described;
    },
    status: () => Promise.all(parts.shown.map((part) => part.status())),
    get: async (view, id, seen = {}) => {
      return getFromView(parts.view(view), store, id, { seen, changes });
    },
    find: async (view, query, seen = {}) => {
      return findInView(parts.view(view), store, query, { seen, changes });
    },
    handles: (type) => asks.handles(type),
    ask: (draft, how) => asks.ask(draft, how),
    outbox: () => outboxStatus(store, (lane) => relay.publishedOf(lane)),
    get droppedReplies() {
      return relay.droppedReplies;
    },
    ...viewControls(parts, store),
    planReplay: (request) => replays.planReplay(request),
    runReplay: (request, how) => replays.runReplay(request, how),
    discardReplay: (part, id) => replays.discardReplay(part, id),
    stateOf: async (decider, key, at) => {
      const [found] = parts.allNamed(decider);
      return entityStateOf(store, found!.runtime.part, key, at);
    },
    listParked: async (name) => {
      const pages = [];
      for (const { runtime } of parts.allNamed(name)) {
        pages.push(...(await parkedOf(store, runtime.part.consumer)));
      }
      return pages;
    },
    redriveParked: async (rows) => {
      const count = await store.redriveParked(rows);
      await refreshParked(parts.all);
      return count;
    },
    discardParked: async (rows) => {
      const count = await store.discardParked(rows);
      await refreshParked(parts.all);
      return count;
    },
    seek: async (name, stream, partition, offset) =>
      seek(parts.allNamed(name)[0], { name, stream, partition, offset }),
    pause: async (name, pause) => {
      const part = parts.named(name);
      const changed = await writePause(store, name, pause);
      await part.hold(pauseText(pause));
      return changed;
    },
    resume: async (name) => {
      const part = parts.named(name);
      const changed = await writePause(store, name, undefined);
      await part.release();
      return changed;
    },
    listSagas: (saga, filter) => instances.list(saga, filter),
    showSaga: (saga, instance) => instances.show(saga, instance),
    retrySaga: async (saga, instance) => {
      const timer = await instances.retry(saga, instance);
      for (const { runtime } of parts.allNamed(saga)) runtime.timerWatch.note([timer]);
    },
    settled: (signal) => settled({ parts, relay, changes }, signal),
    stop: (how = {}) => {
      deadlineMs = how.deadlineMs ?? STOP_DEADLINE_MS;
      stopping ??= stop();
      return stopping;
    },
  };
}

function workerOf(part: Part, { environment, handleTwice = false }: ServiceOptions): Worker {
  const worker = part.createWorker(environment);
  return handleTwice && part.partKind !== "router" ? new RepeatedWorker(worker, part) : worker;
}

function openShadow({ service, environment }: ServiceOptions): Service {
  const { service: shadow, left } = shadowOf(service);
  if (left.length > 0) {
    environment.log.info(
      { service: service.name, left },
      "a shadow leaves these to the live service",
    );
  }
  return shadow;
}

async function ensureChannels(
  channels: readonly Channel[],
  { streams, queues, environment }: ServiceOptions,
): Promise<void> {
  for (const channel of channels) {
    const { kind, name } = channel;
    const durable = channel.durability.mode !== "memory";
    const capabilities = (kind === "stream" ? streams : queues)!.capabilities;
    const level = capabilities.levels[kind === "stream" ? "durableAppend" : "durableSend"];
    if (durable && level.level === "absent") {
      const { adapter } = capabilities;
      environment.log.warn({ [kind]: name, adapter }, `not durable: ${level.reason}`);
    }
    // A window of nothing is how a declaration says that it wants none.
    const dedupe = channel.dedupe.count > 0 && { dedupe: channel.dedupe };
    if (channel.kind === "stream") {
      const { partitions, retention, durability } = channel;
      await streams!.ensureStream({ name, partitions, retention, durability, ...dedupe });
    } else {
      const { attempts, leaseMs, depthMax, keyOrder, durability } = channel;
      await queues!.ensureQueue({
        name,
        attempts,
        leaseMs,
        depthMax,
        keyOrder,
        durability,
        ...dedupe,
      });
    }
  }
}

/** What a part is given from the service's own store, as sources to read. */
function ownSources({ name, fromStore = [], timers = [] }: Part): readonly ReadSource[] {
  const byType = (types: readonly MessageType[]): ReadSource["types"] =>
    Object.fromEntries(types.map((type) => [type.type, type]));
  const events = { kind: "store", name: "events", types: byType(fromStore) };
  const reminders = { kind: "timers of", name, types: byType(timers) };
  return [events, reminders].filter(({ types }) => Object.keys(types).length > 0);
}

/** All but those of views, which have some for each generation. */
function collectionsOf({ parts }: Service): Part["collections"] {
  const byName = new Map(
    parts
      .filter((part) => part.versioning === undefined)
      .flatMap((part) => part.collections.map((each) => [each.name, each])),
  );
  return [...byName.values()];
}

/** Kept positions against the logs that are found, before any part begins. */
async function checkPositions(
  parts: readonly RunningPart[],
  { store, streams }: ServiceOptions,
): Promise<void> {
  const partOfConsumer = new Map(
    parts.map(({ runtime }) => [runtime.part.consumer, runtime.part] as const),
  );
  for (const { consumer, input, position, log } of await store.listProgress()) {
    const part = partOfConsumer.get(consumer);
    const slash = input.lastIndexOf("/");
    const stream = input.slice(0, slash);
    const reads = part?.from.some((each) => each.kind === "stream" && each.name === stream);
    if (part === undefined || slash === -1 || !reads) continue;
    const info = await streams!.describeStream(stream);
    const found = info.partitions[Number(input.slice(slash + 1))];
    checkPosition(
      { part: part.name, input, position, log },
      { log: logOf(info), end: found?.end ?? 0 },
    );
  }
}

async function parkedOf(store: Store, consumer: string): Promise<readonly ParkedMessage[]> {
  const rows: ParkedMessage[] = [];
  for (let after = 0; ;) {
    const page = await store.listParked({ consumer, after, limit: 1000 });
    rows.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < 1000) return rows;
    after = last.row;
  }
}

async function refreshParked(parts: readonly RunningPart[]): Promise<void> {
  const inputs = parts.flatMap(({ runtime }) => [...runtime.inputs.values()]);
  await Promise.all(inputs.map(({ engine }) => engine.refreshParked()));
}

async function seek(
  part: RunningPart | undefined,
  to: {
    readonly name: string;
    readonly stream: string;
    readonly partition: number;
    readonly offset: number;
  },
): Promise<void> {
  const { name, stream, partition, offset } = to;
  const inputs = part?.runtime.inputs ?? new Map<string, RunningInput>();
  const input = inputs.get(stream === EVENTS_INPUT ? stream : `${stream}/${partition}`);
  if (input?.seek === undefined || input.bounds === undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${name} does not work on ${stream}/${partition} in this process; name one of ${[...inputs.keys()].join(", ") || "none"}`,
      { details: { part: name, stream, partition } },
    );
  }
  const { earliest, end } = await input.bounds();
  if (offset < earliest || offset > end) {
    throw new MillraceError(
      "OFFSET_OUT_OF_RANGE",
      `offset ${offset} is outside ${earliest} to ${end} of ${stream}[${partition}]; choose one within`,
      { details: { earliest, end } },
    );
  }
  await input.seek(offset);
}
