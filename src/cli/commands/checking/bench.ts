/**
 * `millrace bench`: what this machine and the disk under the data directory can do, in seconds. It is
 * for comparing machines and disks; `docs/performance.md` has the figures that are measured with care.
 */

import { existsSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { embedded } from "../../../embedded/embedded.ts";
import { openApp, type App } from "../../../host/app.ts";
import { SILENT_LOG } from "../../../host/logger.ts";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import { queue, stream } from "../../../schema/channel.ts";
import { command, event } from "../../../schema/message-type.ts";
import { service } from "../../../service/service.ts";
import { decider } from "../../../sourcing/decider.ts";
import { sqlite } from "../../../stores/sqlite/sqlite.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { loadProject } from "../../project.ts";
import type { Column } from "../../terminal/table.ts";

export interface BenchOptions extends GlobalOptions {
  /** For each row. */
  readonly seconds: number;
}

interface Row {
  readonly what: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "what", value: ({ what }) => what },
  { title: "a second", value: ({ perSecond }) => Math.round(perSecond) },
  { title: "p50 ms", value: ({ p50Ms }) => Number(p50Ms.toFixed(2)) },
  { title: "p99 ms", value: ({ p99Ms }) => Number(p99Ms.toFixed(2)) },
];

const SYNC_BYTES = 4_096;
const APPENDERS = 1_024;
const CALLERS = 64;
const ENTITIES = 512;
const PAYLOAD = "x".repeat(1_000);

interface Payload {
  readonly entity: string;
  readonly text: string;
}

/** What Standard Schema asks of one. */
interface TakesAll {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => { readonly value: Payload };
    readonly types?: { readonly input: Payload; readonly output: Payload };
  };
}

/** A schema that takes all: what is measured is the way, not the check. */
const anything: TakesAll = {
  "~standard": { version: 1, vendor: "millrace", validate: (value: any) => ({ value }) },
};
const key = ({ entity }: Payload): string => entity;
const Happened = event("bench.happened", anything, { key });
const Do = command("bench.do", anything, { key });
const happenings = stream("bench-happenings", { Happened }, { partitions: 4 });
const desk = queue("bench-desk", { Do });
const counter = decider("bench-counter", {
  commands: desk,
  events: { Happened },
  publishes: happenings,
  initial: 0,
})
  .evolve({ Happened: (count) => count + 1 })
  .decide({ Do: (given) => Happened(given) });
const benchmark = service("bench", { counter });

export async function bench(
  context: CommandContext,
  { seconds, ...options }: BenchOptions,
): Promise<ExitCode> {
  const { output, environment } = context;
  if (seconds < 1 || seconds > 600) {
    throw new MillraceError("BAD_ARGUMENT", `--seconds ${seconds} is not from 1 to 600`);
  }
  const { data } = await loadProject(context.folder, options);
  const place = await mkdtemp(join(existsSync(data) ? data : dirname(data), ".millrace-bench-"));
  try {
    const rows = [await measureSyncs(context, place, seconds)];
    await using app = await openApp({
      services: [benchmark],
      broker: embedded({ directory: join(place, "broker") }),
      store: sqlite({ directory: join(place, "stores") }),
      environment: { ...environment, log: SILENT_LOG },
    });
    for (const callers of [1, APPENDERS])
      rows.push(await measureAppends(context, app, callers, seconds));
    for (const callers of [1, CALLERS])
      rows.push(await measureCommands(context, app, callers, seconds));
    await output.rows(rows, COLUMNS, "nothing was measured");
    return EXIT.ok;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function measureSyncs(context: CommandContext, place: string, seconds: number): Promise<Row> {
  const file = await open(join(place, "sync"), "wx");
  try {
    const block = Buffer.alloc(SYNC_BYTES, 1);
    return await measure(
      context,
      "write and sync 4 KiB, one by one",
      { callers: 1, seconds },
      async () => {
        await file.write(block, 0, SYNC_BYTES, 0);
        await file.datasync();
      },
    );
  } finally {
    await file.close();
  }
}

function measureAppends(
  context: CommandContext,
  app: App,
  callers: number,
  seconds: number,
): Promise<Row> {
  const what = `append 1 kB, synced, ${callers} at a time`;
  return measure(context, what, { callers, seconds }, async (count) => {
    await app.publish(Happened({ entity: `e${count % ENTITIES}`, text: PAYLOAD }));
  });
}

function measureCommands(
  context: CommandContext,
  app: App,
  callers: number,
  seconds: number,
): Promise<Row> {
  const what = `command through a decider, synced, ${callers} at a time`;
  return measure(context, what, { callers, seconds }, async (count) => {
    await app.ask(Do({ entity: `e${count % ENTITIES}`, text: "x" }));
  });
}

interface Load {
  readonly callers: number;
  readonly seconds: number;
}

/** Warms up for a fifth of the time first; Ctrl-C ends it. */
async function measure(
  { environment: { clock }, signal, output }: CommandContext,
  what: string,
  { callers, seconds }: Load,
  act: (count: number) => Promise<void>,
): Promise<Row> {
  output.progress(what);
  let count = 0;
  const during = async (ms: number): Promise<number[]> => {
    const took: number[] = [];
    const endMs = clock.monotonic() + ms;
    const call = async (): Promise<void> => {
      for (let now = clock.monotonic(); now < endMs && !signal.aborted;) {
        await act(count++);
        const done = clock.monotonic();
        took.push(done - now);
        now = done;
      }
    };
    await Promise.all(Array.from({ length: callers }, call));
    signal.throwIfAborted();
    return took;
  };
  await during(seconds * 200);
  const startedMs = clock.monotonic();
  const took = (await during(seconds * 1_000)).toSorted((a, b) => a - b);
  const elapsedMs = clock.monotonic() - startedMs;
  output.progress("");
  const at = (share: number): number => took[Math.floor((took.length - 1) * share)] ?? 0;
  return { what, perSecond: (took.length / elapsedMs) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99) };
}
