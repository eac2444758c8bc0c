/** What the embedded broker offers to those who look after it, over the logs that are open. */

import { relative, sep } from "node:path";
import type { DiskUse, Upkeep } from "../broker/upkeep/upkeep.ts";
import { MillraceError } from "../model/errors.ts";
import type { BrokerDirectory } from "./broker-directory.ts";
import type { LogCut } from "./log/log-registry.ts";
import { logNameOf } from "./log/verify/log-name.ts";

export function createUpkeep(data: BrokerDirectory): Upkeep {
  const { open, disk, freeSpace, journal } = data.logs;
  let backingUp = false;
  return {
    async backup(request) {
      if (backingUp) {
        throw new MillraceError(
          "CONFLICT",
          `a backup of ${data.path} runs already; wait for its end (millrace backup shows it), or cancel it`,
          { details: { directory: data.path } },
        );
      }
      backingUp = true;
      try {
        const { writeBackup } = await import("./log/backup/write-backup.ts");
        return await writeBackup(data, request);
      } finally {
        backingUp = false;
      }
    },
    async verify(request) {
      const { verifyLogs } = await import("./log/verify/verify-logs.ts");
      return verifyLogs(data, request);
    },
    async diskUse() {
      const freeBytes = await disk.freeBytes(data.path);
      if (freeSpace.stale) await freeSpace.look();
      return {
        ...useOf(data.path, open.cut()),
        journal: journal?.bytes ?? 0,
        freeBytes,
        freeBytesMin: freeSpace.freeBytesMin,
        full: freeSpace.full,
      };
    },
  };
}

function useOf(
  path: string,
  cuts: readonly LogCut[],
): Pick<DiskUse, "streams" | "queues" | "state"> {
  const streams = new Map<string, number[]>();
  const queues = new Map<string, number>();
  let state = 0;
  for (const { directory, segments } of cuts) {
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
    const { kind, name, partition } = logNameOf(relative(path, directory).split(sep));
    if (kind === "state") state += bytes;
    else if (kind === "queue") queues.set(name, bytes);
    else {
      const partitions = streams.get(name) ?? [];
      streams.set(name, partitions);
      partitions[partition] = bytes;
    }
  }
  return {
    streams: Array.from(streams, ([name, partitions]) => ({ name, partitions })).toSorted(byName),
    queues: Array.from(queues, ([name, bytes]) => ({ name, bytes })).toSorted(byName),
    state,
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
