/** Opens the till's store and starts its parts on an open broker. */

import { join } from "node:path";
import type { Queues } from "../../../src/broker/queues.ts";
import type { Streams } from "../../../src/broker/streams.ts";
import type { RunningService } from "../../../src/service/running/running-service.ts";
import { startService } from "../../../src/service/start-service.ts";
import type { Store } from "../../../src/store/store.ts";
import { sqlite } from "../../../src/stores/sqlite/sqlite.ts";
import type { Opened } from "../driver.ts";
import { createTill } from "./till.ts";

export interface TillOptions {
  readonly fails: () => boolean;
  readonly wrapStore?: (store: Store) => Store;
  readonly wrapStreams?: (streams: Streams) => Streams;
  readonly wrapQueues?: (queues: Queues) => Queues;
  /** Looks at the store before anything runs. */
  readonly before?: (store: Store) => Promise<void>;
}

export interface RunningTill extends AsyncDisposable {
  readonly running: RunningService;
  readonly store: Store;
}

export async function runTill(
  { broker, directory, environment }: Opened,
  options: TillOptions,
): Promise<RunningTill> {
  const { fails, before, wrapStore, wrapStreams, wrapQueues } = options;
  const service = createTill(fails);
  const store = await sqlite({ directory: join(directory, "stores") }).open({
    service: service.name,
    environment,
  });
  await before?.(store);
  const running = await startService({
    service,
    streams: wrapStreams?.(broker.streams!) ?? broker.streams,
    queues: wrapQueues?.(broker.queues!) ?? broker.queues,
    store: wrapStore?.(store) ?? store,
    environment,
  });
  return {
    running,
    store,
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      await store.close();
    },
  };
}
