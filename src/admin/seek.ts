/**
 * Moving readers. A broker's group is moved in the broker, and only while it has no member. A part of
 * a service is moved in its store, which is the truth of its position; the broker's group offset only
 * mirrors it. A part at work is moved by its runtime, which finishes what it has begun.
 */

import type { GroupInfo, StreamInfo } from "../broker/streams.ts";
import { MillraceError } from "../model/errors.ts";
import type { Part } from "../service/part.ts";
import { logOf } from "../service/source/log-position.ts";
import type { Moved, SeekOptions } from "./admin.ts";
import { streamsOf, type AdminContext, type KnownService } from "./context.ts";
import { choosePartitions, locate, type Located } from "./locate.ts";
import { findPart } from "./parts.ts";

export async function seek(context: AdminContext, options: SeekOptions): Promise<readonly Moved[]> {
  const info = await streamsOf(context).describeStream(options.stream);
  choosePartitions(info, options.partition);
  const found = findPart(context, options.group);
  const moved =
    found === undefined
      ? await seekGroup(context, info, options)
      : await seekPart(context, info, options, found);
  if (options.dryRun !== true) {
    const { group, stream, to, by = "unknown" } = options;
    context.environment.log.info({ group, stream, to, moved, by }, "a reader was moved");
  }
  return moved;
}

async function seekGroup(
  context: AdminContext,
  info: StreamInfo,
  { group, stream, partition, to, dryRun }: SeekOptions,
): Promise<readonly Moved[]> {
  const streams = streamsOf(context);
  const committed = committedOf(await streams.describeGroup(group), stream);
  const places = await locate(streams, info, to, { partition, committed });
  if (dryRun !== true) {
    for (const place of places) {
      await streams.seekGroup(group, stream, place.partition, { offset: place.offset });
    }
  }
  return places.map((place) => movedTo(place, committed));
}

function committedOf({ positions }: GroupInfo, stream: string): ReadonlyMap<number, number> {
  return new Map(
    positions.flatMap(({ stream: of, partition, committed }) =>
      of === stream && committed !== undefined ? [[partition, committed] as const] : [],
    ),
  );
}

async function seekPart(
  context: AdminContext,
  info: StreamInfo,
  { group, stream, partition, to, dryRun }: SeekOptions,
  { known, part }: { readonly known: KnownService; readonly part: Part },
): Promise<readonly Moved[]> {
  if (!part.from.some((channel) => channel.kind === "stream" && channel.name === stream)) {
    throw new MillraceError("BAD_ARGUMENT", `${group} does not read the stream ${stream}`, {
      details: { argument: "stream", group, stream },
    });
  }
  const before = new Map<number, number>();
  for (const { partition: number } of info.partitions) {
    const { progress } = await known.store.readProgress(part.consumer, `${stream}/${number}`);
    if (progress !== undefined) before.set(number, progress.position);
  }
  const places = await locate(streamsOf(context), info, to, { partition, committed: before });
  if (dryRun !== true) {
    const running = await atWork(known, part);
    for (const { partition: number, offset } of places) {
      if (running === undefined) {
        const to = { position: offset, log: logOf(info) };
        await known.store.seek(part.consumer, `${stream}/${number}`, to);
      } else {
        await running.seek(part.name, stream, number, offset);
      }
    }
  }
  return places.map((place) => movedTo(place, before));
}

/** The service, if the part is at work in this process. */
async function atWork(
  { running }: KnownService,
  part: Part,
): Promise<KnownService["running"] | undefined> {
  const status = (await running?.status())?.find(({ name }) => name === part.name);
  const idle =
    status?.held !== undefined || ["stopped", "failed"].includes(status?.state ?? "stopped");
  return idle ? undefined : running;
}

function movedTo({ partition, offset }: Located, before: ReadonlyMap<number, number>): Moved {
  const from = before.get(partition);
  return { partition, ...(from !== undefined && { before: from }), after: offset };
}
