/**
 * `sqlite()`: the store of one process in one file, with nothing to install. Every commit is synced
 * before it is acknowledged.
 */

import { join, resolve } from "node:path";
import type { Environment } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import { DEFAULT_ID_WINDOW } from "../../store/limits.ts";
import type { IdWindow } from "../../store/limits.ts";
import type { Store, StoreFactory } from "../../store/store.ts";
import { newStoreEpoch } from "../../store/store-epoch.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { WorkerClient } from "./worker-client.ts";

export interface SqliteOptions {
  /** Each service has the file `<service>.db` in it; `.millrace/stores` unless said. */
  readonly directory?: string;
  /** The file itself: for a process with one service. */
  readonly file?: string;
  /** How long ids of strangers' messages are remembered: 100,000 and one day unless said. */
  readonly idWindow?: IdWindow;
  /** The file grows to no more than this; beyond it writes fail with DISK_FULL. Unbounded unless said. */
  readonly bytesMax?: number;
  /** False leaves syncing to the operating system: for data that a power cut may take. */
  readonly durable?: boolean;
}

const OPTION_NAMES: readonly string[] = [
  "directory",
  "file",
  "idWindow",
  "bytesMax",
  "durable",
] satisfies (keyof SqliteOptions)[];

/** Throws BAD_CONFIG for an unknown key or a value out of range. */
export function sqlite(options: SqliteOptions = {}): StoreFactory {
  checkOptions(options);
  const { directory = join(".millrace", "stores"), file, bytesMax, durable = true } = options;
  return {
    adapter: "sqlite",
    async open({
      service,
      environment,
    }: {
      service: string;
      environment: Environment;
    }): Promise<Store> {
      const path = resolve(file ?? join(directory, `${service}.db`));
      const worker = new WorkerClient({
        database: {
          path,
          service,
          durable,
          bytesMax,
          newEpoch: newStoreEpoch(environment.clock.now()),
        },
        idWindow: options.idWindow ?? DEFAULT_ID_WINDOW,
      });
      const epoch = await worker.opened();
      return new SqliteStore(worker, { epoch, clock: environment.clock, durable });
    },
  };
}

function checkOptions(options: SqliteOptions): void {
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.includes(name));
  if (unknown !== undefined) {
    throw badConfig(`knows no option "${unknown}", but ${OPTION_NAMES.join(", ")}`);
  }
  if (options.directory !== undefined && options.file !== undefined) {
    throw badConfig("takes a directory or a file, not both");
  }
  const { idWindow, bytesMax } = options;
  if (idWindow !== undefined && !(idWindow.count > 0 && idWindow.ms > 0)) {
    throw badConfig("needs an idWindow whose count and ms are above 0");
  }
  if (bytesMax !== undefined && !(bytesMax >= 1024 * 1024)) {
    throw badConfig(`needs a bytesMax of 1 MiB or more, not ${bytesMax}`);
  }
}

function badConfig(text: string): MillraceError {
  return new MillraceError("BAD_CONFIG", `sqlite() ${text}`);
}
