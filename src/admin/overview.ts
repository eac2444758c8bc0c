/** What runs here and how far it is: `describe` and `lag`. */

import type { Part } from "../service/part.ts";
import type { Description, LagRow, ServiceDescription } from "./admin.ts";
import { outboxStatus } from "../service/outbox/outbox-status.ts";
import { pauseText } from "../service/pause/pauses.ts";
import { compareNames, knownServices, type AdminContext, type KnownService } from "./context.ts";
import { pausesOf } from "./services/pauses.ts";
import { diskUse } from "./services/upkeep.ts";

export async function describe(context: AdminContext): Promise<Description> {
  const { streams, queues } = context;
  const [services, streamInfos, groups, queueInfos] = await Promise.all([
    Promise.all(knownServices(context).map(describeService)),
    streams?.listStreams() ?? [],
    streams?.listGroups() ?? [],
    queues?.listQueues() ?? [],
  ]);
  const disk = context.upkeep === undefined ? undefined : await diskUse(context);
  return {
    ...(disk !== undefined && { disk }),
    services,
    streams: streamInfos,
    queues: queueInfos,
    groups,
    lateReplies: context.lateReplies(),
  };
}

async function describeService({
  service,
  store,
  running,
}: KnownService): Promise<ServiceDescription> {
  return {
    name: service.name,
    parts: service.parts.map((part) => ({
      name: part.name,
      kind: part.partKind,
      from: part.from.map(({ kind, name, types }) => ({
        kind,
        name,
        types: Object.values(types).map((type) => type.type),
      })),
      readsEventsOf: deciders(service.parts, part),
      publishes: part.publishes.map(({ name }) => name),
      sends: part.sends.map(({ name }) => name),
      index: part.collections.find(({ name }) => name === part.viewCollection)?.index ?? [],
    })),
    status: (await running?.status()) ?? [],
    outbox: await (running?.outbox() ?? outboxStatus(store)),
    droppedReplies: running?.droppedReplies ?? 0,
  };
}

function deciders(parts: readonly Part[], { fromStore = [] }: Part): readonly string[] {
  const read = new Set(fromStore.map(({ type }) => type));
  return parts
    .filter(({ appends = [] }) => appends.some(({ type }) => read.has(type)))
    .map(({ name }) => name);
}

/** A row for each input of each part, by service, part and input. */
export async function lag(context: AdminContext): Promise<readonly LagRow[]> {
  const rows = await Promise.all(
    knownServices(context).map((known) =>
      known.running === undefined
        ? idleLag(context, known)
        : runningLag(context, known, known.running),
    ),
  );
  return rows
    .flat()
    .toSorted(
      (a, b) =>
        compareNames(a.service, b.service) ||
        compareNames(a.part, b.part) ||
        a.input.localeCompare(b.input, "en", { numeric: true }),
    );
}

async function runningLag(
  context: AdminContext,
  known: KnownService,
  running: NonNullable<KnownService["running"]>,
): Promise<readonly LagRow[]> {
  const rows: LagRow[] = [];
  for (const { name, inputs, held } of await running.status()) {
    const part = known.service.parts.find((one) => one.name === name);
    if (held !== undefined && part !== undefined) {
      rows.push(...(await idlePartLag(context, known, part, held)));
      continue;
    }
    for (const input of inputs) {
      const behind = input.lag ?? (await waitingIn(context, input.input));
      rows.push({ service: running.service.name, part: name, ...input, lag: behind });
    }
  }
  return rows;
}

async function idleLag(context: AdminContext, known: KnownService): Promise<readonly LagRow[]> {
  const pauses = await pausesOf(known);
  const rows = await Promise.all(
    known.service.parts.map((part) => {
      const pause = pauses.get(part.name);
      return idlePartLag(context, known, part, pause && pauseText(pause));
    }),
  );
  return rows.flat();
}

async function idlePartLag(
  { streams, queues }: AdminContext,
  { service, store }: KnownService,
  part: Part,
  paused: string | undefined,
): Promise<readonly LagRow[]> {
  const rows: LagRow[] = [];
  const row = async (
    input: string,
    rest: Omit<LagRow, "service" | "part" | "input" | "parked">,
  ): Promise<void> => {
    const keys = await store.parkedKeys(part.consumer, input);
    const parked = keys.values().reduce((sum, count) => sum + count, 0);
    const why = paused === undefined ? {} : { paused };
    rows.push({ service: service.name, part: part.name, input, parked, ...rest, ...why });
  };
  for (const { kind, name } of part.from) {
    if (kind === "queue") {
      const info = await queues?.describeQueue(name);
      await row(name, { lag: info === undefined ? 0 : waitingOf(info) });
      continue;
    }
    for (const { partition, earliest, end } of (await streams?.describeStream(name))?.partitions ??
      []) {
      const input = `${name}/${partition}`;
      const { progress } = await store.readProgress(part.consumer, input);
      const position = progress?.position;
      const behind = end - Math.max(earliest, position ?? earliest);
      await row(input, {
        ...(position !== undefined && { position }),
        end,
        lag: Math.max(0, behind),
      });
    }
  }
  return rows;
}

async function waitingIn({ queues }: AdminContext, input: string): Promise<number> {
  if (queues === undefined || input.includes("/")) return 0;
  return waitingOf(await queues.describeQueue(input));
}

function waitingOf(info: {
  readonly waiting: number;
  readonly delayed: number;
  readonly leased: number;
}): number {
  return info.waiting + info.delayed + info.leased;
}
