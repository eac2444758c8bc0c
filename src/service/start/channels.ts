/** The streams and queues that services declare, and bringing a broker to them. */

import type { Queues } from "../../broker/queues.ts";
import type { Streams } from "../../broker/streams.ts";
import type { Log } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Channel } from "../../schema/declaration.ts";
import type { Service } from "../part.ts";

interface Brokers {
  /** Undefined where no broker with streams is configured. */
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
}

/** Every channel once, as its declaration, in the order of first use. */
export function channelsOf(services: readonly Service[]): readonly Channel[] {
  const parts = services.flatMap((service) => service.parts);
  return [
    ...new Set(parts.flatMap(({ from, publishes, sends }) => [...from, ...publishes, ...sends])),
  ];
}

/** Creates what is missing. Throws STREAM_MISMATCH, and CAPABILITY_MISSING where there is no broker for it. */
export async function ensureChannels(
  channels: readonly Channel[],
  brokers: Brokers,
): Promise<void> {
  for (const channel of channels) {
    // A window of nothing is how a declaration says that it wants none.
    const dedupe = channel.dedupe.count > 0 && { dedupe: channel.dedupe };
    if (channel.kind === "stream") {
      const { name, partitions, retention, durability } = channel;
      const face = brokers.streams ?? missing(channel);
      await face.ensureStream({ name, partitions, retention, durability, ...dedupe });
    } else {
      const { name, attempts, leaseMs, depthMax, keyOrder, durability } = channel;
      const face = brokers.queues ?? missing(channel);
      const spec = { name, attempts, leaseMs, depthMax, keyOrder, durability, ...dedupe };
      await face.ensureQueue(spec);
    }
  }
}

function missing(channel: Channel): never {
  throw new MillraceError(
    "CAPABILITY_MISSING",
    `the ${channel.kind} "${channel.name}" is declared, and the broker has no ${channel.kind}s; set ${channel.kind}s to a broker that has`,
    { details: { channel: channel.name } },
  );
}

/** Channels that shall be durable, on a broker that forgets: allowed, and said. */
export function warnOfForgetting(
  channels: readonly Channel[],
  { streams, queues, log }: Brokers & { readonly log: Log },
): void {
  for (const { kind, name, durability } of channels) {
    if (durability.mode === "memory") continue;
    const capabilities = (kind === "stream" ? streams : queues)?.capabilities;
    const level = capabilities?.levels[kind === "stream" ? "durableAppend" : "durableSend"];
    if (level?.level !== "absent") continue;
    log.warn({ [kind]: name, adapter: capabilities!.adapter }, `not durable: ${level.reason}`);
  }
}
