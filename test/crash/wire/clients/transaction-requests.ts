/**
 * The requests of a transactional producer, each answered with an error code. Two protocols:
 *
 *                          first (KIP-98)              second (KIP-890)
 *     partitions           AddPartitionsToTxn          implied by Produce 12
 *     offsets              AddOffsetsToTxn, then       TxnOffsetCommit 5
 *                          TxnOffsetCommit 3
 *     end                  EndTxn 4: the epoch stays   EndTxn 5: the epoch rises
 */

import { ERROR } from "../../../../src/embedded/kafka/error-codes.ts";
import type { Client } from "../../../hostile/client.ts";
import type { ProducerIdentity } from "../batches.ts";
import { PRODUCE_BY_NAME } from "./idempotent-producer.ts";

export type Protocol = "first" | "second";

const VERSIONS = {
  first: { produce: PRODUCE_BY_NAME, offsets: 3, end: 4 },
  second: { produce: 12, offsets: 5, end: 5 },
} as const;

export interface Asker {
  readonly client: Client;
  /** Of the transactions. */
  readonly id: string;
  readonly producer: ProducerIdentity;
  readonly protocol: Protocol;
}

export type Identified = ProducerIdentity & { readonly errorCode: number };

/** Decides what the former producer of this id had under way. */
export async function initialize(
  client: Client,
  { id: transactionalId, timeoutMs }: { readonly id: string; readonly timeoutMs: number },
): Promise<Identified> {
  const body = { transactionalId, transactionTimeoutMs: timeoutMs };
  const { errorCode, producerId, producerEpoch } = await client.ask("InitProducerId", body);
  return { errorCode, producerId, epoch: producerEpoch };
}

export async function addPartitions(
  { client, id, producer }: Asker,
  topic: string,
  partitions: readonly number[],
): Promise<number> {
  const body = {
    v3AndBelowTransactionalId: id,
    v3AndBelowProducerId: producer.producerId,
    v3AndBelowProducerEpoch: producer.epoch,
    v3AndBelowTopics: [{ name: topic, partitions }],
  };
  const answer = await client.ask("AddPartitionsToTxn", body, 3);
  return firstError(
    answer.resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
      resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
    ),
  );
}

export async function produceInTransaction(
  { client, id, protocol }: Asker,
  topic: string,
  { partition, bytes }: { readonly partition: number; readonly bytes: Buffer },
): Promise<{ readonly errorCode: number; readonly baseOffset: number }> {
  const partitionData = [{ index: partition, records: bytes }];
  const body = {
    transactionalId: id,
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData }],
  };
  const { responses } = await client.ask("Produce", body, VERSIONS[protocol].produce);
  return responses[0]!.partitionResponses[0]!;
}

export async function addOffsets(
  { client, id, producer: { producerId, epoch } }: Asker,
  groupId: string,
): Promise<number> {
  const body = { transactionalId: id, producerId, producerEpoch: epoch, groupId };
  return (await client.ask("AddOffsetsToTxn", body, 3)).errorCode;
}

export async function commitOffset(
  { client, id, producer: { producerId, epoch }, protocol }: Asker,
  groupId: string,
  { topic, partition, offset }: { topic: string; partition: number; offset: number },
): Promise<number> {
  const at = { partitionIndex: partition, committedOffset: offset, committedMetadata: "" };
  const body = {
    transactionalId: id,
    groupId,
    producerId,
    producerEpoch: epoch,
    memberId: "",
    topics: [{ name: topic, partitions: [at] }],
  };
  const { topics } = await client.ask("TxnOffsetCommit", body, VERSIONS[protocol].offsets);
  return firstError(topics.flatMap((each) => each.partitions.map(({ errorCode }) => errorCode)));
}

/** With the identity that the producer has afterwards. */
export async function endTransaction(
  { client, id, producer, protocol }: Asker,
  committed: boolean,
): Promise<Identified> {
  const { producerId, epoch } = producer;
  const body = { transactionalId: id, producerId, producerEpoch: epoch, committed };
  const answer = await client.ask("EndTxn", body, VERSIONS[protocol].end);
  const { errorCode } = answer;
  if (protocol === "first") return { errorCode, ...producer };
  return { errorCode, producerId: answer.producerId, epoch: answer.producerEpoch };
}

export function firstError(codes: readonly number[]): number {
  return codes.find((code) => code !== ERROR.NONE) ?? ERROR.NONE;
}
