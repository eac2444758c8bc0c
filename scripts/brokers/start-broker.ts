/** Real brokers for tests and benchmarks. */

import { randomBytes } from "node:crypto";
import type { BrokerOptions } from "./broker.ts";
import { BrokerInstance } from "./instance.ts";

/**
 * Starts a broker on free ports with an empty data directory, and installs it before that if needed.
 * `await using` ends it and removes its data.
 *
 * Throws Unavailable where this machine cannot have it.
 */
export function startBroker(name: string, options: BrokerOptions = {}): Promise<BrokerInstance> {
  return BrokerInstance.create(name, `${name}-${randomBytes(2).toString("hex")}`, options);
}
