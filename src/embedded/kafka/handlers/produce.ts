/**
 * Produce: the batches of each partition are checked and appended before the handler first waits, so the
 * requests of one connection keep their order although several are under way.
 */

import { isMillraceError } from "../../../model/errors.ts";
import { BatchRefused, type RefusalReason } from "../../log/batch-refused.ts";
import { TRANSACTIONAL } from "../../log/format/batch-layout.ts";
import { splitBatches, stampBatch } from "../../log/format/wire-batch.ts";
import { produceError } from "../transactions/error-versions.ts";
import type { TransactionCoordinator } from "../transactions/transaction-coordinator.ts";
import type { Producer } from "../transactions/transaction-machine.ts";
import type { PartitionProduceData, ProduceResponse } from "../codec/generated/produce.ts";
import type { Draft } from "../codec/draft.ts";
import { ERROR } from "../error-codes.ts";
import type { KafkaBroker } from "../kafka-broker.ts";
import { brokenRule, type BrokenRule } from "../topics/batch-rules.ts";
import { rulesOf } from "../topics/topic-rules.ts";
import type { Topic } from "../topics/topics.ts";
import { AppendOrder } from "./append-order.ts";
import type { Call, Handler } from "./handler.ts";

type PartitionAnswer = Draft<ProduceResponse["responses"][number]["partitionResponses"][number]>;

/** From this version on a batch joins its producer's transaction by itself (KIP-890). */
const JOINING_PRODUCE = 12;

/** Whether a transactional batch may be appended, told before it is. */
type Admit = (producer: Producer, partition: number) => ReturnType<TransactionCoordinator["admit"]>;

const ACKS: readonly number[] = [-1, 0, 1];
const NO_TIME = -1;

export function createProduce({ topics, engine, transactions }: KafkaBroker): Handler<"Produce"> {
  const { clock } = engine.environment;
  const order = new AppendOrder();
  return async (request, call) => {
    const { transactionalId } = request;
    const adds = call.version >= JOINING_PRODUCE;
    const admitTo =
      (topic: Topic): Admit =>
      (producer, partition) => {
        if (transactionalId === null) return { error: ERROR.INVALID_RECORD };
        if (!call.may("write", "transaction", transactionalId)) {
          return { error: ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED };
        }
        const place = { topic: topic.name, partition };
        const admitted = transactions.admit(transactionalId, producer, place, { adds });
        return { ...admitted, error: produceError(call.version, admitted.error) };
      };
    const byId = topics.lookupById();
    const pending = request.topicData.map(({ name, topicId, partitionData }) => {
      const topic = call.version >= 13 ? byId(topicId) : topics.find(name);
      const refusal = ACKS.includes(request.acks)
        ? refusalOf(topic, call)
        : ERROR.INVALID_REQUIRED_ACKS;
      const answers = partitionData.map(async (data): Promise<PartitionAnswer> => {
        if (topic === undefined || refusal !== ERROR.NONE) {
          return failed(data.index, refusal);
        }
        const answer = await append(topic, data, {
          nowMs: clock.now(),
          admit: admitTo(topic),
          order,
        });
        // Retention and compaction look at what has grown.
        engine.streams.streams.get(topic.name)?.grew();
        return answer;
      });
      return { name, topicId, answers };
    });
    const responses = await Promise.all(
      pending.map(async ({ name, topicId, answers }) => ({
        name,
        topicId,
        partitionResponses: await Promise.all(answers),
      })),
    );
    return request.acks === 0 ? undefined : { responses };
  };
}

function refusalOf(topic: Topic | undefined, call: Call): number {
  if (topic === undefined) {
    return call.version >= 13 ? ERROR.UNKNOWN_TOPIC_ID : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  }
  return call.may("write", "stream", topic.name) ? ERROR.NONE : ERROR.TOPIC_AUTHORIZATION_FAILED;
}

/**
 * Not an async function's usual order: everything up to the first `await` runs in the caller's turn, and
 * the one `await` before the append keeps its place among those of the partition.
 */
async function append(
  topic: Topic,
  { index, records }: PartitionProduceData,
  {
    nowMs,
    admit,
    order,
  }: { readonly nowMs: number; readonly admit: Admit; readonly order: AppendOrder },
): Promise<PartitionAnswer> {
  const log = topic.partitions[index];
  if (log === undefined) return failed(index, ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  try {
    const rules = rulesOf(topic.spec);
    const [batch, ...more] = splitBatches(records ?? NOTHING, rules.messageBytesMax);
    if (batch === undefined || more.length > 0) {
      const text = `${batch === undefined ? 0 : more.length + 1} batches for a partition; send exactly one`;
      return failed(index, ERROR.INVALID_RECORD, text);
    }
    const looked = brokenRule(batch, rules, nowMs);
    const waits = looked instanceof Promise || order.isKept(log);
    const broken = waits ? await order.after(log, looked) : looked;
    if (broken !== undefined) return { ...refused(index, broken), logStartOffset: log.earliest };
    const { attributes, producerId, producerEpoch: epoch } = batch.header;
    const admitted =
      attributes & TRANSACTIONAL ? admit({ producerId, epoch }, index) : { error: ERROR.NONE };
    if (admitted.error !== ERROR.NONE) return failed(index, admitted.error);
    const stamped = rules.logAppendTime ? stampBatch(batch, nowMs) : batch;
    const { firstOffset, durable } = log.appendBatches([stamped]);
    // Whatever becomes of the transaction, the log reads the request's bytes until `durable` settles.
    if (admitted.durable !== undefined) await Promise.allSettled([durable, admitted.durable]);
    await Promise.all([durable, admitted.durable]);
    return {
      index,
      baseOffset: firstOffset,
      logStartOffset: log.earliest,
      logAppendTimeMs: rules.logAppendTime ? nowMs : NO_TIME,
    };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return failed(index, codeOf(error), text);
  }
}

const NOTHING = Buffer.alloc(0);

function refused(index: number, { rule, text, records }: BrokenRule): PartitionAnswer {
  return {
    ...failed(index, rule === "key" ? ERROR.INVALID_RECORD : ERROR.INVALID_TIMESTAMP, text),
    recordErrors: records.map((record) => ({
      batchIndex: record.index,
      batchIndexErrorMessage: record.text,
    })),
  };
}

function failed(
  index: number,
  errorCode: number,
  errorMessage: string | null = null,
): PartitionAnswer {
  return { index, errorCode, baseOffset: -1, errorMessage };
}

const CODES: Readonly<Record<RefusalReason, number>> = {
  corrupt: ERROR.CORRUPT_MESSAGE,
  invalid: ERROR.INVALID_RECORD,
  "too-large": ERROR.MESSAGE_TOO_LARGE,
  "old-format": ERROR.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  "out-of-order": ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER,
  fenced: ERROR.INVALID_PRODUCER_EPOCH,
  "transaction-state": ERROR.INVALID_TXN_STATE,
};

/** Codes after which a client tries again, where trying again can help. */
function codeOf(error: unknown): number {
  if (error instanceof BatchRefused) return CODES[error.reason];
  if (isMillraceError(error, "OVERLOADED")) return ERROR.REQUEST_TIMED_OUT;
  if (isMillraceError(error, "CLOSED")) return ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  return ERROR.KAFKA_STORAGE_ERROR;
}
