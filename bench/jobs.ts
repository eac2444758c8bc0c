/** Jobs of a queue: sent one by one and many at once, and worked off by a service. */

import { join } from "node:path";
import { z } from "zod";
import { embedded } from "../src/embedded/embedded.ts";
import {
  command,
  consumer,
  event,
  openApp,
  queue,
  service,
  stream,
  type App,
  type Service,
} from "../src/index.ts";
import { sqlite } from "../src/stores/sqlite/sqlite.ts";
import type { Benchmark } from "./harness.ts";
import { closedLoop, processorTime } from "./load.ts";

const CALLERS = 64;
const AT_ONCE = 1000;
const JOBS = 60_000;

const Resize = command(
  "bench.resize",
  z.object({ image: z.string(), width: z.number().int(), height: z.number().int() }),
);
const jobs = queue("jobs", { Resize });
const job = (sequence: number) =>
  Resize({ image: `images/${sequence}.png`, width: 640, height: 480 });

const Uploaded = event("bench.uploaded", z.object({ image: z.string() }));
const uploads = stream("uploads", { Uploaded });
/** Gives the app that only sends the queue's address; nothing is published for it to handle. */
const front = service("front", {
  upload: consumer("upload", { from: uploads, sends: [jobs] }).handle({
    Uploaded: async ({ image }, { emit }) => emit(Resize({ image, width: 640, height: 480 })),
  }),
});

function open(directory: string, one: Service): Promise<App> {
  return openApp({
    services: [one],
    broker: embedded({ directory: join(directory, "broker") }),
    store: sqlite({ directory: join(directory, "stores") }),
    log: { level: "error" },
  });
}

async function checkWaiting(app: App, expected: number): Promise<void> {
  const { waiting } = await app.admin.describeQueue("jobs");
  if (waiting !== expected) throw new Error(`${waiting} jobs wait, not ${expected}`);
}

/** Each of `callers` sends `atOnce` jobs and waits until all are durable. */
async function add(directory: string, callers: number, atOnce: number): Promise<number> {
  await using app = await open(directory, front);
  let sent = 0;
  const { perSecond } = await closedLoop(callers, () =>
    Promise.all(Array.from({ length: atOnce }, () => app.send(job(sent++)))),
  );
  await checkWaiting(app, sent);
  return perSecond * atOnce;
}

/** From opening the service on a full queue to the last job's acceptance. */
async function process(directory: string): Promise<readonly number[]> {
  await using sender = new AsyncDisposableStack();
  const filling = sender.use(await open(directory, front));
  for (let sent = 0; sent < JOBS; sent += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => filling.send(job(sent + at))));
  }
  await sender.disposeAsync();
  let done = 0;
  const resizer = consumer("resizer", { from: jobs }).handle({
    Resize: async () => {
      done++;
    },
  });
  const processor = processorTime();
  const startedMs = performance.now();
  await using app = await open(directory, service("images", { resizer }));
  await app.settled();
  const seconds = (performance.now() - startedMs) / 1000;
  const processorMicroseconds = processor();
  if (done !== JOBS) throw new Error(`${done} jobs were handled, not ${JOBS}`);
  await checkWaiting(app, 0);
  return [JOBS / seconds, processorMicroseconds / JOBS];
}

const goal = { atLeast: 50_000 };

export const benchmark: Benchmark = {
  name: "jobs",
  cases: [
    {
      figures: [
        { name: `jobs added, ${CALLERS} callers, one each`, unit: "jobs/s", goal, synced: true },
      ],
      run: async (directory) => [await add(directory, CALLERS, 1)],
    },
    {
      figures: [{ name: `jobs added, ${AT_ONCE} at once`, unit: "jobs/s", goal, synced: true }],
      run: async (directory) => [await add(directory, 1, AT_ONCE)],
    },
    {
      figures: [
        { name: `jobs processed, backlog of ${JOBS}`, unit: "jobs/s", goal, synced: true },
        { name: "the same, processor time", unit: "µs/job" },
      ],
      run: process,
    },
  ],
};
