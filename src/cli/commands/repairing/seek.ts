/** `millrace group seek`: moves where a group, or a service's part, reads on. */

import type { Moved } from "../../../admin/admin.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import { confirm } from "../../terminal/confirm.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";
import type { Column } from "../../terminal/table.ts";

export interface SeekOptions extends GlobalOptions {
  readonly to: string;
  readonly partition?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const COLUMNS: readonly Column<Moved>[] = [
  { title: "partition", value: ({ partition }) => partition },
  { title: "before", value: ({ before }) => before },
  { title: "after", value: ({ after }) => after },
];

export async function seek(
  context: CommandContext,
  { to, partition, dryRun = false, yes }: SeekOptions,
  group: string,
  stream: string,
): Promise<ExitCode> {
  const { output, by } = context;
  await using session = await openSession(context);
  const request = { group, stream, to, ...(partition !== undefined && { partition }) };
  const planned = await session.admin.seek({ ...request, dryRun: true });
  if (dryRun) {
    await output.rows(planned, COLUMNS, "nothing would move");
    return EXIT.ok;
  }
  const what = `move ${group} on ${stream}: ${planned.map(step).join(", ")}`;
  await confirm(context, { what, yes });
  await output.rows(await session.admin.seek({ ...request, by }), COLUMNS, "nothing moved");
  return EXIT.ok;
}

/** `partition 3 from 120 back to 7`: whether messages come again or are passed over. */
function step({ partition, before, after }: Moved): string {
  if (before === undefined) return `partition ${partition} to ${after}`;
  if (before === after) return `partition ${partition} stays at ${after}`;
  const way = after < before ? `back to ${after}` : `on to ${after}, passing over messages`;
  return `partition ${partition} from ${before} ${way}`;
}
