/** A service at work on in-memory parts and virtual time, and what a test needs to drive it. */

import type { Broker, BrokerFactory } from "../broker/broker.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import type { Draft } from "../model/message.ts";
import { valuesOf } from "../model/outcome.ts";
import type { Channel } from "../schema/declaration.ts";
import type { Service } from "../service/part.ts";
import { createPublisher, type Published, type PublishOptions } from "../service/publisher.ts";
import type { RunningService } from "../service/running/running-service.ts";
import { startService } from "../service/start-service.ts";
import type { Store, StoreFactory } from "../store/store.ts";
import { createTestEnvironment, type TestEnvironment } from "./environment.ts";
import type { RunOptions } from "./virtual-clock.ts";

export interface TestServiceOptions {
  readonly service: Service;
  /** Shared by several services, or by one before and after a restart; a new one in memory unless given. */
  readonly broker?: BrokerFactory;
  readonly store?: StoreFactory;
  readonly environment?: TestEnvironment;
  /** What the test publishes to beside the service's own channels. */
  readonly channels?: readonly Channel[];
  /** How to run where brokers or stores do real I/O. */
  readonly run?: RunOptions;
  /** `shadow` runs the consumers and views beside the live ones; see `shadowOf`. */
  readonly effects?: "live" | "shadow";
  /** How long the recorded answers of effects are kept. */
  readonly effectRetentionMs?: number;
  /** Handles everything twice: what decides differently fails with NOT_REPEATABLE. */
  readonly handleTwice?: boolean;
  /** Puts something between the service and what it works on: faults, counters. */
  readonly wrap?: (ports: TestPorts) => TestPorts;
}

export interface TestPorts {
  readonly broker: Broker;
  readonly store: Store;
}

export interface TestService extends AsyncDisposable {
  readonly running: RunningService;
  readonly environment: TestEnvironment;
  readonly broker: Broker;
  readonly store: Store;
  /** Publishes as a stranger without an outbox; throws what an item failed with. */
  publish(
    drafts: Draft | readonly Draft[],
    options?: PublishOptions,
  ): Promise<readonly Published[]>;
  /** Moves time until the service has come to rest. */
  settled(): Promise<void>;
  /** Awaits anything while time moves. */
  until<Result>(work: Promise<Result>): Promise<Result>;
  /** Stops the service and closes broker and store. */
  close(): Promise<void>;
}

export async function openTestService(options: TestServiceOptions): Promise<TestService> {
  const environment = options.environment ?? createTestEnvironment();
  const { service, wrap = (ports) => ports } = options;
  const until = <Result>(work: Promise<Result>): Promise<Result> =>
    environment.clock.run(work, options.run);
  const opened = {
    broker: await until((options.broker ?? memoryBroker()).open(environment)),
    store: await until(
      (options.store ?? memoryStore()).open({ service: service.name, environment }),
    ),
  };
  const { broker, store } = wrap(opened);
  const { streams, queues } = broker;
  const { effects, effectRetentionMs, handleTwice = false } = options;
  const start = startService({
    service,
    streams,
    queues,
    store,
    environment,
    handleTwice,
    ...(effects && { effects }),
    ...(effectRetentionMs !== undefined && { effectRetentionMs }),
  });
  const running = await until(start).catch(async (error: unknown) => {
    await opened.broker.close();
    await opened.store.close();
    throw error;
  });
  const channels = service.parts.flatMap((part) => [
    ...part.from,
    ...part.publishes,
    ...part.sends,
  ]);
  const publisher = createPublisher({
    source: "test",
    channels: [...new Set([...channels, ...(options.channels ?? [])])],
    streams: opened.broker.streams,
    queues: opened.broker.queues,
    environment,
  });
  const close = async (): Promise<void> => {
    await until(running.stop());
    await until(opened.broker.close());
    await until(opened.store.close());
  };
  return {
    running,
    environment,
    broker: opened.broker,
    store: opened.store,
    publish: async (drafts, how) => {
      const list = "type" in drafts ? [drafts] : drafts;
      return valuesOf(await until(publisher.publish(list, how)));
    },
    settled: () => until(running.settled()),
    until,
    close,
    [Symbol.asyncDispose]: close,
  };
}
