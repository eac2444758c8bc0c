/** Pausing parts, whether their service runs here or only its store is open. */

import { MillraceError } from "../../model/errors.ts";
import { PAUSES, readPauses, writePause, type PartPause } from "../../service/pause/pauses.ts";
import type { RepairOptions } from "../admin.ts";
import type { Pause } from "../api/pause-admin.ts";
import { compareNames, knownServices, type AdminContext, type KnownService } from "../context.ts";
import { findPart, type FoundPart } from "../parts.ts";

export async function pausePart(
  context: AdminContext,
  name: string,
  { dryRun = false, by = "unknown", why }: RepairOptions & { readonly why?: string },
): Promise<{ readonly changed: boolean }> {
  const { known, part } = requirePart(context, name);
  const pause = {
    by,
    sinceMs: context.environment.clock.now(),
    ...(why !== undefined && { why }),
  };
  if (dryRun) return { changed: !(await pausesOf(known)).has(part.name) };
  const changed = await (known.running === undefined
    ? writeIdle(known, part.name, pause)
    : known.running.pause(part.name, pause));
  const { log } = context.environment;
  if (changed) log.info({ action: "pause", part: name, by, why }, "a part was paused");
  return { changed };
}

export async function resumePart(
  context: AdminContext,
  name: string,
  { dryRun = false, by = "unknown" }: RepairOptions,
): Promise<{ readonly changed: boolean }> {
  const { known, part } = requirePart(context, name);
  if (dryRun) return { changed: (await pausesOf(known)).has(part.name) };
  const changed = await (known.running === undefined
    ? writeIdle(known, part.name, undefined)
    : known.running.resume(part.name));
  const { log } = context.environment;
  if (changed) log.info({ action: "resume", part: name, by }, "a part was resumed");
  return { changed };
}

export async function listPauses(context: AdminContext): Promise<readonly Pause[]> {
  const found = await Promise.all(
    knownServices(context).map(async (known) =>
      Array.from(await pausesOf(known), ([part, pause]) => ({
        part: `${known.service.name}.${part}`,
        ...pause,
      })),
    ),
  );
  return found.flat().toSorted((a, b) => compareNames(a.part, b.part));
}

/** By part. A service that never ran with pauses has no collection for them yet. */
export async function pausesOf({
  store,
  running,
}: KnownService): Promise<ReadonlyMap<string, PartPause>> {
  if (running === undefined) await store.ensureCollections([PAUSES]);
  return readPauses(store);
}

async function writeIdle(
  { store }: KnownService,
  part: string,
  pause: PartPause | undefined,
): Promise<boolean> {
  await store.ensureCollections([PAUSES]);
  return writePause(store, part, pause);
}

/** Throws BAD_ARGUMENT, naming the parts there are. */
export function requirePart(context: AdminContext, name: string): FoundPart {
  const found = findPart(context, name);
  if (found !== undefined) return found;
  const names = knownServices(context).flatMap(({ service }) =>
    service.parts.map((part) => `${service.name}.${part.name}`),
  );
  const there = names.length === 0 ? "no service is known here" : `there are ${names.join(", ")}`;
  throw new MillraceError(
    "BAD_ARGUMENT",
    `there is no part ${JSON.stringify(name.slice(0, 100))}; ${there}`,
    { details: { argument: "part", known: names } },
  );
}
