/** `millrace pause` and `millrace resume`: parts that a person has stopped. */

import type { Pause } from "../../../admin/api/pause-admin.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";
import type { Column } from "../../terminal/table.ts";

export interface PauseOptions extends GlobalOptions {
  readonly why?: string;
  readonly dryRun?: boolean;
}

const COLUMNS: readonly Column<Pause>[] = [
  { title: "part", value: ({ part }) => part },
  { title: "by", value: ({ by }) => by },
  { title: "since", value: ({ sinceMs }) => new Date(sinceMs).toISOString() },
  { title: "why", value: ({ why }) => why },
];

export async function pause(
  context: CommandContext,
  { why, dryRun = false }: PauseOptions,
  part?: string,
): Promise<ExitCode> {
  const { output, by } = context;
  await using session = await openSession(context);
  if (part === undefined) {
    await output.rows(await session.admin.listPauses(), COLUMNS, "nothing is paused");
    return EXIT.ok;
  }
  const options = { by, dryRun, ...(why !== undefined && { why }) };
  const { changed } = await session.admin.pausePart(part, options);
  const paused = dryRun ? "would be paused" : "is paused until somebody resumes it";
  await output.result(
    { part, changed, dryRun },
    changed ? `${part} ${paused}` : `${part} was paused before`,
  );
  return EXIT.ok;
}

export async function resume(
  context: CommandContext,
  { dryRun = false }: PauseOptions,
  part: string,
): Promise<ExitCode> {
  const { output, by } = context;
  await using session = await openSession(context);
  const { changed } = await session.admin.resumePart(part, { by, dryRun });
  const goesOn = dryRun ? "would go on" : "goes on";
  await output.result(
    { part, changed, dryRun },
    changed ? `${part} ${goesOn} from where it was` : `${part} was not paused`,
  );
  return EXIT.ok;
}
