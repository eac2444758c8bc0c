/**
 * A client of Kafka's protocol in whatever life the server is in: requests, and what is made of their
 * error codes. An answer that no client could make sense of breaks a law.
 */

import type { Draft } from "../../../src/embedded/kafka/codec/draft.ts";
import type { Requests } from "../../../src/embedded/kafka/codec/generated/apis.ts";
import { ERROR } from "../../../src/embedded/kafka/error-codes.ts";
import { decodeRun, type ProducerIdentity } from "../../crash/wire/batches.ts";
import { FETCH_BY_NAME } from "../../crash/wire/topic.ts";
import { LawBroken, type Batch, type Ledger, type Placed } from "./ledger.ts";
import type { Life } from "./life.ts";

/** The last versions that name topics by their names. */
const BY_NAME = {
  produce: 11,
  commit: 9,
  fetchOffsets: 9,
  offsets: 3,
  end: 4,
  add: 3,
  addOffsets: 3,
  delete: 5,
  list: 7,
} as const;

/** What a client's library tries again, or shows to its program as what it is. */
const PROPER: ReadonlySet<number> = new Set([
  ERROR.KAFKA_STORAGE_ERROR,
  ERROR.COORDINATOR_NOT_AVAILABLE,
  ERROR.NOT_COORDINATOR,
  ERROR.CONCURRENT_TRANSACTIONS,
  ERROR.UNKNOWN_TOPIC_OR_PARTITION,
]);

const EARLIEST = -2;
const LATEST = -1;

/** An answer that says no; the step is tried again. */
export class Refused extends Error {
  override readonly name = "Refused";
}

export class KafkaClient {
  readonly #ledger: Ledger;
  /** The one that is asked; none between two. */
  life: Life | undefined;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Told before a batch is sent; what it returns is called when the batch is acknowledged. */
  onProduce: (batch: Batch) => () => void = () => () => undefined;

  ask: Life["client"]["ask"] = (api, body, version) =>
    this.life!.answered(this.life!.client.ask(api, body, version), `an answer to ${api}`);

  check(api: string, errorCode: number): void {
    if (errorCode === ERROR.NONE) return;
    this.#ledger.told(api, errorCode);
    if (PROPER.has(errorCode)) throw new Refused(`${api}: ${errorCode}`);
    throw new LawBroken("a wrong answer", `${api} was answered with ${errorCode}`);
  }

  async initialize(
    transactionalId: string | null,
    transactionTimeoutMs = 60_000,
  ): Promise<ProducerIdentity> {
    const answer = await this.ask("InitProducerId", { transactionalId, transactionTimeoutMs });
    this.check("InitProducerId", answer.errorCode);
    return { producerId: answer.producerId, epoch: answer.producerEpoch };
  }

  /** The error code of each; sets the offsets of those that were taken. */
  async produceAll(
    transactionalId: string | null,
    batches: readonly Batch[],
  ): Promise<readonly number[]> {
    const { topic: name } = batches[0]!;
    const partitionData = batches.map(({ partition: index, bytes: records }) => ({
      index,
      records,
    }));
    const stopped = batches.map((batch) => this.onProduce(batch));
    const { responses } = await this.ask(
      "Produce",
      { transactionalId, acks: -1, timeoutMs: 10_000, topicData: [{ name, partitionData }] },
      BY_NAME.produce,
    );
    const answers = new Map(responses[0]!.partitionResponses.map((each) => [each.index, each]));
    return batches.map((batch, index) => {
      const { errorCode, baseOffset } = answers.get(batch.partition)!;
      if (errorCode !== ERROR.NONE) return errorCode;
      stopped[index]!();
      batch.offset = baseOffset;
      return errorCode;
    });
  }

  async addPartitions(id: string, producer: ProducerIdentity, partitions: number[]): Promise<void> {
    const { resultsByTopicV3AndBelow } = await this.ask(
      "AddPartitionsToTxn",
      {
        v3AndBelowTransactionalId: id,
        v3AndBelowProducerId: producer.producerId,
        v3AndBelowProducerEpoch: producer.epoch,
        v3AndBelowTopics: [{ name: "orders", partitions }],
      },
      BY_NAME.add,
    );
    for (const { resultsByPartition } of resultsByTopicV3AndBelow) {
      for (const each of resultsByPartition) {
        this.check("AddPartitionsToTxn", each.partitionErrorCode);
      }
    }
  }

  /** Those that are there already are left as they are. */
  async createTopics(
    topics: NonNullable<Draft<Requests["CreateTopics"]>["topics"]>,
  ): Promise<void> {
    const made = await this.ask("CreateTopics", { topics, timeoutMs: 10_000 });
    for (const { errorCode } of made.topics) {
      if (errorCode !== ERROR.TOPIC_ALREADY_EXISTS) this.check("CreateTopics", errorCode);
    }
  }

  async deleteTopic(name: string): Promise<void> {
    const body = { topicNames: [name], timeoutMs: 10_000 };
    const { responses } = await this.ask("DeleteTopics", body, BY_NAME.delete);
    this.check("DeleteTopics", responses[0]!.errorCode);
  }

  async commit(groupId: string, offset: number): Promise<void> {
    const topics = positionAt(offset);
    const body = { groupId, generationIdOrMemberEpoch: -1, memberId: "", topics };
    const answer = await this.ask("OffsetCommit", body, BY_NAME.commit);
    this.check("OffsetCommit", answer.topics[0]!.partitions[0]!.errorCode);
  }

  /** Of the group that has the id's name. */
  async commitInTransaction(
    transactionalId: string,
    { producerId, epoch: producerEpoch }: ProducerIdentity,
    offset: number,
  ): Promise<void> {
    const group = { transactionalId, producerId, producerEpoch, groupId: transactionalId };
    const added = await this.ask("AddOffsetsToTxn", group, BY_NAME.addOffsets);
    this.check("AddOffsetsToTxn", added.errorCode);
    const body = { ...group, memberId: "", topics: positionAt(offset) };
    const { topics } = await this.ask("TxnOffsetCommit", body, BY_NAME.offsets);
    this.check("TxnOffsetCommit", topics[0]!.partitions[0]!.errorCode);
  }

  async endTransaction(
    transactionalId: string,
    { producerId, epoch: producerEpoch }: ProducerIdentity,
    committed: boolean,
  ): Promise<void> {
    const body = { transactionalId, producerId, producerEpoch, committed };
    this.check("EndTxn", (await this.ask("EndTxn", body, BY_NAME.end)).errorCode);
  }

  async position(groupId: string): Promise<number> {
    const topics = [{ name: "orders", partitionIndexes: [0] }];
    const body = { groups: [{ groupId, topics }], requireStable: false };
    const { groups } = await this.ask("OffsetFetch", body, BY_NAME.fetchOffsets);
    this.check("OffsetFetch", groups[0]!.errorCode);
    const { errorCode, committedOffset } = groups[0]!.topics[0]!.partitions[0]!;
    this.check("OffsetFetch", errorCode);
    return committedOffset;
  }

  async readWhole(
    topic: string,
    partition: number,
    committed: boolean,
  ): Promise<{ readonly earliest: number; readonly all: readonly Placed[] }> {
    const isolationLevel = committed ? 1 : 0;
    const limit = async (timestamp: number): Promise<number> => {
      const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }];
      const asked = { replicaId: -1, isolationLevel, topics };
      const listed = await this.ask("ListOffsets", asked, BY_NAME.list);
      const { errorCode, offset } = listed.topics[0]!.partitions[0]!;
      this.check("ListOffsets", errorCode);
      return offset;
    };
    const earliest = await limit(EARLIEST);
    const end = await limit(LATEST);
    const all: Placed[] = [];
    for (let offset = earliest; offset < end;) {
      const part = { partition, fetchOffset: offset, partitionMaxBytes: 1 << 20 };
      const { responses } = await this.ask(
        "Fetch",
        {
          maxWaitMs: 0,
          minBytes: 0,
          maxBytes: 1 << 20,
          isolationLevel,
          topics: [{ topic, partitions: [part] }],
        },
        FETCH_BY_NAME,
      );
      const answer = responses[0]!.partitions[0]!;
      this.check("Fetch", answer.errorCode);
      const bytes = answer.records ?? Buffer.alloc(0);
      const aborted = committed ? answer.abortedTransactions : null;
      const { records, next } = decodeRun(bytes, offset, aborted);
      all.push(...records);
      if (next === offset)
        throw new LawBroken("lost", `${topic}/${partition}@${offset} is not served`);
      offset = next;
    }
    return { earliest, all };
  }
}

function positionAt(committedOffset: number) {
  const at = { partitionIndex: 0, committedOffset, committedMetadata: "" };
  return [{ name: "orders", partitions: [at] }];
}
