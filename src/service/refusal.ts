/**
 * What is refused before a service starts (law 11): a need that the broker or store cannot meet, and
 * declarations that contradict each other across parts. The text names the part and the remedy.
 */

import { has, type BrokerCapabilities, type Capability } from "../broker/capabilities.ts";
import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import { MillraceError } from "../model/errors.ts";
import type { Channel, MessageType } from "../schema/declaration.ts";
import { createRegistry } from "../schema/registry.ts";
import { REPLY_TYPE } from "./ask/reply-message.ts";
import { refuse } from "./declaration-checks.ts";
import type { Part, Service } from "./part.ts";

/** What each need is for, and what to do without it. */
const REMEDIES: Partial<Readonly<Record<Capability, string>>> = {
  keyOrder: "drop keyOrder from the queue, or use a broker that has it",
  replay: "use a broker whose streams can be read from any kept offset",
};

const STREAM_NEEDS: ReadonlySet<Capability> = new Set(["streams", "replay"]);

/** Throws CAPABILITY_MISSING naming adapter, capability, part and remedy. */
export function refuseMissingCapabilities(
  { parts }: Service,
  brokers: { readonly streams: Streams | undefined; readonly queues: Queues | undefined },
): void {
  for (const part of parts) {
    for (const capability of needsOf(part)) {
      const face = STREAM_NEEDS.has(capability) ? brokers.streams : brokers.queues;
      requireCapability(part, capability, face?.capabilities);
    }
  }
}

function needsOf({ from, publishes, sends, needs = [] }: Part): ReadonlySet<Capability> {
  const all = new Set<Capability>(needs);
  for (const channel of [...from, ...publishes, ...sends]) {
    all.add(channel.kind === "stream" ? "streams" : "queues");
  }
  for (const channel of from) {
    if (channel.kind !== "queue") continue;
    if (channel.keyOrder) all.add("keyOrder");
    else all.add("deadLetters").add("delay");
  }
  return all;
}

function requireCapability(
  part: Part,
  capability: Capability,
  capabilities: BrokerCapabilities | undefined,
): void {
  if (capabilities !== undefined && has(capabilities, capability)) return;
  const level = capabilities?.levels[capability];
  const why = level?.level === "absent" ? `: ${level.reason}` : "";
  const adapter = capabilities?.adapter ?? "no broker";
  throw new MillraceError(
    "CAPABILITY_MISSING",
    `${part.partKind} "${part.name}" needs ${capability}, which ${capabilities ? `${adapter} lacks${why}` : "no configured broker offers"}; ${REMEDIES[capability] ?? `configure a broker that has ${capability}`}`,
    { details: { part: part.name, capability, adapter } },
  );
}

/** Throws BAD_DECLARATION where parts contradict each other. Returns every channel once. */
export function refuseContradictions(services: readonly Service[]): readonly Channel[] {
  const names = new Set<string>();
  const ownerOf = new Map<string, string>();
  const readerOf = new Map<string, string>();
  const channels: Channel[] = [];
  for (const service of services) {
    if (names.has(service.name)) refuse(`two services are named "${service.name}"; rename one`);
    names.add(service.name);
    for (const part of service.parts) {
      const who = `${service.name}.${part.name}`;
      channels.push(...part.from, ...part.publishes, ...part.sends);
      for (const { name } of part.publishes) {
        const owner = ownerOf.get(name) ?? service.name;
        if (owner !== service.name) {
          refuse(
            `stream "${name}" is published by the services "${owner}" and "${service.name}"; a stream has one owner: let one send commands to the other`,
          );
        }
        ownerOf.set(name, owner);
      }
      for (const channel of part.from) {
        if (channel.kind !== "queue") continue;
        const reader = readerOf.get(channel.name);
        if (reader !== undefined) {
          refuse(
            `queue "${channel.name}" is read by ${reader} and by ${who}; a command has one handler: give each its own queue`,
          );
        }
        readerOf.set(channel.name, who);
      }
    }
    refuseClashingCollections(service);
  }
  const { channels: distinct } = createRegistry(channels);
  refuseSecondAddress(distinct);
  return distinct;
}

/** A command has one address: whoever sends it need not choose, and one handler answers it. */
function refuseSecondAddress(channels: readonly Channel[]): void {
  const addressOf = new Map<string, string>();
  for (const channel of channels) {
    if (channel.kind !== "queue") continue;
    for (const { kind, type } of Object.values<MessageType>(channel.types)) {
      // Answers go to whoever asked: every saga that waits for some has a queue of its own.
      if (kind !== "command" || type === REPLY_TYPE) continue;
      const address = addressOf.get(type);
      if (address !== undefined) {
        refuse(
          `the command "${type}" is carried by the queues "${address}" and "${channel.name}"; a command has one address and one handler: remove it from one of them, or declare two commands`,
        );
      }
      addressOf.set(type, channel.name);
    }
  }
}

/** Two declarations of one collection must be the same. */
function refuseClashingCollections({ name, parts }: Service): void {
  const indexOf = new Map<string, string>();
  for (const part of parts) {
    for (const collection of part.collections) {
      const index = collection.index.toSorted().join(", ");
      const known = indexOf.get(collection.name) ?? index;
      if (known !== index) {
        refuse(
          `service "${name}" declares ${collection.name} twice, with the indexes (${known}) and (${index}); declare it once and use it in both parts`,
        );
      }
      indexOf.set(collection.name, index);
    }
  }
}

/** The service that owns each stream, by the stream's name. */
export function streamOwners(services: readonly Service[]): ReadonlyMap<string, string> {
  return new Map(
    services.flatMap(({ name, parts }) =>
      parts.flatMap((part) => part.publishes.map((stream) => [stream.name, name] as const)),
    ),
  );
}
