/** `millrace describe`: what runs here and on what, at one look. */

import type { Description, ServiceDescription } from "../../../admin/admin.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext } from "../../context.ts";
import type { Output } from "../../terminal/output.ts";
import { openSession } from "../../session.ts";
import type { Column } from "../../terminal/table.ts";
import { GROUP_COLUMNS, QUEUE_COLUMNS, STREAM_COLUMNS } from "./list.ts";

interface PartRow {
  readonly service: ServiceDescription;
  readonly part: ServiceDescription["parts"][number];
}

const names = (items: readonly string[]): string | undefined => items.join(",") || undefined;

const PART_COLUMNS: readonly Column<PartRow>[] = [
  { title: "part", value: ({ service, part }) => `${service.name}.${part.name}` },
  { title: "kind", value: ({ part }) => part.kind },
  {
    title: "from",
    value: ({ part: { from, readsEventsOf } }) =>
      names([...from.map(({ name }) => name), ...readsEventsOf.map((name) => `events of ${name}`)]),
  },
  { title: "publishes", value: ({ part }) => names(part.publishes) },
  { title: "sends", value: ({ part }) => names(part.sends) },
  { title: "index", value: ({ part }) => names(part.index) },
  {
    title: "state",
    value: ({ service, part }) => {
      const status = service.status.find(({ name }) => name === part.name);
      const stalled = status?.inputs.find((input) => input.stalled !== undefined)?.stalled;
      return stalled === undefined ? (status?.state ?? "not running") : `stalled: ${stalled}`;
    },
  },
];

export const DISK_FULL =
  "the disk has no room, and nothing is appended: free some space, or shorten a stream's retention";

export async function describe(context: CommandContext): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const description = await session.admin.describe();
  if (output.json) await output.line(JSON.stringify(description));
  else await showTables(output, description);
  return EXIT.ok;
}

async function showTables(output: Output, description: Description): Promise<void> {
  const parts = description.services.flatMap((service) =>
    service.parts.map((part) => ({ service, part })),
  );
  await output.rows(parts, PART_COLUMNS, "no services");
  await output.rows(description.streams, STREAM_COLUMNS, "no streams");
  await output.rows(description.queues, QUEUE_COLUMNS, "no queues");
  await output.rows(description.groups, GROUP_COLUMNS, "no groups");
  if (description.disk?.full === true) output.note(DISK_FULL);
}
