/** Opens what a program's brokers need: one for both faces, or one for each. */

import type { Broker, BrokerFactory } from "../broker/broker.ts";
import { inNamespace } from "../broker/namespace/namespace.ts";
import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import type { Environment } from "../model/environment.ts";
import type { AppOptions } from "./options.ts";

export interface OpenBrokers extends AsyncDisposable {
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  /** The directory of an embedded broker, where there is one. */
  readonly directory: string | undefined;
}

/** What was opened is closed again if the next cannot be. */
export async function openBrokers(
  options: Pick<AppOptions, "broker" | "streams" | "queues" | "namespace">,
  environment: Environment,
): Promise<OpenBrokers> {
  await using opened = new AsyncDisposableStack();
  const forStreams = options.streams ?? options.broker;
  const forQueues = options.queues ?? options.broker;
  const streamFactory = entered(forStreams, options.namespace);
  const queueFactory =
    forQueues === forStreams ? streamFactory : entered(forQueues, options.namespace);
  const streamBroker = opened.use(await streamFactory?.open(environment));
  const queueBroker: Broker | undefined =
    queueFactory === streamFactory
      ? streamBroker
      : opened.use(await queueFactory?.open(environment));
  const kept = opened.move();
  return {
    streams: streamBroker?.streams,
    queues: queueBroker?.queues,
    directory: streamFactory?.directory ?? queueFactory?.directory,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function entered(
  factory: BrokerFactory | undefined,
  namespace: string | undefined,
): BrokerFactory | undefined {
  return factory === undefined || namespace === undefined
    ? factory
    : inNamespace(factory, namespace);
}
