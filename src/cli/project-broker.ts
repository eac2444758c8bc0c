/** What a project keeps its messages and its services' state in. */

import { join } from "node:path";
import type { BrokerFactory } from "../broker/broker.ts";
import { embedded } from "../embedded/embedded.ts";
import type { Config } from "../host/config.ts";
import type { StoreFactory } from "../store/store.ts";
import type { Project } from "./project.ts";

/** The configuration's brokers; for what it leaves out, the embedded one in the data directory. */
export function brokersOf({ loaded, brokerDirectory }: Project): Pick<
  Config,
  "broker" | "streams" | "queues" | "namespace"
> & {
  readonly broker: BrokerFactory;
} {
  const { broker, streams, queues, namespace } = loaded?.config ?? {};
  return {
    broker: broker ?? embedded({ directory: brokerDirectory }),
    ...(streams !== undefined && { streams }),
    ...(queues !== undefined && { queues }),
    ...(namespace !== undefined && { namespace }),
  };
}

/** The configuration's store, or SQLite files in the data directory. */
export async function storeOf({ loaded, data }: Project): Promise<StoreFactory> {
  const configured = loaded?.config.store;
  if (configured !== undefined) return configured;
  const { sqlite } = await import("../stores/sqlite/sqlite.ts");
  return sqlite({ directory: join(data, "stores") });
}
