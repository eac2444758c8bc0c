/**
 * Fetch: whole batches as they stand in the log, and a wait where there are not enough yet.
 *
 * Fetch sessions are declined (session id 0), so every request names all its partitions. The order in
 * which a request names them is the order in which the limit of bytes is spent; the first partition
 * that has anything returns at least one batch, however large (KIP-74), so nobody is stuck.
 *
 * Each look finds the topics anew: one that is deleted while the request waits ends the wait.
 */

import { delay } from "../../../model/clock.ts";
import { isMillraceError } from "../../../model/errors.ts";
import type { BatchLog, LogEnd } from "../../log/batch-log.ts";
import type { BatchRun } from "../../log/segment/batch-run.ts";
import type { Draft } from "../codec/draft.ts";
import type { FetchPartition, FetchRequest, FetchResponse } from "../codec/generated/fetch.ts";
import { ERROR } from "../error-codes.ts";
import { LEADER_EPOCH, READ_COMMITTED, type KafkaBroker } from "../kafka-broker.ts";
import type { Topic } from "../topics/topics.ts";
import type { Call, Handler } from "./handler.ts";

/** From this version on topics are named by their ids. */
const BY_ID = 13;

type PartitionAnswer = Draft<FetchResponse["responses"][number]["partitions"][number]>;

export function createFetch(broker: KafkaBroker): Handler<"Fetch"> {
  const { topics, settings, engine } = broker;
  const { clock } = engine.environment;
  return async (request, call) => {
    if (request.sessionId !== 0) return { errorCode: ERROR.FETCH_SESSION_ID_NOT_FOUND };
    const byId = topics.lookupById();
    const find = (name: string, topicId: string): Topic | undefined =>
      call.version >= BY_ID ? byId(topicId) : topics.find(name);
    const bytesMax = Math.min(request.maxBytes, settings.fetchBytesMax);
    const endsAtMs = clock.monotonic() + request.maxWaitMs;
    const look = async (round: Round): Promise<Draft<FetchResponse["responses"]>> => {
      const responses: Draft<FetchResponse["responses"]>[number][] = [];
      for (const { topic: name, topicId, partitions } of request.topics) {
        const answers: PartitionAnswer[] = [];
        const topic = find(name, topicId);
        const refusal = refusalOf(topic, call);
        for (const asked of partitions) {
          if (topic === undefined || refusal !== ERROR.NONE) {
            answers.push(round.fail(asked, refusal));
            continue;
          }
          const answer = await round.read(topic, asked);
          // Whatever went wrong in a topic that is gone by now, that is why.
          const gone = answer.errorCode !== ERROR.NONE && find(name, topicId)?.id !== topic.id;
          answers.push(gone ? round.fail(asked, refusalOf(undefined, call)) : answer);
        }
        responses.push({ topic: name, topicId, partitions: answers });
      }
      return responses;
    };
    /** What is to be answered, or the round after which there is to be a wait. */
    const next = async (): Promise<Draft<FetchResponse> | Round> => {
      const round = new Round(request, call, { bytesMax, turn: () => delay(clock, 0) });
      const responses = await look(round);
      const late = clock.monotonic() >= endsAtMs || call.gone.aborted;
      const enough = round.failed || late || round.bytes >= request.minBytes;
      return enough ? { sessionId: 0, responses } : round;
    };
    for (;;) {
      // What was read for an answer that is not given yet must not be in reach while this waits.
      const outcome = await next();
      if (!(outcome instanceof Round)) return outcome;
      call.claim(0);
      const waitMs = endsAtMs - clock.monotonic();
      await outcome.more(call.gone, (callback) => clock.after(waitMs, callback));
    }
  };
}

function refusalOf(topic: Topic | undefined, call: Call): number {
  if (topic === undefined) {
    return call.version >= BY_ID ? ERROR.UNKNOWN_TOPIC_ID : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  }
  return call.may("read", "stream", topic.name) ? ERROR.NONE : ERROR.TOPIC_AUTHORIZATION_FAILED;
}

/** One look at all the partitions of a request. */
class Round {
  bytes = 0;
  failed = false;
  readonly #call: Call;
  readonly #turn: () => Promise<void>;
  #bytesMax: number;
  readonly #committed: boolean;
  readonly #endName: LogEnd;
  /** Where each partition ended when it was looked at: only what comes behind that is news. */
  readonly #ends = new Map<BatchLog, number>();
  readonly #asked = new Set<BatchLog>();

  constructor(
    { isolationLevel }: FetchRequest,
    call: Call,
    { bytesMax, turn }: { readonly bytesMax: number; readonly turn: () => Promise<void> },
  ) {
    this.#call = call;
    this.#turn = turn;
    this.#bytesMax = call.claim(bytesMax);
    this.#committed = isolationLevel === READ_COMMITTED;
    this.#endName = this.#committed ? "stableEnd" : "end";
  }

  fail({ partition }: FetchPartition, errorCode: number): PartitionAnswer {
    this.failed = true;
    return { partitionIndex: partition, errorCode, highWatermark: -1, records: [] };
  }

  async read(topic: Topic, asked: FetchPartition): Promise<PartitionAnswer> {
    const { partition, fetchOffset, currentLeaderEpoch, partitionMaxBytes } = asked;
    const log = topic.partitions[partition];
    if (log === undefined) return this.fail(asked, ERROR.UNKNOWN_TOPIC_OR_PARTITION);
    // Looked at once, so that a request costs no more than the partitions that there are.
    if (this.#asked.has(log)) return this.fail(asked, ERROR.INVALID_REQUEST);
    this.#asked.add(log);
    if (currentLeaderEpoch > LEADER_EPOCH) return this.fail(asked, ERROR.UNKNOWN_LEADER_EPOCH);
    const end = log[this.#endName];
    const answer = {
      partitionIndex: partition,
      errorCode: ERROR.NONE,
      highWatermark: log.end,
      lastStableOffset: log.stableEnd,
      logStartOffset: log.earliest,
      abortedTransactions: this.#committed ? [] : null,
    };
    // A follower's epoch of its last record: an unknown one has no end to go back to (KIP-595).
    if (asked.lastFetchedEpoch > LEADER_EPOCH) return this.fail(asked, ERROR.OFFSET_OUT_OF_RANGE);
    if (asked.lastFetchedEpoch === LEADER_EPOCH && fetchOffset > log.end) {
      this.failed = true;
      const divergingEpoch = { epoch: LEADER_EPOCH, endOffset: log.end };
      return { ...answer, divergingEpoch, records: [] };
    }
    const left = Math.min(partitionMaxBytes, this.#bytesMax - this.bytes);
    if (left <= 0 && this.bytes > 0) return { ...answer, records: [] };
    // Before the read: a segment that is removed meanwhile takes along what was aborted in it.
    const known = this.#committed ? log.abortedNow() : undefined;
    try {
      const run = await this.#run(log, fetchOffset, { left, endOffset: end });
      this.bytes += run.bytes;
      this.#ends.set(log, end);
      const aborted = known?.overlapping(fetchOffset, run.nextOffset);
      const abortedTransactions =
        aborted?.map(({ producerId, firstOffset }) => ({ producerId, firstOffset })) ?? null;
      return { ...answer, abortedTransactions, records: run.chunks };
    } catch (error) {
      this.failed = true;
      const errorCode = isMillraceError(error, "OFFSET_OUT_OF_RANGE")
        ? ERROR.OFFSET_OUT_OF_RANGE
        : ERROR.KAFKA_STORAGE_ERROR;
      return { ...answer, errorCode, records: [] };
    }
  }

  /** The first batch of an answer comes however large; then there must be memory for all of it. */
  async #run(
    log: BatchLog,
    offset: number,
    { left, endOffset }: { readonly left: number; readonly endOffset: number },
  ): Promise<BatchRun> {
    const bytesMax = Math.max(left, 1);
    const firstBytesMax = this.bytes > 0 ? left : this.#bytesMax;
    const reads = { endOffset, take: this.#call.take, turn: this.#turn };
    const run = await log.readBatches(offset, { bytesMax, firstBytesMax, ...reads });
    const { neededBytes } = run;
    if (neededBytes === 0 || this.bytes > 0) return run;
    if (!(await this.#call.claimWhole(neededBytes))) return run;
    this.#bytesMax = neededBytes;
    return log.readBatches(offset, { bytesMax: neededBytes, ...reads });
  }

  /** Resolves when a partition has grown, the time is over or the client has gone. */
  async more(
    gone: AbortSignal,
    after: (callback: () => void) => { cancel(): void },
  ): Promise<void> {
    const over = new AbortController();
    const timer = after(() => over.abort());
    const signal = AbortSignal.any([gone, over.signal]);
    const grown = [...this.#ends].map(([log, end]) => log.waitFor(end, signal, this.#endName));
    const ended = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    // A log that closes, or the end of the wait, rejects: the next look tells which.
    await Promise.race([ended, ...grown.map((wait) => wait.catch(() => undefined))]);
    timer.cancel();
    over.abort();
  }
}
