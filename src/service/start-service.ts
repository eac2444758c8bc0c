/** Starting a service on opened brokers and an opened store. */

import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import type { Environment } from "../model/environment.ts";
import type { Store } from "../store/store.ts";
import type { EffectMode } from "./effects/effect-mode.ts";
import { EFFECT_RETENTION_MS, JournalTrim } from "./effects/journal-trim.ts";
import { shadowOf } from "./effects/shadow.ts";
import { Replays } from "./replay/replays.ts";
import { DirectAsks } from "./ask/direct-asks.ts";
import { Instances } from "./instances/instances.ts";
import type { Part, Service } from "./part.ts";
import { refuseContradictions, refuseMissingCapabilities } from "./refusal.ts";
import { parkedControls } from "./parking/parked-controls.ts";
import { pauseControls } from "./pause/pause-controls.ts";
import { PAUSES, readPauses } from "./pause/pauses.ts";
import { outboxStatus } from "./outbox/outbox-status.ts";
import { Relay } from "./outbox/relay.ts";
import { EventFeed } from "./source/event-feed.ts";
import type { PartRuntime, RunningInput } from "./source/part-runtime.ts";
import { seekInput } from "./source/seek-input.ts";
import { RunningPart } from "./running/running-part.ts";
import type { RunningService } from "./running/running-service.ts";
import { ServiceParts } from "./running/service-parts.ts";
import { ensureChannels, warnOfForgetting } from "./start/channels.ts";
import { FlightBudget } from "./input/flight-budget.ts";
import { createRuntime, type SharedRuntime } from "./start/create-runtime.ts";
import { checkPositions } from "./start/kept-positions.ts";
import { viewControls } from "./views/view-controls.ts";
import { findInView, getFromView } from "./views/view-reads.ts";
import { VIEWS } from "./views/view-record.ts";
import { entityStateOf } from "./unit/entity-state.ts";
import { ChangeSignal, settled } from "./running/settling.ts";

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
  const {
    effectRetentionMs = EFFECT_RETENTION_MS,
    effects = "live",
    handleTwice = false,
  } = options;
  const service = effects === "shadow" ? openShadow(options) : options.service;
  const channels = refuseContradictions([service]);
  refuseMissingCapabilities(service, { streams, queues });
  warnOfForgetting(channels, { streams, queues, log: environment.log });
  await ensureChannels(channels, { streams, queues });
  await store.ensureCollections([...collectionsOf(service), PAUSES, VIEWS]);
  const pauses = await readPauses(store);

  const changes = new ChangeSignal();
  const { changed } = changes;
  const relay = new Relay({ store, streams, queues, environment, changed });
  let deadlineMs = STOP_DEADLINE_MS;
  const shared: SharedRuntime = {
    service: service.name,
    store,
    streams,
    queues,
    environment,
    relay,
    feed: new EventFeed(store, environment),
    budget: new FlightBudget(),
    deadlineMs: () => deadlineMs,
    changed,
    handleTwice,
  };
  const runtimeOf = (part: Part, mode: EffectMode = effects): PartRuntime =>
    createRuntime(part, mode, shared);
  const createPart = (part: Part): RunningPart => new RunningPart(runtimeOf(part));
  const parts = new ServiceParts({ service, store, environment, changes, createPart });
  await parts.open();
  await checkPositions(
    parts.all.map(({ runtime }) => runtime.part),
    { store, streams },
  );
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
    ...parkedControls(parts, store),
    ...pauseControls(parts, store),
    seek: async (part, stream, partition, offset) => {
      const inputs = parts.allNamed(part)[0]?.runtime.inputs ?? new Map<string, RunningInput>();
      await seekInput(inputs, { part, stream, partition, offset });
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

/** All but those of views, which have some for each generation. */
function collectionsOf({ parts }: Service): Part["collections"] {
  const byName = new Map(
    parts
      .filter((part) => part.versioning === undefined)
      .flatMap((part) => part.collections.map((each) => [each.name, each])),
  );
  return [...byName.values()];
}
