/** What the door of `millrace start` shows: a broker, and the channels that services declare in it. */

import type { Admin } from "../../../admin/admin.ts";
import { createAdmin } from "../../../admin/create-admin.ts";
import type { OpenBrokers } from "../../../host/brokers.ts";
import type { Environment } from "../../../model/environment.ts";
import { createRegistry, type Registry } from "../../../schema/registry.ts";
import type { Service } from "../../../service/part.ts";
import { channelsOf, ensureChannels } from "../../../service/start/channels.ts";

export interface BrokerView extends AsyncDisposable {
  readonly admin: Admin;
  readonly registry: Registry;
}

/** Makes the channels that are missing. Throws as `ensureChannels` and `createRegistry` do. */
export async function openBrokerView(
  services: readonly Service[],
  { streams, queues, upkeep }: OpenBrokers,
  environment: Environment,
): Promise<BrokerView> {
  const channels = channelsOf(services);
  await ensureChannels(channels, { streams, queues });
  const registry = createRegistry(channels);
  const admin = createAdmin({ streams, queues, upkeep, registry, environment });
  return { admin, registry, [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose]() };
}
