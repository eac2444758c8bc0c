/**
 * A partition of a stream as an input.
 *
 * The store has the truth of how far it is; what the broker's group knows is a mirror of it for the
 * tools. So taking over begins with the store: the fencing epoch is claimed there before anything is
 * read, and the position is compared with the log that is found, because an offset of another log is
 * another message.
 *
 * The epoch is the assignment's, or one more than the store has seen where that is not higher: a
 * broker that counts from its own start must not lock a service out of its store.
 */

import type { AssignedPartition, StreamRecord } from "../../broker/streams.ts";
import { isFinished, NO_PROGRESS, type Progress } from "../../store/progress.ts";
import type { Arrival } from "../input/arrival.ts";
import { GroupMirror } from "./group-mirror.ts";
import { InputEngine } from "../input/input-engine.ts";
import { Interrupt } from "./interrupt.ts";
import { checkPosition, logOf } from "./log-position.ts";
import { persistently } from "./persistently.ts";
import { admit, rereadRow, type PartRuntime } from "./part-runtime.ts";

const FETCH_COUNT = 1024;

/** Works on the partition until it is revoked. Never rejects for what can happen to it. */
export async function runPartition(
  runtime: PartRuntime,
  assigned: AssignedPartition,
): Promise<void> {
  const input = `${assigned.stream}/${assigned.partition}`;
  const run = (): Promise<boolean> => runOnce(runtime, assigned, input);
  try {
    while (!assigned.revoked.aborted && (await persistently(runtime, assigned.revoked, run)));
  } catch (error) {
    if (!assigned.revoked.aborted) throw error;
  }
}

/** One run, from taking over to letting go. Returns whether another shall follow, after a seek. */
async function runOnce(
  runtime: PartRuntime,
  assigned: AssignedPartition,
  input: string,
): Promise<boolean> {
  const { part, store, environment, changed } = runtime;
  const { log, progress, epoch, lanes } = await takeOver(runtime, assigned, input);
  const mirror = new GroupMirror(assigned, environment);
  const state = { position: progress.position, next: progress.position };
  const engine = new InputEngine({
    ...runtime,
    input: { consumer: part.consumer, input, epoch, log },
    lanes,
    settlement: {
      settled: (_, { position }) => {
        if (position === undefined) return;
        state.position = position;
        mirror.note(position);
      },
    },
    reread: (row) => rereadRow(runtime, row),
  });
  let sought: { readonly offset: number; readonly done: PromiseWithResolvers<void> } | undefined;
  const interrupt = new Interrupt();
  const registered = {
    name: input,
    engine,
    partition: { stream: assigned.stream, number: assigned.partition },
    get position() {
      return state.position;
    },
    seek: (offset: number) => {
      const done = Promise.withResolvers<void>();
      // The run ends once, so the last one asked decides, and answers for those before it.
      if (sought !== undefined) done.promise.then(sought.done.resolve, sought.done.reject);
      sought = { offset, done };
      interrupt.raise();
      return done.promise;
    },
  };
  await engine.start();
  runtime.inputs.set(input, registered);
  changed();
  try {
    await read(runtime, assigned, engine, progress, state, interrupt);
  } catch (error) {
    // The log cannot be read on: seen in the status, and nothing else of the service is stopped by it.
    engine.fail(error);
  }
  if (!interrupt.raised) await interrupt.or(aborted(assigned.revoked));
  await engine.finish(runtime.deadlineMs());
  await mirror.close();
  runtime.inputs.delete(input);
  if (sought !== undefined) {
    const { offset, done } = sought;
    await store
      .seek(part.consumer, input, { position: offset, log })
      .then(done.resolve, done.reject);
  }
  changed();
  return sought !== undefined;
}

async function takeOver(
  { part, store, streams }: PartRuntime,
  { stream, partition, epoch: assignedEpoch }: AssignedPartition,
  input: string,
): Promise<{
  readonly log: string;
  readonly progress: Progress;
  readonly epoch: number;
  readonly lanes: Awaited<ReturnType<typeof store.readProgress>>["lanes"];
}> {
  const info = await streams!.describeStream(stream);
  const log = logOf(info);
  const found = info.partitions[partition]!;
  const before = await store.readProgress(part.consumer, input);
  if (before.progress === undefined) {
    const position = part.start === "latest" ? found.end : found.earliest;
    if (position > 0 || part.start === "latest") {
      await store.seek(part.consumer, input, { position, log });
    }
  } else {
    checkPosition({ part: part.name, input, ...before.progress }, { log, end: found.end });
  }
  const epoch = assignedEpoch > before.epoch ? assignedEpoch : before.epoch + 1;
  const { progress, lanes } = await store.readProgress(part.consumer, input, { epoch });
  return { log, progress: progress ?? NO_PROGRESS, epoch, lanes };
}

async function read(
  runtime: PartRuntime,
  assigned: AssignedPartition,
  engine: InputEngine,
  progress: Progress,
  state: { next: number },
  interrupt: Interrupt,
): Promise<void> {
  const reading = assigned.read({ offset: progress.position }, { batchCount: FETCH_COUNT });
  const batches = reading[Symbol.asyncIterator]();
  try {
    while (!assigned.revoked.aborted && engine.failure === undefined) {
      const batch = await interrupt.or(batches.next());
      if (batch === undefined || batch.done === true) return;
      await take(runtime, engine, progress, state, batch.value);
      await interrupt.or(engine.room());
    }
  } finally {
    // Not awaited: it may wait for the next batch, which only the end of the assignment brings.
    batches.return?.()?.catch(() => undefined);
  }
}

async function take(
  runtime: PartRuntime,
  engine: InputEngine,
  progress: Progress,
  state: { next: number },
  records: readonly StreamRecord[],
): Promise<void> {
  const intake: { arrivals: Arrival[]; ignored: Arrival[] } = { arrivals: [], ignored: [] };
  for (const record of records) {
    const { offset, partition, appendedMs } = record;
    if (offset > state.next) engine.skip({ from: state.next, to: offset });
    state.next = offset + 1;
    if (isFinished(progress, offset)) continue;
    admit(
      runtime,
      {
        raw: record,
        receivedMs: appendedMs,
        fallbackId: `${partition}@${offset}`,
        offset,
        byPlace: true,
      },
      intake,
    );
  }
  const seen = await seenOf(runtime, engine, intake.arrivals);
  engine.ignore(intake.ignored);
  engine.accept(intake.arrivals, (id) => seen.has(id));
}

/** Which strangers among the arrivals were settled before. */
export async function seenOf(
  { store, part, environment }: PartRuntime,
  engine: InputEngine,
  arrivals: readonly Arrival[],
): Promise<ReadonlySet<string>> {
  const ids = arrivals.filter(({ incoming }) => incoming.mark === undefined);
  if (part.pure === true || ids.length === 0) return new Set();
  return persistently({ part, environment }, engine.signal, () =>
    store.seenIds(
      part.consumer,
      engine.input,
      ids.map(({ incoming }) => incoming.id),
    ),
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
