/**
 * The life of a transactional id, as functions from a state and a request to the next state or an error
 * code of the protocol. No I/O: the coordinator makes the state durable before it acts on it.
 *
 * Two protocols live side by side. In the first (KIP-98) a producer keeps its epoch from transaction to
 * transaction; in the second (KIP-890, from EndTxn 5 on) the end of each transaction raises the epoch, so
 * that a request of the transaction before, late on the network, cannot fall into the next one. Which one
 * a client speaks is told by the version of its requests.
 *
 * Fencing: a new producer under the same transactional id raises the epoch (or takes a new id where the
 * epochs are used up), and what the old one sends is refused from then on. A transaction that outlives
 * its timeout is aborted under a raised epoch, too.
 */

import { ERROR } from "../error-codes.ts";
import {
  EPOCH_MAX,
  isEnding,
  type TransactionPartition,
  type TransactionState,
} from "./transaction-state.ts";

export interface Producer {
  readonly producerId: number;
  readonly epoch: number;
}

/** A next state to be made durable, or none where nothing changes; or the code of a refusal. */
export type Step =
  | { readonly error: typeof ERROR.NONE; readonly next: TransactionState | undefined }
  | { readonly error: number; readonly next: undefined };

export interface InitRequest {
  readonly timeoutMs: number;
  /** Who the client was until now; undefined where it begins anew. */
  readonly known: Producer | undefined;
  readonly nowMs: number;
  /** An id that nobody has, used where one is needed. */
  readonly freshId: number;
}

const refuse = (error: number): Step => ({ error, next: undefined });
const unchanged: Step = { error: ERROR.NONE, next: undefined };
const goOn = (next: TransactionState): Step => ({ error: ERROR.NONE, next });

/** CONCURRENT_TRANSACTIONS with a next state: the old transaction is aborted first, then ask again. */
export type InitStep = Step | { readonly error: number; readonly next: TransactionState };

/** A producer begins, or begins again, under the transactional id. */
export function init(state: TransactionState | undefined, request: InitRequest): InitStep {
  const { timeoutMs, known, nowMs, freshId } = request;
  if (state === undefined) {
    return goOn({
      status: "empty",
      producerId: freshId,
      epoch: 0,
      last: undefined,
      next: undefined,
      timeoutMs,
      partitions: [],
      groups: [],
      startedMs: -1,
      updatedMs: nowMs,
    });
  }
  if (isEnding(state)) return refuse(ERROR.CONCURRENT_TRANSACTIONS);
  if (known !== undefined && !isSame(known, state)) {
    // The answer to its last change of epoch was lost: it gets the same again.
    const repeats = state.last !== undefined && isSame(known, state.last);
    return repeats && state.status !== "ongoing" ? unchanged : refuse(ERROR.PRODUCER_FENCED);
  }
  if (state.status === "ongoing") {
    return { error: ERROR.CONCURRENT_TRANSACTIONS, next: abortFenced(state, nowMs) };
  }
  return goOn({ ...idle(state, nowMs), ...raised(state, freshId), timeoutMs, status: "empty" });
}

/** Puts partitions and groups into the transaction, and begins it where none is under way. */
export function add(
  state: TransactionState | undefined,
  producer: Producer,
  {
    partitions = [],
    groups = [],
    nowMs,
  }: {
    readonly partitions?: readonly TransactionPartition[];
    readonly groups?: readonly string[];
    readonly nowMs: number;
  },
): Step {
  const error = check(state, producer);
  if (error !== ERROR.NONE || state === undefined) return refuse(error);
  if (isEnding(state)) return refuse(ERROR.CONCURRENT_TRANSACTIONS);
  const begun = state.status === "ongoing";
  const held = begun ? state : idle(state, nowMs);
  const newPartitions = partitions.filter((one) => !includes(held.partitions, one));
  const newGroups = groups.filter((group) => !held.groups.includes(group));
  if (begun && newPartitions.length + newGroups.length === 0) return unchanged;
  return goOn({
    ...held,
    status: "ongoing",
    partitions: [...held.partitions, ...newPartitions],
    groups: [...held.groups, ...newGroups],
    startedMs: begun ? held.startedMs : nowMs,
    updatedMs: nowMs,
  });
}

/** Whether the partition is in the producer's transaction: only then may a batch of it be appended. */
export function covers(
  state: TransactionState | undefined,
  producer: Producer,
  partition: TransactionPartition,
): number {
  const error = check(state, producer);
  if (error !== ERROR.NONE || state === undefined) return error;
  const held = state.status === "ongoing" && includes(state.partitions, partition);
  return held ? ERROR.NONE : ERROR.INVALID_TXN_STATE;
}

export interface EndRequest {
  readonly committed: boolean;
  /** The end raises the epoch (KIP-890). */
  readonly raises: boolean;
  readonly nowMs: number;
  readonly freshId: number;
}

/** Decides how the transaction ends. */
export function end(
  state: TransactionState | undefined,
  producer: Producer,
  { committed, raises, nowMs, freshId }: EndRequest,
): Step {
  if (state === undefined) return refuse(ERROR.INVALID_PRODUCER_ID_MAPPING);
  const repeats = raises && state.last !== undefined && isSame(producer, state.last);
  const error = repeats ? ERROR.NONE : check(state, producer);
  if (error !== ERROR.NONE) return refuse(error);
  const wanted = committed ? "commit" : "abort";
  switch (state.status) {
    case "ongoing":
      if (repeats) return refuse(ERROR.PRODUCER_FENCED);
      return goOn({
        ...state,
        status: `prepare-${wanted}`,
        ...(raises && { epoch: state.epoch + 1, last: producer, next: raised(state, freshId) }),
        updatedMs: nowMs,
      });
    case "prepare-commit":
    case "prepare-abort":
      return refuse(
        state.status === `prepare-${wanted}`
          ? ERROR.CONCURRENT_TRANSACTIONS
          : ERROR.INVALID_TXN_STATE,
      );
    case "complete-commit":
    case "complete-abort":
      if ((repeats || !raises) && state.status === `complete-${wanted}`) return unchanged;
      break;
    case "empty":
      break;
  }
  // Nothing was added. An abort is harmless, and raises the epoch against requests that are still on
  // their way; a commit of nothing is a client that has lost count.
  if (committed || !raises || repeats) return refuse(ERROR.INVALID_TXN_STATE);
  return goOn({
    ...idle(state, nowMs),
    ...raised(state, freshId),
    last: producer,
    status: "complete-abort",
  });
}

/** Aborts what has been open for too long; undefined where nothing has. */
export function expire(state: TransactionState, nowMs: number): TransactionState | undefined {
  const over = state.status === "ongoing" && nowMs - state.startedMs > state.timeoutMs;
  return over ? abortFenced(state, nowMs) : undefined;
}

/** Every partition has its marker. */
export function complete(state: TransactionState, nowMs: number): TransactionState {
  const { next = { producerId: state.producerId, epoch: state.epoch } } = state;
  const status = state.status === "prepare-commit" ? "complete-commit" : "complete-abort";
  return { ...idle(state, nowMs), ...next, status };
}

/** The old producer is fenced: the marker bears an epoch above its own. */
function abortFenced(state: TransactionState, nowMs: number): TransactionState {
  return {
    ...state,
    status: "prepare-abort",
    epoch: state.epoch + 1,
    last: undefined,
    next: undefined,
    updatedMs: nowMs,
  };
}

function idle(state: TransactionState, nowMs: number): TransactionState {
  return { ...state, partitions: [], groups: [], next: undefined, startedMs: -1, updatedMs: nowMs };
}

/** The producer's next epoch, or a new id where its epochs are used up. */
function raised(
  { producerId, epoch }: Producer,
  freshId: number,
): Producer & { readonly last: Producer } {
  const last = { producerId, epoch };
  return epoch < EPOCH_MAX
    ? { producerId, epoch: epoch + 1, last }
    : { producerId: freshId, epoch: 0, last };
}

function check(state: TransactionState | undefined, producer: Producer): number {
  if (state?.producerId !== producer.producerId) return ERROR.INVALID_PRODUCER_ID_MAPPING;
  return state.epoch === producer.epoch ? ERROR.NONE : ERROR.PRODUCER_FENCED;
}

function isSame(one: Producer, other: Producer): boolean {
  return one.producerId === other.producerId && one.epoch === other.epoch;
}

function includes(
  partitions: readonly TransactionPartition[],
  { topic, partition }: TransactionPartition,
): boolean {
  return partitions.some((one) => one.topic === topic && one.partition === partition);
}
