/** kfake with its log on disk: synced for each batch if asked, else when a segment ends. */

import { join } from "node:path";
import type { BrokerRecipe } from "../broker.ts";
import { answersMetadata } from "../probe.ts";
import { installKfake } from "./install.ts";

export const recipe: BrokerRecipe = {
  name: "kfake",
  ports: 1,
  stopMsMax: 10_000,
  install: async () => ({ folder: await installKfake() }),
  launch: async ({ folder, data, ports, options }) => ({
    command: join(folder, "kfake"),
    args: [String(ports[0]), join(data, "log"), options.sync === true ? "sync" : "unsynced"],
    address: { host: "127.0.0.1", port: ports[0]! },
  }),
  answers: answersMetadata,
};
