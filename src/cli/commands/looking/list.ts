/** `millrace stream|queue|group ls|info` and `millrace lag`. */

import type { LagRow } from "../../../admin/admin.ts";
import type { QueueInfo } from "../../../broker/queues.ts";
import type {
  GroupInfo,
  GroupPosition,
  PartitionInfo,
  StreamInfo,
} from "../../../broker/streams.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";
import type { Column } from "../../terminal/table.ts";

const sum = <Item>(items: readonly Item[], value: (item: Item) => number): number =>
  items.reduce((total, item) => total + value(item), 0);

export const STREAM_COLUMNS: readonly Column<StreamInfo>[] = [
  { title: "stream", value: ({ spec }) => spec.name },
  { title: "partitions", value: ({ spec }) => spec.partitions },
  { title: "messages", value: ({ partitions }) => sum(partitions, (p) => p.end - p.earliest) },
  { title: "bytes", value: ({ partitions }) => sum(partitions, (p) => p.bytes) },
  { title: "durability", value: ({ spec }) => spec.durability?.mode ?? "fsync" },
  {
    title: "stopped",
    value: ({ partitions }) =>
      partitions
        .filter(({ stopped }) => stopped !== undefined)
        .map(({ partition }) => partition)
        .join(",") || undefined,
  },
];

const PARTITION_COLUMNS: readonly Column<PartitionInfo>[] = [
  { title: "partition", value: ({ partition }) => partition },
  { title: "earliest", value: ({ earliest }) => earliest },
  { title: "end", value: ({ end }) => end },
  { title: "bytes", value: ({ bytes }) => bytes },
  { title: "stopped", value: ({ stopped }) => stopped },
];

export const QUEUE_COLUMNS: readonly Column<QueueInfo>[] = [
  { title: "queue", value: ({ spec }) => spec.name },
  { title: "waiting", value: ({ waiting }) => waiting },
  { title: "delayed", value: ({ delayed }) => delayed },
  { title: "leased", value: ({ leased }) => leased },
  { title: "dead letters", value: ({ deadLetters }) => deadLetters },
  {
    title: "oldest",
    value: ({ oldestMs }) =>
      oldestMs === undefined ? undefined : new Date(oldestMs).toISOString(),
  },
];

export const GROUP_COLUMNS: readonly Column<GroupInfo>[] = [
  { title: "group", value: ({ group }) => group },
  {
    title: "streams",
    value: ({ positions }) => [...new Set(positions.map(({ stream }) => stream))].join(","),
  },
  { title: "lag", value: ({ positions }) => sum(positions, ({ lag }) => lag) },
  {
    title: "members",
    value: ({ positions }) =>
      new Set(positions.flatMap(({ member }) => (member === undefined ? [] : [member]))).size,
  },
];

const POSITION_COLUMNS: readonly Column<GroupPosition>[] = [
  { title: "stream", value: ({ stream }) => stream },
  { title: "partition", value: ({ partition }) => partition },
  { title: "committed", value: ({ committed }) => committed },
  { title: "end", value: ({ end }) => end },
  { title: "lag", value: ({ lag }) => lag },
  { title: "member", value: ({ member }) => member },
];

export const LAG_COLUMNS: readonly Column<LagRow>[] = [
  { title: "part", value: ({ service, part }) => `${service}.${part}` },
  { title: "input", value: ({ input }) => input },
  { title: "position", value: ({ position }) => position },
  { title: "end", value: ({ end }) => end },
  { title: "lag", value: ({ lag }) => lag },
  { title: "parked", value: ({ parked }) => parked },
  {
    title: "paused",
    value: ({ paused, unpublished, stalled }) => paused ?? unpublished ?? stalled,
  },
];

export async function listStreams(context: CommandContext): Promise<ExitCode> {
  await using session = await openSession(context);
  await context.output.rows(await session.admin.listStreams(), STREAM_COLUMNS, "no streams");
  return EXIT.ok;
}

export async function describeStream(
  context: CommandContext,
  _options: GlobalOptions,
  stream: string,
): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const info = await session.admin.describeStream(stream);
  if (output.json) await output.line(JSON.stringify(info));
  else {
    await output.line(`stream ${info.spec.name}, incarnation ${info.incarnation}`);
    await output.line(settingsLine({ ...info.spec, name: undefined }));
    await output.rows(info.partitions, PARTITION_COLUMNS, "no partitions");
  }
  return EXIT.ok;
}

export async function listQueues(context: CommandContext): Promise<ExitCode> {
  await using session = await openSession(context);
  await context.output.rows(await session.admin.listQueues(), QUEUE_COLUMNS, "no queues");
  return EXIT.ok;
}

export async function describeQueue(
  context: CommandContext,
  _options: GlobalOptions,
  queue: string,
): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const info = await session.admin.describeQueue(queue);
  if (output.json) await output.line(JSON.stringify(info));
  else {
    await output.line(`queue ${info.spec.name}`);
    await output.line(settingsLine({ ...info.spec, name: undefined }));
    await output.rows([info], QUEUE_COLUMNS, "");
  }
  return EXIT.ok;
}

export async function listGroups(context: CommandContext): Promise<ExitCode> {
  await using session = await openSession(context);
  await context.output.rows(await session.admin.listGroups(), GROUP_COLUMNS, "no groups");
  return EXIT.ok;
}

export async function describeGroup(
  context: CommandContext,
  _options: GlobalOptions,
  group: string,
): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const info = await session.admin.describeGroup(group);
  if (output.json) await output.line(JSON.stringify(info));
  else await output.rows(info.positions, POSITION_COLUMNS, `${group} has no positions`);
  return EXIT.ok;
}

export async function lag(context: CommandContext): Promise<ExitCode> {
  await using session = await openSession(context);
  await context.output.rows(
    await session.admin.lag(),
    LAG_COLUMNS,
    "no services here; call it where millrace.config.ts or a running process is; groups of Kafka's clients are in millrace group ls",
  );
  return EXIT.ok;
}

/** `partitions 6, retention {"ageMs":1}`: the settings that are set. */
function settingsLine(settings: object): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(", ");
}
