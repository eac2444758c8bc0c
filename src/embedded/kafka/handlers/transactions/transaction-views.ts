/** What transactions and producers are doing, for those who look. */

import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import type { ProducerEntry } from "../../../log/producers/producer-entry.ts";
import type { Draft } from "../../codec/draft.ts";
import type { ProducerState } from "../../codec/generated/describe-producers.ts";
import { isEnding, STATUS_NAMES } from "../../transactions/transaction-state.ts";
import { AskedOnce } from "../asked-once.ts";
import type { Handlers } from "../handler.ts";

export function createTransactionViews({
  engine,
  topics,
  transactions,
}: KafkaBroker): Required<
  Pick<Handlers, "DescribeTransactions" | "ListTransactions" | "DescribeProducers">
> {
  return {
    DescribeTransactions({ transactionalIds }, call) {
      return {
        transactionStates: Array.from(new Set(transactionalIds), (transactionalId) => {
          if (!call.may("read", "transaction", transactionalId)) {
            return { transactionalId, errorCode: ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED };
          }
          const state = transactions.states.get(transactionalId);
          if (state === undefined) {
            return { transactionalId, errorCode: ERROR.TRANSACTIONAL_ID_NOT_FOUND };
          }
          const byTopic = Map.groupBy(state.partitions, ({ topic }) => topic);
          return {
            transactionalId,
            transactionState: STATUS_NAMES[state.status],
            transactionTimeoutMs: state.timeoutMs,
            transactionStartTimeMs: state.startedMs,
            producerId: state.producerId,
            producerEpoch: state.epoch,
            topics: Array.from(byTopic, ([topic, partitions]) => ({
              topic,
              partitions: partitions.map(({ partition }) => partition),
            })),
          };
        }),
      };
    },

    ListTransactions(request, call) {
      const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request;
      const names: readonly string[] = Object.values(STATUS_NAMES);
      const pattern = patternOf(transactionalIdPattern);
      if (pattern === undefined) return { errorCode: ERROR.INVALID_REGULAR_EXPRESSION };
      const nowMs = engine.environment.clock.now();
      const found = [...transactions.states].filter(([id, state]) => {
        const open = state.status === "ongoing" || isEnding(state);
        return (
          call.may("read", "transaction", id) &&
          (stateFilters.length === 0 || stateFilters.includes(STATUS_NAMES[state.status])) &&
          (producerIdFilters.length === 0 || producerIdFilters.includes(state.producerId)) &&
          (durationFilter < 0 || (open && nowMs - state.startedMs >= durationFilter)) &&
          pattern(id)
        );
      });
      return {
        errorCode: ERROR.NONE,
        unknownStateFilters: stateFilters.filter((name) => !names.includes(name)),
        transactionStates: found.map(([transactionalId, { producerId, status }]) => ({
          transactionalId,
          producerId,
          transactionState: STATUS_NAMES[status],
        })),
      };
    },

    DescribeProducers(request, call) {
      const once = new AskedOnce();
      return {
        topics: request.topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => {
            if (!call.may("read", "stream", name)) {
              return { partitionIndex, errorCode: ERROR.TOPIC_AUTHORIZATION_FAILED };
            }
            const log = topics.find(name)?.partitions[partitionIndex];
            if (log === undefined) {
              return { partitionIndex, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION };
            }
            if (!once.isFirst(name, partitionIndex)) {
              return { partitionIndex, errorCode: ERROR.INVALID_REQUEST };
            }
            return { partitionIndex, activeProducers: log.knownProducers().map(described) };
          }),
        })),
      };
    },
  };
}

function described({
  id,
  epoch,
  coordinatorEpoch,
  batches,
  lastMs,
  openFrom,
}: ProducerEntry): Draft<ProducerState> {
  return {
    producerId: id,
    producerEpoch: epoch,
    lastSequence: batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: lastMs,
    coordinatorEpoch,
    currentTxnStartOffset: openFrom ?? -1,
  };
}

const LITERAL = /^[^\\^$.*+?()[\]{}|]*$/;

/**
 * Whether an id fits the pattern; undefined for a pattern that is refused. Kafka takes any regular
 * expression; here `.*` alone has a meaning, so that no stranger can make the broker think for minutes.
 */
function patternOf(pattern: string | null): ((id: string) => boolean) | undefined {
  if (pattern === null || pattern === "") return () => true;
  const parts = pattern.split(".*");
  if (!parts.every((part) => LITERAL.test(part))) return undefined;
  const first = parts[0]!;
  const rest = parts.slice(1);
  const last = rest.pop();
  if (last === undefined) return (id) => id === first;
  return (id) => {
    if (!id.startsWith(first)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = id.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return id.length - last.length >= at && id.endsWith(last);
  };
}
