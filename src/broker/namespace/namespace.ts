/**
 * Namespaces: several programs, tenants or stages on one broker that never meet.
 *
 * A namespace is no more than a beginning of names, `ns.NAME.`, put before those of streams, queues and
 * groups on their way down and taken off on their way up. So it works on every broker and needs no
 * support from it; whoever opens the broker itself sees the full names, and rules can be given for
 * them. Nothing above the broker knows of it.
 */

import type { Clock } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";
import type { Broker, BrokerFactory } from "../broker.ts";
import type { WantedDoors } from "../doors.ts";
import type { Rule } from "../rules.ts";
import { checkWhole } from "../validate.ts";
import { namesOf, namespaceOf, type NamespaceNames } from "./names.ts";
import { NamespacedQueues } from "./namespaced-queues.ts";
import { NamespacedStreams } from "./namespaced-streams.ts";
import { QuotaMeter, type NamespaceQuota } from "./quota.ts";

/**
 * The broker as it looks from inside the namespace: the same names in two namespaces are two things,
 * and lists show the own ones alone. Names inside are shorter than the broker's longest by the
 * namespace's own name and four letters.
 *
 * With a quota, sends and appends beyond it fail item by item with QUOTA_EXCEEDED. Throws BAD_CONFIG
 * for a name that no namespace can have, BAD_ARGUMENT for a quota that is no whole number from 1.
 */
export function inNamespace(
  factory: BrokerFactory,
  namespace: string,
  quota: NamespaceQuota = {},
): BrokerFactory {
  const names = namesOf(namespace);
  for (const [name, limit] of Object.entries(quota)) {
    checkWhole(`quota.${name} of namespace ${namespace}`, limit, { min: 1 });
  }
  return {
    ...factory,
    open: async (environment: Environment, doors?: WantedDoors) => {
      const below = await factory.open(environment, doors && doorsBelow(doors, names));
      return enter(below, names, quota, environment.clock);
    },
  };
}

/**
 * A broker's own doors show names in full, and the rules of a program speak of names inside. So they
 * are given to the doors in full: what a program in a namespace allows, it allows there alone.
 */
function doorsBelow({ rules, ...doors }: WantedDoors, { down }: NamespaceNames): WantedDoors {
  if (rules === undefined) return doors;
  const below = (rule: Rule): Rule => {
    const { kind, name } = rule.resources;
    return { ...rule, resources: { kind, name: down(name) } };
  };
  return { ...doors, rules: rules.map(below) };
}

function enter(
  below: Broker,
  names: NamespaceNames,
  { queuedMessages, streamBytes }: NamespaceQuota,
  clock: Clock,
): Broker {
  const { streams, queues, addresses, upkeep } = below;
  const close = (): Promise<void> => below.close();
  return {
    ...(addresses !== undefined && { addresses }),
    ...(upkeep !== undefined && { upkeep }),
    ...(streams !== undefined && {
      streams: new NamespacedStreams(
        streams,
        names,
        streamBytes === undefined
          ? undefined
          : new QuotaMeter({
              what: "bytes in its streams",
              limit: streamBytes,
              clock,
              measure: () => streamBytesOf(below, names),
            }),
      ),
    }),
    ...(queues !== undefined && {
      queues: new NamespacedQueues(
        queues,
        names,
        queuedMessages === undefined
          ? undefined
          : new QuotaMeter({
              what: "messages in its queues",
              limit: queuedMessages,
              clock,
              measure: () => queuedMessagesOf(below, names),
            }),
      ),
    }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function streamBytesOf({ streams }: Broker, { up }: NamespaceNames): Promise<number> {
  const all = (await streams?.listStreams()) ?? [];
  return all
    .filter(({ spec }) => up(spec.name) !== undefined)
    .flatMap(({ partitions }) => partitions)
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

async function queuedMessagesOf({ queues }: Broker, { up }: NamespaceNames): Promise<number> {
  const all = (await queues?.listQueues()) ?? [];
  return all
    .filter(({ spec }) => up(spec.name) !== undefined)
    .reduce((sum, { waiting, delayed, leased }) => sum + waiting + delayed + leased, 0);
}

/** The namespaces that have streams or queues; `broker` is the one that they are in, itself in none. */
export async function listNamespaces({ streams, queues }: Broker): Promise<readonly string[]> {
  const [all, others] = await Promise.all([streams?.listStreams(), queues?.listQueues()]);
  const found = [...(all ?? []), ...(others ?? [])].map(({ spec }) => namespaceOf(spec.name));
  return [...new Set(found.filter((name) => name !== undefined))].toSorted();
}

/**
 * Removes every stream and queue of the namespace with all that they hold, and returns how many there
 * were. Not one step: what fails on the way leaves the rest, and calling it again goes on. Services of
 * the namespace should be stopped before.
 */
export async function deleteNamespace(
  broker: Broker,
  namespace: string,
): Promise<{ readonly streams: number; readonly queues: number }> {
  const names = namesOf(namespace);
  const streams = broker.streams && new NamespacedStreams(broker.streams, names, undefined);
  const queues = broker.queues && new NamespacedQueues(broker.queues, names, undefined);
  const ownStreams = (await streams?.listStreams()) ?? [];
  const ownQueues = (await queues?.listQueues()) ?? [];
  for (const { spec } of ownQueues) await queues!.deleteQueue(spec.name);
  for (const { spec } of ownStreams) await streams!.deleteStream(spec.name);
  return { streams: ownStreams.length, queues: ownQueues.length };
}
