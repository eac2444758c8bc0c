/** `millrace log repair`: shows what it would mend, and mends it once that was confirmed. */

import { existsSync } from "node:fs";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import type { LostRange, Repair } from "../../../embedded/repair.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { loadProject } from "../../project.ts";
import { confirm } from "../../terminal/confirm.ts";

interface LogRepairOptions extends GlobalOptions {
  readonly accept?: readonly string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Exits with 3 while damage is left that nobody has accepted. */
export async function repair(
  context: CommandContext,
  { accept = [], dryRun = false, yes, ...options }: LogRepairOptions,
): Promise<ExitCode> {
  const { output, environment, folder } = context;
  const ranges = accept.map(parseRange);
  const { brokerDirectory: directory } = await loadProject(folder, options);
  if (!existsSync(directory)) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `there is no broker's directory at ${directory}; name the data directory with --data`,
      { details: { directory } },
    );
  }
  const { repairDirectory } = await import("../../../embedded/repair.ts");
  const request = { environment, directory, accept: ranges };
  const planned = await repairDirectory({ ...request, dryRun: true });
  const mending = planned.filter(({ mended }) => mended);
  if (mending.length > 0 && !dryRun) {
    for (const one of mending) output.note(lineOf(one));
    await confirm(context, { what: `mend ${mending.length} things in ${directory}`, yes });
    await repairDirectory({ ...request, dryRun: false });
  }
  const left = planned.filter(({ mended }) => !mended);
  const done = dryRun ? "would be mended" : "mended";
  await output.result(
    { directory, dryRun, repairs: planned },
    [...planned.map(lineOf), `${mending.length} ${done}, ${left.length} left`].join("\n"),
  );
  return left.length === 0 ? EXIT.ok : EXIT.problemsFound;
}

function lineOf({ what, file }: Repair): string {
  return `${what} (${file})`;
}

function parseRange(text: string): LostRange {
  const [, log, partition, from, to] = /^(.+)\/(\d+)@(\d+)-(\d+)$/.exec(text) ?? [];
  if (log !== undefined && Number(to) >= Number(from)) {
    const [offset, nextOffset] = [Number(from), Number(to) + 1];
    return { log, partition: Number(partition), offset, nextOffset };
  }
  throw new MillraceError(
    "BAD_ARGUMENT",
    `${JSON.stringify(text)} is no range; write STREAM/PARTITION@FROM-TO, as log repair --dry-run shows it`,
    { details: { argument: "accept" } },
  );
}
