/** The requests of idempotent and transactional producers. */

import type { Draft } from "../../codec/draft.ts";
import type {
  AddPartitionsToTxnTopic,
  AddPartitionsToTxnTopicResult,
} from "../../codec/generated/add-partitions-to-txn.ts";
import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import { coordinatorError } from "../../transactions/error-versions.ts";
import type { ProducerAnswer } from "../../transactions/transaction-coordinator.ts";
import type { Producer } from "../../transactions/transaction-machine.ts";
import { commitError } from "../groups/offset-commit.ts";
import type { Call, Handlers } from "../handler.ts";
import { idRefusal } from "./id-refusal.ts";
import { createTxnOffsetCommit } from "./txn-offset-commit.ts";

type Name =
  | "InitProducerId"
  | "AddPartitionsToTxn"
  | "AddOffsetsToTxn"
  | "EndTxn"
  | "TxnOffsetCommit";

/** From this version on the end of a transaction raises the epoch (KIP-890). */
const RAISING_END = 5;
/** From this version on a request carries the transactions of many producers. */
const MANY = 4;

function newProducer(producerId: number): ProducerAnswer {
  return { error: ERROR.NONE, producerId, epoch: 0 };
}

/** Where the state log takes nothing: the client looks for the coordinator, and asks again. */
function noProducer(error: unknown): ProducerAnswer {
  return { error: commitError(error), producerId: -1, epoch: -1 };
}

export function createTransactionHandlers(broker: KafkaBroker): Required<Pick<Handlers, Name>> {
  const { topics, producerIds, transactions } = broker;

  /** All partitions or none: where one may not be added, the others are not attempted. */
  async function addPartitions(
    { id, producer, verifyOnly }: { id: string; producer: Producer; verifyOnly: boolean },
    asked: readonly AddPartitionsToTxnTopic[],
    call: Call,
  ): Promise<Draft<AddPartitionsToTxnTopicResult>[]> {
    const refusal = idRefusal(id, call);
    const codes = asked.map(({ name, partitions }) =>
      partitions.map((partition) => {
        if (refusal !== ERROR.NONE) return refusal;
        if (!call.may("write", "stream", name)) return ERROR.TOPIC_AUTHORIZATION_FAILED;
        const known = topics.find(name)?.partitions[partition] !== undefined;
        return known ? ERROR.NONE : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
      }),
    );
    const whole = codes.flat().every((code) => code === ERROR.NONE);
    const places = asked.flatMap(({ name: topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    const verdicts = verifyOnly
      ? places.map((place) => transactions.covers(id, producer, place))
      : undefined;
    const added =
      whole && verdicts === undefined
        ? await transactions.add(id, producer, { partitions: places }).catch(commitError)
        : ERROR.OPERATION_NOT_ATTEMPTED;
    const verdict = coordinatorError("AddPartitionsToTxn", call.version, added);
    let at = 0;
    return asked.map(({ name, partitions }, topic) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex, index) => {
        const own = codes[topic]![index]!;
        const told = verdicts?.[at++] ?? verdict;
        return { partitionIndex, partitionErrorCode: own === ERROR.NONE ? told : own };
      }),
    }));
  }

  return {
    async InitProducerId(request, call) {
      const {
        transactionalId,
        transactionTimeoutMs: timeoutMs,
        producerId,
        producerEpoch,
      } = request;
      const known =
        producerId >= 0 && producerEpoch >= 0 ? { producerId, epoch: producerEpoch } : undefined;
      if (transactionalId === null) {
        // Nobody can show that an id is theirs: whoever names one gets another.
        const fresh = producerIds.newId().then(newProducer);
        const { error: errorCode, producerId: freshId, epoch } = await fresh.catch(noProducer);
        return { errorCode, producerId: freshId, producerEpoch: epoch };
      }
      const refusal =
        transactionalId === "" ? ERROR.INVALID_REQUEST : idRefusal(transactionalId, call);
      if (refusal !== ERROR.NONE) {
        return { errorCode: refusal, producerId: -1, producerEpoch: -1 };
      }
      const initialized = transactions.init(transactionalId, { timeoutMs, known });
      const answer = await initialized.catch(noProducer);
      const { error, producerId: id, epoch } = answer;
      const errorCode = coordinatorError("InitProducerId", call.version, error);
      return { errorCode, producerId: id, producerEpoch: epoch };
    },

    async AddPartitionsToTxn(request, call) {
      if (call.version < MANY) {
        const producer = {
          producerId: request.v3AndBelowProducerId,
          epoch: request.v3AndBelowProducerEpoch,
        };
        const id = request.v3AndBelowTransactionalId;
        const results = await addPartitions(
          { id, producer, verifyOnly: false },
          request.v3AndBelowTopics,
          call,
        );
        return { resultsByTopicV3AndBelow: results };
      }
      const results = request.transactions.map(async (one) => {
        const producer = { producerId: one.producerId, epoch: one.producerEpoch };
        const { transactionalId: id, verifyOnly } = one;
        const topicResults = await addPartitions({ id, producer, verifyOnly }, one.topics, call);
        return { transactionalId: id, topicResults };
      });
      return { errorCode: ERROR.NONE, resultsByTransaction: await Promise.all(results) };
    },

    async AddOffsetsToTxn(request, call) {
      const { transactionalId: id, groupId, producerId, producerEpoch: epoch } = request;
      const refusal = idRefusal(id, call);
      if (refusal !== ERROR.NONE) return { errorCode: refusal };
      if (!call.may("read", "group", groupId)) {
        return { errorCode: ERROR.GROUP_AUTHORIZATION_FAILED };
      }
      const added = transactions.add(id, { producerId, epoch }, { groups: [groupId] });
      const error = await added.catch(commitError);
      return { errorCode: coordinatorError("AddOffsetsToTxn", call.version, error) };
    },

    async EndTxn(request, call) {
      const { transactionalId: id, committed, producerId, producerEpoch } = request;
      const refusal = idRefusal(id, call);
      if (refusal !== ERROR.NONE) return { errorCode: refusal };
      const producer = { producerId, epoch: producerEpoch };
      const raises = call.version >= RAISING_END;
      const ended = transactions.end(id, producer, { committed, raises });
      const answer = await ended.catch(noProducer);
      const errorCode = coordinatorError("EndTxn", call.version, answer.error);
      return raises
        ? { errorCode, producerId: answer.producerId, producerEpoch: answer.epoch }
        : { errorCode };
    },

    TxnOffsetCommit: createTxnOffsetCommit(broker),
  };
}
