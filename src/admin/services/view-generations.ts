/** The generations of views, over all services that run here. */

import { MillraceError } from "../../model/errors.ts";
import type { RunningService } from "../../service/running/running-service.ts";
import type { GenerationStatus } from "../../service/views/view-status.ts";
import type { RepairOptions } from "../admin.ts";
import type { ViewGeneration } from "../api/view-admin.ts";
import { compareNames, type AdminContext } from "../context.ts";
import { findView } from "../parts.ts";

export async function listViews(context: AdminContext): Promise<readonly ViewGeneration[]> {
  const found = await Promise.all(
    context.services().map(async (running) => {
      const views = await running.listViews();
      return views
        .toSorted((a, b) => compareNames(a.view, b.view))
        .flatMap(({ view, generations }) => generations.map((one) => shown(running, view, one)));
    }),
  );
  return found.flat().toSorted((a, b) => compareNames(a.service, b.service));
}

/** In a dry run, the generation that would go on answering meanwhile. */
export async function rebuildView(
  context: AdminContext,
  view: string,
  { dryRun = false, by = "unknown" }: RepairOptions,
): Promise<ViewGeneration> {
  const { running, name, generations } = await atWork(context, view);
  if (dryRun) {
    const building = generations.find(({ state }) => state === "building" || state === "ready");
    if (building !== undefined) throw beingBuilt(name, building);
    return shown(
      running,
      name,
      generations.find(({ state }) => state === "live")!,
    );
  }
  const begun = await running.rebuildView(name);
  note(context, { action: "rebuild", view: name, generation: begun.generation, by });
  return shown(running, name, begun);
}

/** In a dry run, the generation that would answer, as it is now. */
export async function swapView(
  context: AdminContext,
  view: string,
  { dryRun = false, by = "unknown", generation }: RepairOptions & { readonly generation?: string },
): Promise<ViewGeneration> {
  const { running, name, generations } = await atWork(context, view);
  if (dryRun) {
    const chosen =
      generation === undefined
        ? generations.find(({ state }) => state === "ready" || state === "building")
        : generations.find((one) => one.generation === generation);
    return shown(running, name, chosen ?? noSuch(name, generation, generations));
  }
  const swapped = await running.swapView(name, generation);
  note(context, { action: "swap", view: name, generation: swapped.generation, by });
  return shown(running, name, swapped);
}

/** In a dry run, the generation that would go. */
export async function dropView(
  context: AdminContext,
  view: string,
  generation: string,
  { dryRun = false, by = "unknown" }: RepairOptions,
): Promise<ViewGeneration> {
  const { running, name, generations } = await atWork(context, view);
  if (dryRun) {
    const chosen = generations.find((one) => one.generation === generation);
    if (chosen?.state === "live") {
      throw new MillraceError(
        "NOT_ALLOWED",
        `${generation} of ${name} answers reads; let another one take over before it is dropped`,
      );
    }
    return shown(running, name, chosen ?? noSuch(name, generation, generations));
  }
  const dropped = await running.dropView(name, generation);
  note(context, { action: "drop", view: name, generation: dropped.generation, by });
  return shown(running, name, dropped);
}

interface ViewAtWork {
  readonly running: RunningService;
  readonly name: string;
  readonly generations: readonly GenerationStatus[];
}

/** Throws UNKNOWN_VIEW, and UNREACHABLE where its service does not run here. */
async function atWork(context: AdminContext, view: string): Promise<ViewAtWork> {
  const { known, part } = findView(context, view);
  const { running, service } = known;
  if (running === undefined) {
    throw new MillraceError(
      "UNREACHABLE",
      `the service ${service.name} does not run here, and only at work it builds views; start it first`,
      { details: { service: service.name } },
    );
  }
  const found = (await running.listViews()).find((one) => one.view === part.name);
  return { running, name: part.name, generations: found?.generations ?? [] };
}

function shown(running: RunningService, view: string, status: GenerationStatus): ViewGeneration {
  const { generation, state, documents, paused, done, total, parked, heldBy } = status;
  return {
    service: running.service.name,
    view,
    generation,
    state,
    documents,
    paused,
    ...(done !== undefined && total !== undefined && { lag: Math.max(0, total - done) }),
    ...(parked !== undefined && { parked }),
    ...(heldBy !== undefined && { heldBy }),
  };
}

function note({ environment }: AdminContext, facts: Readonly<Record<string, unknown>>): void {
  environment.log.info(facts, "a view's generations were changed");
}

function beingBuilt(view: string, { generation }: GenerationStatus): MillraceError {
  return new MillraceError(
    "CONFLICT",
    `${generation} of ${view} is being built already; wait for it, or drop it`,
  );
}

function noSuch(
  view: string,
  generation: string | undefined,
  generations: readonly GenerationStatus[],
): never {
  const there = generations.map((one) => `${one.generation} (${one.state})`).join(", ");
  const what = generation === undefined ? "no generation that is being built" : `no ${generation}`;
  throw new MillraceError("BAD_ARGUMENT", `${view} has ${what}; it has ${there}`, {
    details: { argument: "generation", view },
  });
}
