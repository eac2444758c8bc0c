/**
 * An ordered log as an input: a partition of a stream, or the events of the service's own store.
 *
 * The store has the truth of how far it is, as a position and the finished offsets above it. One run
 * goes from taking over to letting go: the source claims the fencing epoch and says where to begin, its
 * batches go through the inbox to the engine, and at the end what is out is finished. A seek ends a
 * run; the next one begins at its offset.
 */

import type { RawMessage } from "../../model/message.ts";
import { isFinished, type LaneProgress, type Progress } from "../../store/progress.ts";
import type { InboxMark } from "../../store/write-set.ts";
import { createArrival, type Arrival } from "../input/arrival.ts";
import { InputEngine } from "../input/input-engine.ts";
import { Interrupt } from "./interrupt.ts";
import { persistently } from "./persistently.ts";
import { admit, rereadRow } from "./admission.ts";
import type { PartRuntime, RunningInput } from "./part-runtime.ts";

export interface LogRecord {
  readonly raw: RawMessage;
  readonly offset: number;
  readonly receivedMs: number;
  /** Stands in for the id of a message whose envelope cannot be read. */
  readonly fallbackId: string;
  /** Where the log itself gives each message its place in a lane; otherwise the envelope's counts. */
  readonly mark?: InboxMark;
  /** Nothing for this part; it stands here so that the position moves on durably. */
  readonly ignored?: boolean;
}

export interface LogBatch {
  readonly records: readonly LogRecord[];
  /** Everything below it was looked at; what is not among the records is no concern of the part. */
  readonly next: number;
}

/** Where a run begins, and as whom it writes. */
export interface TakenOver {
  readonly log: string;
  readonly progress: Progress;
  readonly epoch: number;
  readonly lanes: ReadonlyMap<string, LaneProgress>;
}

export interface LogSource extends Pick<RunningInput, "partition"> {
  /** The input's name. */
  readonly input: string;
  /** Aborts when the log is another's to read, or nobody's. */
  readonly ended: AbortSignal;
  /** Throws POSITION_MISMATCH where what is kept does not fit the log. */
  takeOver(): Promise<TakenOver>;
  /** Without end; the next batch is fetched when it is asked for. */
  read(offset: number): AsyncIterable<LogBatch>;
  /** The offsets that may be asked for: from, and up to and including. */
  bounds(): Promise<{ readonly earliest: number; readonly end: number }>;
  /** Everything below it is finished, durably. */
  settled?(position: number): void;
  /** The run is over, and so are its commits. */
  close?(): Promise<void>;
}

/** Works on the log until its source ends. */
export async function runLog(
  runtime: PartRuntime,
  ended: AbortSignal,
  open: () => LogSource,
): Promise<void> {
  const run = (): Promise<boolean> => runOnce(runtime, open());
  try {
    while (!ended.aborted && (await persistently(runtime, ended, run)));
  } catch (error) {
    if (!ended.aborted) throw error;
  }
}

interface Reached {
  next: number;
  /** Everything below it is with the engine, finished, or no concern of the part. */
  taken: number;
}

/** One run. Returns whether another shall follow, after a seek. */
async function runOnce(runtime: PartRuntime, source: LogSource): Promise<boolean> {
  const { part, store, changed } = runtime;
  const { input } = source;
  const { log, progress, epoch, lanes } = await source.takeOver();
  const { position } = progress;
  const state = { position, next: position, taken: position };
  const engine = new InputEngine({
    ...runtime,
    input: { consumer: part.consumer, input, epoch, log },
    lanes,
    settlement: {
      settled: (_, { position }) => {
        if (position === undefined) return;
        state.position = position;
        source.settled?.(position);
      },
    },
    reread: (row) => rereadRow(runtime, row),
  });
  let sought: { readonly offset: number; readonly done: PromiseWithResolvers<void> } | undefined;
  const interrupt = new Interrupt();
  const registered: RunningInput = {
    name: input,
    engine,
    ...(source.partition && { partition: source.partition }),
    /** What was looked at and is no concern of the part needs no commit to count. */
    get position() {
      return engine.idle ? Math.max(state.position, state.taken) : state.position;
    },
    hasFinished: (offset) => offset < state.taken && !engine.holds(offset),
    bounds: () => source.bounds(),
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
    await read(runtime, source, engine, progress, state, interrupt);
  } catch (error) {
    // The log cannot be read on: seen in the status, and nothing else of the service is stopped by it.
    engine.fail(error);
  }
  if (!interrupt.raised) await interrupt.or(aborted(source.ended));
  await engine.finish(runtime.deadlineMs());
  await source.close?.();
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

async function read(
  runtime: PartRuntime,
  source: LogSource,
  engine: InputEngine,
  progress: Progress,
  state: Reached,
  interrupt: Interrupt,
): Promise<void> {
  const batches = source.read(progress.position)[Symbol.asyncIterator]();
  try {
    while (!source.ended.aborted && engine.failure === undefined) {
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
  state: Reached,
  { records, next }: LogBatch,
): Promise<void> {
  const intake: { arrivals: Arrival[]; ignored: Arrival[] } = { arrivals: [], ignored: [] };
  for (const { raw, offset, receivedMs, fallbackId, mark, ignored = false } of records) {
    if (offset > state.next) engine.skip({ from: state.next, to: offset });
    state.next = offset + 1;
    if (isFinished(progress, offset)) continue;
    if (ignored) {
      const incoming = { id: fallbackId, offset, ...(mark !== undefined && { mark }) };
      intake.ignored.push(createArrival({ raw, incoming, key: "", message: undefined }));
      continue;
    }
    const place = mark === undefined ? { byPlace: true } : { byPlace: false, mark };
    admit(runtime, { raw, receivedMs, fallbackId, offset, ...place }, intake);
  }
  const seen = await seenOf(runtime, engine, intake.arrivals);
  // What is handled first: passing over a message means that all before it in its lane is known.
  engine.accept(intake.arrivals, (id) => seen.has(id));
  engine.ignore(intake.ignored);
  if (next > state.next) {
    engine.skip({ from: state.next, to: next });
    state.next = next;
  }
  state.taken = next;
  runtime.changed();
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
