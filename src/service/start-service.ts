/** Starting a service on opened brokers and an opened store. */

import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import type { Channel } from "../schema/declaration.ts";
import type { Store } from "../store/store.ts";
import { parseDocument } from "./document-json.ts";
import { createCounters } from "./input/counters.ts";
import { DocumentReader } from "./input/documents.ts";
import { checkPosition, logOf } from "./source/log-position.ts";
import { MessageReader, type ReadSource } from "./message-reader.ts";
import { MessageStamper } from "./message-stamper.ts";
import type { Part, Service } from "./part.ts";
import { refuseContradictions, refuseMissingCapabilities } from "./refusal.ts";
import { PAUSES, pauseText, readPauses, writePause } from "./pause/pauses.ts";
import { Relay } from "./outbox/relay.ts";
import { EventFeed } from "./source/event-feed.ts";
import { EVENTS_INPUT } from "./source/event-input.ts";
import { RunningPart } from "./running-part.ts";
import type { RunningService } from "./running-service.ts";
import { StoreReads } from "./work/store-reads.ts";
import { ChangeSignal, settled } from "./settling.ts";
import { tracedWorker } from "./work/traced-worker.ts";

export interface ServiceOptions {
  readonly service: Service;
  /** Undefined where no broker with streams is configured. */
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  /** The service's own. Stays open when the service stops: who opened it closes it. */
  readonly store: Store;
  readonly environment: Environment;
}

const STOP_DEADLINE_MS = 10_000;

/**
 * Starts the service's parts and its relay.
 *
 * Throws, before anything is touched, BAD_DECLARATION and CAPABILITY_MISSING; STREAM_MISMATCH where a
 * channel exists with other settings; POSITION_MISMATCH where a kept position does not fit its log.
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { service, streams, queues, store, environment } = options;
  const channels = refuseContradictions([service]);
  refuseMissingCapabilities(service, { streams, queues });
  await ensureChannels(channels, options);
  await store.ensureCollections([...collectionsOf(service), PAUSES]);
  await checkPositions(options);
  const pauses = await readPauses(store);

  const changes = new ChangeSignal();
  const { changed } = changes;
  const relay = new Relay({ store, streams, queues, environment, changed });
  const feed = new EventFeed(store, environment);
  let deadlineMs = STOP_DEADLINE_MS;
  const parts = service.parts.map(
    (part) =>
      new RunningPart({
        service: service.name,
        part,
        worker: tracedWorker(part.createWorker(environment), environment.tracer, {
          service: service.name,
          part: part.name,
        }),
        reader: new MessageReader([...part.from, ...ownSources(part)], part.handles, part),
        store,
        streams,
        queues,
        environment,
        documents: new DocumentReader(
          store,
          new Set(part.viewCollection ? [part.viewCollection] : []),
        ),
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
        counters: createCounters(),
        inputs: new Map(),
        deadlineMs: () => deadlineMs,
        changed,
      }),
  );
  const ended = Promise.withResolvers<void>();
  // Whoever is interested awaits it; a failure must not end the process by itself.
  ended.promise.catch(() => undefined);
  await relay.start();
  try {
    for (const part of parts) {
      const pause = pauses.get(part.runtime.part.name);
      await part.start(ended.reject, pause && pauseText(pause));
    }
  } catch (error) {
    await Promise.all(parts.map((part) => part.stop()));
    await relay.stop();
    throw error;
  }

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all(parts.map((part) => part.stop()));
    await relay.stop();
    ended.resolve();
  };
  return {
    service,
    store,
    ended: ended.promise,
    status: () => Promise.all(parts.map((part) => part.status())),
    get: async (view, id) => {
      const collection = viewCollectionOf(service, view);
      const document = (await store.getDocuments(collection, [id])).get(id);
      return document && parseDocument(document.json);
    },
    find: async (view, query) => {
      const page = await store.findDocuments(viewCollectionOf(service, view), query);
      return {
        documents: page.documents.map(({ id, json }) => ({ id, data: parseDocument(json) })),
        ...(page.next !== undefined && { next: page.next }),
      };
    },
    listParked: async (name) => {
      const { consumer } = partOf(service, name);
      const pages = [];
      for (let after = 0; ;) {
        const page = await store.listParked({ consumer, after, limit: 1000 });
        pages.push(...page);
        const last = page.at(-1);
        if (last === undefined || page.length < 1000) return pages;
        after = last.row;
      }
    },
    redriveParked: async (rows) => {
      const count = await store.redriveParked(rows);
      await refreshParked(parts);
      return count;
    },
    discardParked: async (rows) => {
      const count = await store.discardParked(rows);
      await refreshParked(parts);
      return count;
    },
    seek: (name, stream, partition, offset) =>
      seek(parts, { part: partOf(service, name), stream, partition, offset }),
    pause: async (name, pause) => {
      const part = runningPartOf(parts, partOf(service, name));
      const changed = await writePause(store, name, pause);
      await part.hold(pauseText(pause));
      return changed;
    },
    resume: async (name) => {
      const part = runningPartOf(parts, partOf(service, name));
      const changed = await writePause(store, name, undefined);
      await part.release();
      return changed;
    },
    settled: (signal) => settled({ parts, relay, changes }, signal),
    stop: (how = {}) => {
      deadlineMs = how.deadlineMs ?? STOP_DEADLINE_MS;
      stopping ??= stop();
      return stopping;
    },
  };
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
function ownSources({ fromStore = [] }: Part): readonly ReadSource[] {
  if (fromStore.length === 0) return [];
  const types = Object.fromEntries(fromStore.map((type) => [type.type, type]));
  return [{ kind: "store", name: "events", types }];
}

function collectionsOf({ parts }: Service): Part["collections"] {
  const byName = new Map(
    parts.flatMap((part) => part.collections.map((each) => [each.name, each])),
  );
  return [...byName.values()];
}

/** Kept positions against the logs that are found, before any part begins. */
async function checkPositions({ service, store, streams }: ServiceOptions): Promise<void> {
  const partOfConsumer = new Map(service.parts.map((part) => [part.consumer, part]));
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

function partOf({ name, parts }: Service, part: string): Part {
  const found = parts.find((each) => each.name === part);
  if (found !== undefined) return found;
  throw new MillraceError(
    "BAD_ARGUMENT",
    `service "${name}" has no part "${part}"; it has ${parts.map((each) => each.name).join(", ")}`,
    { details: { service: name, part } },
  );
}

function runningPartOf(parts: readonly RunningPart[], part: Part): RunningPart {
  return parts.find(({ runtime }) => runtime.part === part)!;
}

function viewCollectionOf({ name, parts }: Service, view: string): string {
  const collection = parts.find((part) => part.name === view)?.viewCollection;
  if (collection !== undefined) return collection;
  const views = parts.filter((part) => part.viewCollection).map((part) => part.name);
  throw new MillraceError(
    "UNKNOWN_VIEW",
    `service "${name}" has no view "${view}"; it has ${views.length === 0 ? "none" : views.join(", ")}`,
    { details: { service: name, view } },
  );
}

async function refreshParked(parts: readonly RunningPart[]): Promise<void> {
  const inputs = parts.flatMap(({ runtime }) => [...runtime.inputs.values()]);
  await Promise.all(inputs.map(({ engine }) => engine.refreshParked()));
}

async function seek(
  parts: readonly RunningPart[],
  to: {
    readonly part: Part;
    readonly stream: string;
    readonly partition: number;
    readonly offset: number;
  },
): Promise<void> {
  const { part, stream, partition, offset } = to;
  const { runtime } = runningPartOf(parts, part);
  const input = runtime.inputs.get(stream === EVENTS_INPUT ? stream : `${stream}/${partition}`);
  if (input?.seek === undefined || input.bounds === undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${part.name} does not work on ${stream}/${partition} in this process; name one of ${[...runtime.inputs.keys()].join(", ") || "none"}`,
      { details: { part: part.name, stream, partition } },
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
