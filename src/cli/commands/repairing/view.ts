/** `millrace view`: the generations in which views are built. */

import type { ViewGeneration } from "../../../admin/api/view-admin.ts";
import type { Admin, RepairOptions } from "../../../admin/admin.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";
import { confirm } from "../../terminal/confirm.ts";
import type { Column } from "../../terminal/table.ts";

export interface ViewOptions extends GlobalOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const COLUMNS: readonly Column<ViewGeneration>[] = [
  { title: "view", value: ({ service, view }) => `${service}.${view}` },
  { title: "generation", value: ({ generation }) => generation },
  { title: "state", value: ({ state }) => state },
  { title: "documents", value: ({ documents }) => documents },
  { title: "lag", value: ({ lag }) => lag },
];

export async function list(context: CommandContext): Promise<ExitCode> {
  await using session = await openSession(context);
  await context.output.rows(await session.admin.listViews(), COLUMNS, "no views");
  return EXIT.ok;
}

export function rebuild(
  context: CommandContext,
  options: ViewOptions,
  view: string,
): Promise<ExitCode> {
  return change(context, options, {
    what: `build ${view} anew beside the one that answers`,
    make: (admin, how) => admin.rebuildView(view, how),
  });
}

export function swap(
  context: CommandContext,
  options: ViewOptions,
  view: string,
  generation?: string,
): Promise<ExitCode> {
  const named = generation === undefined ? {} : { generation };
  return change(context, options, {
    what: `let ${generation ?? "the generation that is ready"} of ${view} answer`,
    make: (admin, how) => admin.swapView(view, { ...how, ...named }),
  });
}

export function drop(
  context: CommandContext,
  options: ViewOptions,
  view: string,
  generation: string,
): Promise<ExitCode> {
  return change(context, options, {
    what: `remove ${generation} of ${view} with its documents`,
    make: (admin, how) => admin.dropView(view, generation, how),
  });
}

interface Change {
  readonly what: string;
  readonly make: (admin: Admin, how: RepairOptions) => Promise<ViewGeneration>;
}

/** Tried first, so that what cannot be is refused before anybody is asked. */
async function change(
  context: CommandContext,
  { dryRun = false, yes }: ViewOptions,
  { what, make }: Change,
): Promise<ExitCode> {
  const { output, by } = context;
  await using session = await openSession(context);
  const planned = await make(session.admin, { dryRun: true });
  if (dryRun) {
    await output.result({ ...planned, dryRun }, `would ${what}: ${generationText(planned)}`);
    return EXIT.ok;
  }
  await confirm(context, { what: `${what} (${countOf(planned)})`, yes });
  const changed = await make(session.admin, { by });
  await output.result({ ...changed, dryRun }, generationText(changed));
  return EXIT.ok;
}

function generationText({ service, view, generation, state, documents }: ViewGeneration): string {
  return `${service}.${view} ${generation}: ${state}, ${countOf({ documents })}`;
}

function countOf({ documents }: Pick<ViewGeneration, "documents">): string {
  return documents === 1 ? "1 document" : `${documents} documents`;
}
