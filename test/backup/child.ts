/**
 * Takes or restores a backup and kills itself, as `kill -9` does, at a given step of it: the n-th piece
 * that was read or copied, or a named moment. `node child.ts backup|restore SOURCE TARGET STEP`.
 */

import { join } from "node:path";
import { embedded } from "../../src/embedded/embedded.ts";
import { restore } from "../../src/embedded/restore.ts";
import { SILENT_LOG } from "../../src/host/logger.ts";
import { createRealEnvironment } from "../../src/host/real-environment.ts";

const [what, source = "", target = "", step = ""] = process.argv.slice(2);
const environment = createRealEnvironment(SILENT_LOG);
const signal = new AbortController().signal;

let pieces = 0;
const reached = (moment: string): void => {
  if (moment === step) process.kill(process.pid, "SIGKILL");
};
const progress = (): void => reached(String(++pieces));

if (what === "backup") {
  const factory = embedded({ directory: source, freeBytesMin: 0, segmentBytesMax: 4096 });
  await using broker = await factory.open(environment);
  await broker.upkeep!.backup({
    target,
    storesBytes: 0,
    signal,
    progress,
    stores: async () => {
      reached("stores");
      return {
        release: async () => reached("cut"),
      };
    },
  });
} else {
  await restore({
    source,
    directory: target,
    environment,
    signal,
    progress,
    renewStores: async (stores) => {
      reached(join(stores) === join(`${target}.restoring`, "stores") ? "prepared" : "elsewhere");
    },
  });
}
console.log(`pieces ${pieces}`);
