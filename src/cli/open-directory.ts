/** Opens a project's data in this process, without running its services: to look and to repair. */

import type { IdleService } from "../admin/context.ts";
import { createAdmin } from "../admin/create-admin.ts";
import { openBrokers } from "../host/brokers.ts";
import { channelsOf, ensureChannels } from "../service/start/channels.ts";
import type { Admin } from "../admin/admin.ts";
import type { Environment } from "../model/environment.ts";
import { createRegistry } from "../schema/registry.ts";
import type { Service } from "../service/part.ts";
import type { StoreFactory } from "../store/store.ts";
import type { Project } from "./project.ts";
import { brokersOf, storeOf } from "./project-broker.ts";

export interface OpenDirectory extends AsyncDisposable {
  readonly admin: Admin;
}

export async function openDirectory(
  project: Project,
  environment: Environment,
  { ensure }: { readonly ensure: boolean },
): Promise<OpenDirectory> {
  await using opened = new AsyncDisposableStack();
  const services = project.loaded?.config.services ?? [];
  // For the time of a command nobody else is let in.
  const closed = { ...brokersOf(project), kafka: false, amqp: false } as const;
  const brokers = opened.use(await openBrokers(closed, environment));
  const channels = channelsOf(services);
  if (ensure) await ensureChannels(channels, brokers);
  const idle: IdleService[] = [];
  if (services.length > 0) {
    const factory = await storeOf(project);
    for (const service of services) {
      idle.push({ service, store: opened.use(await openStore(factory, service, environment)) });
    }
  }
  const admin = opened.use(
    createAdmin({
      streams: brokers.streams,
      queues: brokers.queues,
      upkeep: brokers.upkeep,
      idle: () => idle,
      registry: createRegistry(channels),
      environment,
    }),
  );
  const kept = opened.move();
  return { admin, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function openStore(
  factory: StoreFactory,
  service: Service,
  environment: Environment,
): ReturnType<StoreFactory["open"]> {
  const store = await factory.open({ service: service.name, environment });
  await store.ensureCollections(service.parts.flatMap(({ collections }) => collections));
  return store;
}
