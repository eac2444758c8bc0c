/** Backups, verification and disk use, over the broker's upkeep and the stores of this process. */

import type { HeldStores, Upkeep } from "../../broker/upkeep/upkeep.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Job } from "../api/replay-admin.ts";
import type { DiskReport } from "../api/upkeep-admin.ts";
import { knownServices, type AdminContext, type KnownService } from "../context.ts";
import type { JobBook } from "../replay/job-book.ts";

/** Problems that a job shows one by one. */
const SHOWN_MAX = 100;

export async function startBackup(
  context: AdminContext,
  jobs: JobBook,
  { target, by = "unknown" }: { readonly target: string; readonly by?: string | undefined },
): Promise<Job> {
  const upkeep = upkeepOf(context);
  if (!/^(\/|[A-Za-z]:[\\/]|\\\\)/.test(target)) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `the target of a backup is an absolute path, not ${JSON.stringify(target.slice(0, 200))}`,
      { details: { argument: "target" } },
    );
  }
  const services = backedUp(context);
  const sizes = await Promise.all(services.map(async ({ store }) => (await store.bytes?.()) ?? 0));
  const largestFirst = services
    .map((service, at) => ({ service, bytes: sizes[at]! }))
    .toSorted((a, b) => b.bytes - a.bytes);
  return jobs.start({
    id: context.environment.ids.newId(),
    kind: "backup",
    what: `back up to ${target}`,
    by,
    total: 0,
    run: async (signal, progress) => {
      const { files, bytes } = await upkeep.backup({
        target,
        storesBytes: sizes.reduce((sum, size) => sum + size, 0),
        stores: (directory) =>
          holdStores(
            largestFirst.map(({ service }) => service),
            directory,
          ),
        signal,
        progress: (done, total) => progress({ done, total, counts: {} }),
      });
      const counts = { files, stores: services.length };
      return { done: bytes, total: bytes, counts, failures: [], complete: true };
    },
  });
}

/**
 * Each store is held from the end of its own copy until all are copied: so the largest comes first,
 * and waits for the smaller ones only.
 */
async function holdStores(
  services: readonly KnownService[],
  directory: string,
): Promise<HeldStores> {
  const held: HeldStores[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(held.map((one) => one.release()));
  };
  try {
    for (const { service, store } of services) {
      held.push(await store.backup!(`${directory}/${service.name}.db`));
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

/** A store that keeps nothing has nothing to back up. */
function backedUp(context: AdminContext): readonly KnownService[] {
  const services = knownServices(context);
  for (const { service, store } of services) {
    if (store.backup !== undefined || !store.capabilities.durable) continue;
    throw new MillraceError(
      "CAPABILITY_MISSING",
      `the store ${store.capabilities.adapter} of ${service.name} is not backed up together with the broker; back it up by its own tools`,
      { details: { capability: "backup", service: service.name } },
    );
  }
  return services.filter(({ store }) => store.backup !== undefined);
}

export function startVerify(
  context: AdminContext,
  jobs: JobBook,
  { stream, by = "unknown" }: { readonly stream?: string; readonly by?: string | undefined } = {},
): Job {
  const upkeep = upkeepOf(context);
  return jobs.start({
    id: context.environment.ids.newId(),
    kind: "verify",
    what: stream === undefined ? "verify all logs" : `verify the stream ${stream}`,
    by,
    total: 0,
    run: async (signal, progress) => {
      const { problems, bytes, ...counts } = await upkeep.verify({
        stream,
        signal,
        progress: (done, total) => progress({ done, total, counts: {} }),
      });
      const failures = problems.slice(0, SHOWN_MAX).map((problem) => ({
        stream: problem.log,
        partition: problem.partition,
        offset: problem.offset,
        id: problem.file,
        code: "LOG_DAMAGED",
        message: problem.message,
      }));
      return {
        done: bytes,
        total: bytes,
        counts: { ...counts, problems: problems.length },
        failures,
        complete: true,
      };
    },
  });
}

export async function diskUse(context: AdminContext): Promise<DiskReport> {
  const use = await upkeepOf(context).diskUse();
  const stores = await Promise.all(
    knownServices(context).map(async ({ service, store }) => {
      const bytes = await store.bytes?.();
      return bytes === undefined ? [] : [{ service: service.name, bytes }];
    }),
  );
  return { ...use, stores: stores.flat() };
}

function upkeepOf({ upkeep }: AdminContext): Upkeep {
  if (upkeep !== undefined) return upkeep;
  throw new MillraceError(
    "CAPABILITY_MISSING",
    "no one broker of this process keeps its data on this machine; use the tools of the brokers that do",
    { details: { capability: "upkeep" } },
  );
}
