/**
 * `openApp`: services, brokers and stores as one running thing.
 *
 * Everything is refused before anything runs: first what the options and declarations say by
 * themselves, then what the opened brokers cannot do. Opening goes from the ground up (brokers,
 * channels, stores, services, publishing, the door) and closing the other way; what an opening that
 * fails has opened is closed again. A service that fails later is reported, and the others go on.
 */

import type { Admin } from "../admin/admin.ts";
import { createAdmin } from "../admin/create-admin.ts";
import type { BrokerAddress } from "../broker/broker.ts";
import { runSources } from "../connectors/run-sources.ts";
import type { Environment, Log } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import type { CommandDraft, Draft } from "../model/message.ts";
import type { Outcome } from "../model/outcome.ts";
import { createRegistry, type Registry } from "../schema/registry.ts";
import type { WebhookReceiver } from "../service/inbound.ts";
import type { Duration } from "../schema/duration.ts";
import type { Answer } from "../service/ask/answer.ts";
import type { SeenOptions } from "../service/ask/seen.ts";
import { announceContracts } from "../service/contract/announce-contracts.ts";
import type { Service } from "../service/part.ts";
import type { Published, PublishOptions } from "../service/publisher.ts";
import { refuseContradictions, refuseMissingCapabilities } from "../service/refusal.ts";
import type { RunningService } from "../service/running/running-service.ts";
import { startService } from "../service/start-service.ts";
import type { View } from "../sourcing/view.ts";
import type { DocumentQuery } from "../store/store.ts";
import { AppAsks, deadlineMsOf, type AppAskOptions } from "./app-asks.ts";
import { openAppPublisher, type AppPublisher } from "./app-publisher.ts";
import { openBrokers, type OpenBrokers } from "./brokers.ts";
import { ensureChannels } from "../service/start/channels.ts";
import { holdContract } from "./contract-file.ts";
import { openDoor, type OpenDoor } from "./door.ts";
import { createLog } from "./logger.ts";
import { checkAppOptions, effectsOf, STOP_MS_DEFAULT, type AppOptions } from "./options.ts";
import { createRealClock, holdProcess } from "./real-clock.ts";
import { createRealEnvironment } from "./real-environment.ts";
import { openTelemetry } from "./telemetry/telemetry.ts";

export interface FoundDocument<State> {
  readonly id: string;
  readonly data: State;
}

export interface DocumentList<State> {
  readonly documents: readonly FoundDocument<State>[];
  /** Pass it as `after` for the next page; absent on the last one. */
  readonly next?: string;
}

type EventDraft = Draft<string, unknown, "event">;

export interface ReadOptions {
  /** The token of an answer or of what was published: the read sees what that did. */
  readonly notBefore?: string | undefined;
  /** How long the read may wait for it, `5s`; `10s` unless said. */
  readonly deadline?: Duration | undefined;
}

export interface App extends AsyncDisposable {
  /**
   * Publishes an event, and resolves when it is durable; throws what went wrong. Of an array, each
   * succeeds or fails by itself.
   */
  publish(draft: EventDraft, options?: PublishOptions): Promise<Published>;
  publish(
    drafts: readonly EventDraft[],
    options?: PublishOptions,
  ): Promise<readonly Outcome<Published>[]>;
  /** Sends a command to the queue that carries it; resolves when it is durable, not when it is done. */
  send(draft: CommandDraft, options?: PublishOptions): Promise<Published>;
  /**
   * Sends a command and waits for its answer; a refusal is an answer. What the answer says is durable.
   * Asking again under the same `id` gives the same answer and does nothing twice.
   *
   * Throws BAD_PAYLOAD naming the field, UNKNOWN_TYPE, HANDLER_FAILED, PARKED, OVERLOADED, UNREACHABLE,
   * CLOSED, and DEADLINE, after which only asking again under the same id tells what became of it.
   */
  ask<Code extends string, Reply>(
    draft: CommandDraft<string, unknown, Code, Reply>,
    options?: AppAskOptions,
  ): Promise<Answer<Code, Reply>>;
  /**
   * A document of a view; undefined where there is none. Throws UNKNOWN_VIEW, VIEW_BUILDING; with
   * `notBefore` also BAD_ARGUMENT for what is no token, PARKED, DEADLINE.
   */
  get<State>(view: View<State>, id: string, options?: ReadOptions): Promise<State | undefined>;
  /** Documents by what the view indexes. Throws as `get` does, and BAD_ARGUMENT for a bad query. */
  find<State>(view: View<State>, query?: DocumentQuery & ReadOptions): Promise<DocumentList<State>>;
  readonly services: readonly RunningService[];
  readonly admin: Admin;
  /** Every type and channel declared in reach. */
  readonly registry: Registry;
  readonly environment: Environment;
  /** The door, where one was asked for. */
  readonly door: OpenDoor | undefined;
  /** Where Kafka and AMQP clients reach the broker; none unless asked for. */
  readonly addresses: readonly BrokerAddress[];
  /** Resolves when all services have come to rest: nothing in flight, every input at its end. */
  settled(signal?: AbortSignal): Promise<void>;
  /** Stops the services in good order, then closes what was opened. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the app. Throws BAD_CONFIG, BAD_DECLARATION, CONTRACT_BROKEN, CAPABILITY_MISSING,
 * STREAM_MISMATCH, DIRECTORY_IN_USE, and what else opening the brokers and stores throws.
 */
export async function openApp(options: AppOptions): Promise<App> {
  checkAppOptions(options);
  const channels = refuseContradictions(options.services);
  if (options.contracts !== undefined) await holdContract(options.services, options.contracts);
  await using opened = new AsyncDisposableStack();
  if (options.environment === undefined) opened.adopt(holdProcess(), (hold) => hold.cancel());
  const environment =
    options.environment ?? createRealEnvironment(logOf(options.log), await openTelemetry());

  const brokers = opened.use(await openBrokers(options, environment));
  for (const service of options.services) refuseMissingCapabilities(service, brokers);
  const entered = [...webhooksOf(options), ...(options.sources ?? [])].flatMap(({ to }) => to);
  await ensureChannels(entered, brokers);
  await announce(options, brokers, environment);
  const services = await startServices(options, brokers, environment, opened);
  const publisher = opened.use(openAppPublisher(options, channels, brokers, environment));
  const asks = opened.use(new AppAsks(services, publisher, brokers, environment));
  const registry = createRegistry([...new Set([...channels, ...entered])]);
  const admin = opened.use(
    createAdmin({
      streams: brokers.streams,
      queues: brokers.queues,
      upkeep: brokers.upkeep,
      services: () => services,
      ask: (draft, how) => asks.ask(draft, how),
      lateReplies: () => asks.lateReplies,
      registry,
      environment,
    }),
  );
  const publish = admin.publish.bind(admin);
  opened.use(runSources(options.sources ?? [], { publish, environment }));
  const { http: settings = false } = options;
  const directory = brokers.directory;
  const door =
    settings === false
      ? undefined
      : opened.use(
          await openDoor({ admin, environment, registry, settings, directory, access: options }),
        );
  const { addresses } = brokers;
  const parts = { services, publisher, asks, admin, registry, environment, door, addresses };
  return new RunningApp({ ...parts, opened: opened.move() });
}

/** Shadows say nothing of themselves: they read what the live ones do, and write nothing. */
async function announce(
  options: AppOptions,
  { streams }: OpenBrokers,
  environment: Environment,
): Promise<void> {
  const { contractBreaks: breaks } = options;
  const live = options.services.filter(({ name }) => effectsOf(options, name) === "live");
  if (streams !== undefined) await announceContracts(live, { streams, environment, breaks });
}

/** Stores are closed after the services, and services stop side by side. */
async function startServices(
  options: AppOptions,
  brokers: OpenBrokers,
  environment: Environment,
  opened: AsyncDisposableStack,
): Promise<readonly RunningService[]> {
  const { stopMs: deadlineMs = STOP_MS_DEFAULT } = options;
  const stores = new Map<Service, Awaited<ReturnType<AppOptions["store"]["open"]>>>();
  for (const service of options.services) {
    const store = await options.store.open({ service: service.name, environment });
    stores.set(service, opened.use(store));
  }
  const services: RunningService[] = [];
  opened.defer(async () => {
    await Promise.all(services.map((service) => service.stop({ deadlineMs })));
  });
  for (const [service, store] of stores) {
    const { streams, queues } = brokers;
    const { effectRetentionMs } = options;
    const running = await startService({
      service,
      streams,
      queues,
      store,
      environment,
      effects: effectsOf(options, service.name),
      ...(effectRetentionMs !== undefined && { effectRetentionMs }),
    });
    services.push(running);
    running.ended.catch((error: unknown) => {
      environment.log.error({ service: service.name, error }, "a service failed; the others go on");
    });
  }
  return services;
}

function logOf(log: AppOptions["log"]): Log {
  if (log !== undefined && "warn" in log) return log;
  const clock = createRealClock();
  return createLog({ ...log, now: () => clock.now() });
}

/** What is received from outside needs its channels, whoever reads them. */
function webhooksOf({ http = false }: AppOptions): readonly WebhookReceiver[] {
  return http === false ? [] : (http.webhooks ?? []);
}

interface AppParts {
  readonly services: readonly RunningService[];
  readonly publisher: AppPublisher;
  readonly asks: AppAsks;
  readonly admin: Admin;
  readonly registry: Registry;
  readonly environment: Environment;
  readonly door: OpenDoor | undefined;
  readonly addresses: readonly BrokerAddress[];
  readonly opened: AsyncDisposableStack;
}

class RunningApp implements App {
  readonly services: readonly RunningService[];
  readonly admin: Admin;
  readonly registry: Registry;
  readonly environment: Environment;
  readonly door: OpenDoor | undefined;
  readonly addresses: readonly BrokerAddress[];
  readonly #publisher: AppPublisher;
  readonly #asks: AppAsks;
  readonly #opened: AsyncDisposableStack;
  #closed: Promise<void> | undefined;

  constructor(parts: AppParts) {
    const { services, publisher, asks, admin, registry, environment, door, opened } = parts;
    this.addresses = parts.addresses;
    this.services = services;
    this.admin = admin;
    this.registry = registry;
    this.environment = environment;
    this.door = door;
    this.#publisher = publisher;
    this.#asks = asks;
    this.#opened = opened;
  }

  publish(draft: EventDraft, options?: PublishOptions): Promise<Published>;
  publish(
    drafts: readonly EventDraft[],
    options?: PublishOptions,
  ): Promise<readonly Outcome<Published>[]>;
  async publish(
    given: Draft | readonly Draft[],
    options: PublishOptions = {},
  ): Promise<Published | readonly Outcome<Published>[]> {
    if (isList(given)) return this.#publisher.publish("stream", given, options);
    return only(await this.#publisher.publish("stream", [given], options));
  }

  async send(draft: CommandDraft, options: PublishOptions = {}): Promise<Published> {
    return only(await this.#publisher.publish("queue", [draft], options));
  }

  async ask<Code extends string, Reply>(
    draft: CommandDraft<string, unknown, Code, Reply>,
    { deadline, id, actor, ...options }: AppAskOptions = {},
  ): Promise<Answer<Code, Reply>> {
    // The handler gave what the command declares, and its worker checked it.
    const answer: any = await this.#asks.ask(draft, {
      ...options,
      ...(id !== undefined && { id }),
      ...(actor !== undefined && { actor }),
      deadlineMs: deadlineMsOf(deadline),
    });
    return answer;
  }

  async get<State>(
    view: View<State>,
    id: string,
    options: ReadOptions = {},
  ): Promise<State | undefined> {
    // The store keeps what this view's folds returned, so the view's own type says what it is.
    const state: any = await this.#serviceOf(view).get(view.name, id, seenOf(options));
    return state;
  }

  async find<State>(
    view: View<State>,
    { notBefore, deadline, ...query }: DocumentQuery & ReadOptions = {},
  ): Promise<DocumentList<State>> {
    const page: any = await this.#serviceOf(view).find(
      view.name,
      query,
      seenOf({ notBefore, deadline }),
    );
    return page;
  }

  async settled(signal?: AbortSignal): Promise<void> {
    // What one service publishes, another takes up. In a round without anything handled, what was
    // handled before it is published; a second such round finds that nobody had it to handle.
    let before = await this.#handled();
    for (let quietRounds = 0; quietRounds < 2;) {
      await Promise.all(this.services.map((service) => service.settled(signal)));
      const after = await this.#handled();
      quietRounds = after === before ? quietRounds + 1 : 0;
      before = after;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#opened.disposeAsync();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #handled(): Promise<number> {
    const statuses = await Promise.all(this.services.map((service) => service.status()));
    return statuses.flat().reduce((sum, { handled, failed }) => sum + handled + failed, 0);
  }

  #serviceOf(view: View): RunningService {
    const found = this.services.find(({ service }) => service.parts.includes(view));
    if (found !== undefined) return found;
    throw new MillraceError(
      "UNKNOWN_VIEW",
      `the view ${view.name} stands in no service of this app; add it to one of them`,
      { details: { view: view.name } },
    );
  }
}

function seenOf({ notBefore, deadline }: ReadOptions): SeenOptions {
  return notBefore === undefined ? {} : { notBefore, deadlineMs: deadlineMsOf(deadline) };
}

function isList(given: Draft | readonly Draft[]): given is readonly Draft[] {
  return Array.isArray(given);
}

function only(outcomes: readonly Outcome<Published>[]): Published {
  const [outcome] = outcomes;
  if (outcome?.ok === true) return outcome.value;
  throw outcome?.error ?? new MillraceError("CANCELLED", "nothing was published");
}
