/** Opens what a program's brokers need: one for both faces, or one for each. */

import type { Broker } from "../broker/broker.ts";
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
  options: Pick<AppOptions, "broker" | "streams" | "queues">,
  environment: Environment,
): Promise<OpenBrokers> {
  await using opened = new AsyncDisposableStack();
  const streamFactory = options.streams ?? options.broker;
  const queueFactory = options.queues ?? options.broker;
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
