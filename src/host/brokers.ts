/** Opens what a program's brokers need: one for both faces, or one for each. */

import type { Broker, BrokerAddress, BrokerFactory } from "../broker/broker.ts";
import type { DoorProtocol } from "../broker/doors.ts";
import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import type { Upkeep } from "../broker/upkeep/upkeep.ts";
import type { Environment } from "../model/environment.ts";
import type { AppOptions } from "./options.ts";
import { fail } from "./settings/settings.ts";
import { doorsOf } from "./settings/wanted-doors.ts";

export interface OpenBrokers extends AsyncDisposable {
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  /** The directory of an embedded broker, where there is one. */
  readonly directory: string | undefined;
  /** Where clients of other protocols reach them. */
  readonly addresses: readonly BrokerAddress[];
  /** Of the one broker that keeps its data here; of two, neither is the whole. */
  readonly upkeep: Upkeep | undefined;
}

type BrokerOptions = Pick<
  AppOptions,
  "broker" | "streams" | "queues" | "namespace" | "kafka" | "amqp" | "signIn" | "rules"
>;

/**
 * What was opened is closed again if the next cannot be. Throws BAD_CONFIG for a door that the broker
 * has not: Kafka clients are let into the one for streams, AMQP clients into the one for queues.
 */
export async function openBrokers(
  options: BrokerOptions,
  environment: Environment,
): Promise<OpenBrokers> {
  await using opened = new AsyncDisposableStack();
  const forStreams = options.streams ?? options.broker;
  const forQueues = options.queues ?? options.broker;
  const streamFactory = await entered(forStreams, options.namespace);
  const queueFactory =
    forQueues === forStreams ? streamFactory : await entered(forQueues, options.namespace);
  requireDoor("kafka", options.kafka, streamFactory);
  requireDoor("amqp", options.amqp, queueFactory);
  const doors = doorsOf(options);
  const shared = queueFactory === streamFactory;
  const streamDoors = shared ? doors : { ...doors, amqp: false as const };
  const streamBroker = opened.use(await streamFactory?.open(environment, streamDoors));
  const queueBroker: Broker | undefined = shared
    ? streamBroker
    : opened.use(await queueFactory?.open(environment, { ...doors, kafka: false }));
  const kept = opened.move();
  const upkeeps = new Set([streamBroker?.upkeep, queueBroker?.upkeep]);
  upkeeps.delete(undefined);
  const [upkeep] = upkeeps.size === 1 ? upkeeps : [];
  return {
    upkeep,
    streams: streamBroker?.streams,
    queues: queueBroker?.queues,
    directory: streamFactory?.directory ?? queueFactory?.directory,
    addresses: [
      ...(streamBroker?.addresses ?? []),
      ...(shared ? [] : (queueBroker?.addresses ?? [])),
    ],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function requireDoor(
  protocol: DoorProtocol,
  settings: AppOptions[DoorProtocol],
  factory: BrokerFactory | undefined,
): void {
  const wanted = settings !== undefined && settings !== false;
  if (!wanted || factory?.doors?.includes(protocol) === true) return;
  const name =
    factory === undefined ? "there is no broker" : `the broker ${factory.adapter} has none`;
  fail(protocol, `asks for a door, and ${name}; leave it out, or use embedded()`);
}

async function entered(
  factory: BrokerFactory | undefined,
  namespace: string | undefined,
): Promise<BrokerFactory | undefined> {
  if (factory === undefined || namespace === undefined) return factory;
  const { inNamespace } = await import("../broker/namespace/namespace.ts");
  return inNamespace(factory, namespace);
}
