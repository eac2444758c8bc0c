/** The broker under test, as the child and the verifying parent open it. */

import { join } from "node:path";
import type { Broker, BrokerFactory } from "../../src/broker/broker.ts";
import { embedded } from "../../src/embedded/embedded.ts";
import type { Environment } from "../../src/model/environment.ts";
import { ensureLedger } from "./drivers/append.ts";
import { ensureJobs } from "./drivers/queue.ts";

/** Small segments, so that the kills meet rolls and several segments to recover. */
const SEGMENT_BYTES_MAX = 64 * 1024;

export async function openCrashBroker(
  directory: string,
  environment: Environment,
): Promise<Broker> {
  const broker = await embedded({
    directory: join(directory, "broker"),
    segmentBytesMax: SEGMENT_BYTES_MAX,
  }).open(environment);
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
