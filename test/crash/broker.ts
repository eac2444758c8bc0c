/** The broker under test, as the child and the verifying parent open it. */

import { join } from "node:path";
import type { Broker, BrokerFactory } from "../../src/broker/broker.ts";
import { openEmbedded } from "../../src/embedded/embedded.ts";
import { createNodeDisk } from "../../src/embedded/log/disks/node-disk.ts";
import { checkOptions } from "../../src/embedded/options.ts";
import type { Environment } from "../../src/model/environment.ts";
import { ensureLedger } from "./drivers/append.ts";
import { ensureJobs } from "./drivers/queue.ts";
import type { DoorPorts } from "./report.ts";

/** Small segments, so that the kills meet rolls and several segments to recover. */
const SEGMENT_BYTES_MAX = 64 * 1024;

/** Made at once, and so small that its halves are used again and again within a life. */
const JOURNAL = { halfBytes: 64 * 1024, groupBytesMax: 16 * 1024, makeAfter: 1 };

/** With `ports` it lets clients of the wire in. */
export async function openCrashBroker(
  directory: string,
  environment: Environment,
  ports: DoorPorts | null,
): Promise<Broker> {
  const options = checkOptions({
    directory: join(directory, "broker"),
    segmentBytesMax: SEGMENT_BYTES_MAX,
    ...(ports !== null && { kafka: { port: ports.kafka }, amqp: { port: ports.amqp } }),
  });
  const disk = createNodeDisk();
  const broker = await openEmbedded(environment, options, { disk, journal: JOURNAL });
  await ensureLedger(broker.streams!);
  await ensureJobs(broker.queues!);
  return broker;
}

/** Gives an app a broker that is open already, and stays so when the app is closed. */
export function lent({ streams, queues }: Broker): BrokerFactory {
  const close = (): Promise<void> => Promise.resolve();
  return {
    adapter: "embedded",
    open: () =>
      Promise.resolve({
        ...(streams !== undefined && { streams }),
        ...(queues !== undefined && { queues }),
        close,
        [Symbol.asyncDispose]: close,
      }),
  };
}
