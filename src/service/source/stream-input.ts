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
import { delay } from "../../model/clock.ts";
import { isFinished, NO_PROGRESS, type Progress } from "../../store/progress.ts";
import { isStoreOutage, backoffMs } from "../failure.ts";
import type { Arrival } from "../input/arrival.ts";
import { GroupMirror } from "./group-mirror.ts";
import { InputEngine } from "../input/input-engine.ts";
import { checkPosition, logOf } from "./log-position.ts";
import { admit, rereadRow, type PartRuntime } from "./part-runtime.ts";

const FETCH_COUNT = 1024;

/** Works on the partition until it is revoked. Never rejects for what can happen to it. */
export async function runPartition(
  runtime: PartRuntime,
  assigned: AssignedPartition,
): Promise<void> {
  const input = `${assigned.stream}/${assigned.partition}`;
  for (let failures = 1; !assigned.revoked.aborted;) {
    try {
      const again = await runOnce(runtime, assigned, input);
      if (!again) return;
    } catch (error) {
      if (!isStoreOutage(error)) throw error;
      runtime.environment.log.warn(
        { part: runtime.part.name, input, error: error.message },
        "an input could not be taken over",
      );
      const waitMs = backoffMs(failures++, runtime.part.policy, runtime.environment.random);
      await delay(runtime.environment.clock, waitMs, assigned.revoked).catch(() => undefined);
    }
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
  let sought: { readonly offset: number; readonly done: () => void } | undefined;
  const interrupt = Promise.withResolvers<undefined>();
  const registered = {
    name: input,
    engine,
    partition: { stream: assigned.stream, number: assigned.partition },
    get position() {
      return state.position;
    },
    seek: (offset: number) =>
      new Promise<void>((done) => {
        sought = { offset, done };
        interrupt.resolve(undefined);
      }),
  };
  runtime.inputs.set(input, registered);
  changed();
  void engine.refreshParked();
  try {
    await read(runtime, assigned, engine, progress, state, interrupt.promise);
  } catch (error) {
    // The log cannot be read on: seen in the status, and nothing else of the service is stopped by it.
    engine.fail(error);
  }
  if (!assigned.revoked.aborted && sought === undefined)
    await untilEither(assigned, interrupt.promise);
  await engine.finish(runtime.deadlineMs());
  await mirror.close();
  runtime.inputs.delete(input);
  if (sought !== undefined) {
    await store.seek(part.consumer, input, { position: sought.offset, log });
    sought.done();
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
  interrupted: Promise<undefined>,
): Promise<void> {
  const reading = assigned.read({ offset: progress.position }, { batchCount: FETCH_COUNT });
  const batches = reading[Symbol.asyncIterator]();
  try {
    while (!assigned.revoked.aborted && engine.failure === undefined) {
      const batch = await Promise.race([batches.next(), interrupted]);
      if (batch === undefined || batch.done === true) return;
      await take(runtime, engine, progress, state, batch.value);
      await Promise.race([engine.room(), interrupted]);
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
        rest: { offset },
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
  for (let failures = 1; ; failures++) {
    try {
      return await store.seenIds(
        part.consumer,
        engine.input,
        ids.map(({ incoming }) => incoming.id),
      );
    } catch (error) {
      if (!isStoreOutage(error) || engine.signal.aborted) throw error;
      const waitMs = backoffMs(failures, part.policy, environment.random);
      await delay(environment.clock, waitMs, engine.signal);
    }
  }
}

function untilEither({ revoked }: AssignedPartition, interrupted: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    if (revoked.aborted) resolve();
    revoked.addEventListener("abort", () => resolve(), { once: true });
    void interrupted.then(() => resolve());
  });
}
