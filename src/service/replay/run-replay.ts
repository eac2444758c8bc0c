/**
 * A replay at work: past messages of a stream given to a consumer's worker again.
 *
 * It is a reader of its own: its progress and inbox stand under a name of their own
 * (`refunds.replay.redo.ID`), so the part's position, its group and all other readers stay where they
 * are, and a replay that was cancelled or killed goes on, under the same id, where its last commit
 * was. What fails is tried as often as the part's policy says, then its key is held as in the live
 * part; but it is reported, not parked: with the end of the replay its rows are gone.
 */

import { assert } from "../../model/assert.ts";
import { MillraceError } from "../../model/errors.ts";
import type { ParkedMessage, Store } from "../../store/store.ts";
import { NO_PROGRESS } from "../../store/progress.ts";
import { HeldWorker } from "../effects/held-worker.ts";
import type { Part } from "../part.ts";
import type { ChangeSignal } from "../running/settling.ts";
import { runLog, type LogBatch, type LogSource } from "../source/log-input.ts";
import { checkPosition, logOf } from "../source/log-position.ts";
import type { PartRuntime } from "../source/part-runtime.ts";
import { batchOf } from "../source/stream-input.ts";
import { recordsOf } from "./plan-replay.ts";
import type { ReplayMode, ReplayRange, ReplayScope } from "./replay-request.ts";

export interface ReplayProgress {
  /** Names the replay: give it again to go on with one that was cancelled or killed. */
  readonly id: string;
  /** Offsets that are done, of those in the ranges. */
  readonly done: number;
  readonly total: number;
  readonly handled: number;
  readonly failed: number;
  /** Messages that would have been sent, in a rebuild. */
  readonly withheld: number;
}

export interface ReplayFailure {
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  readonly key: string;
  readonly code: string;
  readonly message: string;
}

export interface ReplayOutcome extends ReplayProgress {
  /** False where it was cancelled: the same id goes on. */
  readonly complete: boolean;
  /** The first thousand, in the order in which they failed. */
  readonly failures: readonly ReplayFailure[];
  /** Messages that were not handled because one before them, of their key, failed. */
  readonly heldBack: number;
}

export interface ReplayOptions {
  /** Of a replay to go on with; a new one unless said. Letters, digits, dots, hyphens, underscores. */
  readonly id?: string;
  /** Cancels: what is out is finished, and the rest stays for another call. */
  readonly signal?: AbortSignal;
  /** Told after every commit. */
  readonly onProgress?: (progress: ReplayProgress) => void;
}

export interface ReplayGround {
  readonly store: Store;
  readonly changes: ChangeSignal;
  /** A runtime for a part that nobody else runs. */
  readonly runtimeOf: (part: Part, mode: "replay" | "redo") => PartRuntime;
  readonly newId: () => string;
}

const FAILURES_MAX = 1000;

/** Throws CONFLICT while another replay of the part is unfinished, and what reading the stream throws. */
export async function runReplay(
  scope: ReplayScope,
  ground: ReplayGround,
  options: ReplayOptions = {},
): Promise<ReplayOutcome> {
  const { part, mode, ranges } = scope;
  const { id = ground.newId(), signal, onProgress } = options;
  if (!/^[\w.-]{1,100}$/.test(id)) {
    throw new MillraceError("BAD_ARGUMENT", `${JSON.stringify(id)} is no id for a replay`);
  }
  const replay = replayPart(part, mode, id);
  await refuseOthers(part, replay, ground.store);
  const runtime = ground.runtimeOf(replay, mode === "rebuild" ? "replay" : "redo");
  const { counters } = runtime;
  const place = new Map<number, number>();
  const progress = (): ReplayProgress => ({
    id,
    done: ranges.reduce(
      (sum, { partition, from, to }) => sum + Math.min(to, place.get(partition) ?? from) - from,
      0,
    ),
    total: ranges.reduce((sum, { from, to }) => sum + to - from, 0),
    handled: counters.handled,
    failed: counters.failed,
    withheld: counters.withheld,
  });
  const moved = (partition: number, position: number): void => {
    place.set(partition, position);
    onProgress?.(progress());
  };
  for (const range of ranges) {
    if (signal?.aborted) break;
    await replayRange(scope, range, { runtime, changes: ground.changes, signal, moved });
  }
  const rows = await parkedRows(ground.store, replay.consumer);
  const done = progress();
  const complete = done.done >= done.total;
  // What failed and what waits behind it stands in the outcome, and nowhere else.
  if (complete) await ground.store.forgetConsumer(replay.consumer);
  const failed = rows.filter(({ cause }) => cause !== undefined);
  return {
    ...done,
    complete,
    failures: failed.slice(0, FAILURES_MAX).map(failureOf),
    heldBack: rows.length - failed.length,
  };
}

/** Forgets a replay that shall not be gone on with. Harmless where there is none. */
export async function discardReplay(store: Store, part: Part, id: string): Promise<void> {
  for (const mode of ["rebuild", "redo"] as const) {
    await store.forgetConsumer(replayPart(part, mode, id).consumer);
  }
}

function replayPart(part: Part, mode: ReplayMode, id: string): Part {
  return {
    ...part,
    consumer: `${part.consumer}.replay.${mode}.${id}`,
    journal: part.journal ?? part.consumer,
    policy: { ...part.policy, onFailure: "park", retry: "in-place" },
    createWorker: (environment) => {
      const worker = part.createWorker(environment);
      return mode === "rebuild" ? new HeldWorker(worker) : worker;
    },
  };
}

async function refuseOthers(part: Part, replay: Part, store: Store): Promise<void> {
  const prefix = `${part.consumer}.replay.`;
  const other = (await store.listProgress()).find(
    ({ consumer }) => consumer.startsWith(prefix) && consumer !== replay.consumer,
  );
  if (other === undefined) return;
  const [mode, ...id] = other.consumer.slice(prefix.length).split(".");
  throw new MillraceError(
    "CONFLICT",
    `a ${mode} of ${part.name} with the id ${id.join(".")} is unfinished; go on with it under this id, or discard it`,
    { details: { part: part.name, mode: mode ?? "", id: id.join(".") } },
  );
}

async function replayRange(
  { stream }: ReplayScope,
  range: Required<ReplayRange>,
  how: {
    readonly runtime: PartRuntime;
    readonly changes: ChangeSignal;
    readonly signal: AbortSignal | undefined;
    readonly moved: (partition: number, position: number) => void;
  },
): Promise<void> {
  const { runtime, changes, signal, moved } = how;
  const { partition, from, to } = range;
  const input = `${stream}/${partition}`;
  const end = new AbortController();
  const cancel = (): void => end.abort();
  signal?.addEventListener("abort", cancel, { once: true });
  const open = (): LogSource => ({
    input,
    ended: end.signal,
    takeOver: () => takeOver(runtime, stream, range),
    read: (offset) => readRange(runtime, stream, { partition, from: offset, to }),
    bounds: async () => ({ earliest: from, end: to }),
    settled: (position) => moved(partition, position),
  });
  const run = runLog(runtime, end.signal, open);
  const over = run.then(
    () => true,
    () => true,
  );
  try {
    for (;;) {
      const change = changes.next(end.signal);
      change.catch(() => undefined);
      const running = runtime.inputs.get(input);
      if (running?.engine.failure !== undefined) throw running.engine.failure;
      if ((running?.position ?? 0) >= to) break;
      if (await Promise.race([over, change.catch(() => true)])) break;
    }
    const position = runtime.inputs.get(input)?.position;
    if (position !== undefined) moved(partition, position);
  } finally {
    signal?.removeEventListener("abort", cancel);
    end.abort();
    await run;
  }
}

async function* readRange(
  { streams }: PartRuntime,
  stream: string,
  range: Required<ReplayRange>,
): AsyncIterable<LogBatch> {
  for await (const records of recordsOf(streams!, stream, range)) yield batchOf(records);
  // What a broker took for itself at the end of the range is no message, and done.
  yield { records: [], next: range.to };
}

async function takeOver(
  { part, store, streams }: PartRuntime,
  stream: string,
  { partition, from }: Required<ReplayRange>,
): Promise<Awaited<ReturnType<LogSource["takeOver"]>>> {
  const input = `${stream}/${partition}`;
  const info = await streams!.describeStream(stream);
  const log = logOf(info);
  const before = await store.readProgress(part.consumer, input);
  if (before.progress === undefined) {
    await store.seek(part.consumer, input, { position: from, log });
  } else {
    const { end } = info.partitions[partition]!;
    checkPosition({ part: part.name, input, ...before.progress }, { log, end });
  }
  const epoch = before.epoch + 1;
  const { progress, lanes } = await store.readProgress(part.consumer, input, { epoch });
  return { log, progress: progress ?? NO_PROGRESS, epoch, lanes };
}

async function parkedRows(store: Store, consumer: string): Promise<readonly ParkedMessage[]> {
  const rows: ParkedMessage[] = [];
  for (let after = 0; ;) {
    const page = await store.listParked({ consumer, after, limit: 1000 });
    rows.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < 1000) return rows;
    after = last.row;
  }
}

function failureOf({ input, key, incoming, cause }: ParkedMessage): ReplayFailure {
  assert(cause !== undefined, "failures are rows with a cause");
  return {
    partition: Number(input.slice(input.lastIndexOf("/") + 1)),
    offset: incoming.offset ?? -1,
    id: incoming.id,
    key,
    code: cause.code,
    message: cause.message,
  };
}
