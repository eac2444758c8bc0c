/**
 * A transactional Kafka producer: each transaction writes to several partitions and commits an offset,
 * then commits or aborts. A step without an answer is asked again on the next connection; by chance the
 * producer begins anew instead, as one whose process died, and is given a new epoch, which decides the
 * transaction that was under way. It speaks one of the two protocols:
 *
 *                          first (KIP-98)              second (KIP-890)
 *     partitions           AddPartitionsToTxn          implied by Produce 12
 *     offsets              AddOffsetsToTxn, then       TxnOffsetCommit 5
 *                          TxnOffsetCommit 3
 *     end                  EndTxn 4: the epoch stays   EndTxn 5: the epoch rises
 *
 * The offset is the transaction's own number, so it tells which transaction was the last to commit.
 */

import { setTimeout as pause } from "node:timers/promises";
import { ERROR } from "../../../src/embedded/kafka/error-codes.ts";
import type { Random } from "../../../src/model/ids.ts";
import { type Client, HungUp } from "../../hostile/client.ts";
import { compressionOf, encodeBatch, type ProducerIdentity } from "./batches.ts";
import type { History } from "./history.ts";
import { PRODUCE_BY_NAME } from "./idempotent-producer.ts";
import type { ServerLink } from "./server-link.ts";
import { ensureTopic, PARTITIONS } from "./topic.ts";

const ABORTED = 0.25;
const BEGINS_ANEW = 0.3;
const BATCHES_MAX = 3;
const RECORDS_MAX = 3;
const RETRY_MS = 5;
const TRIES_MAX = 1_000;
const TIMEOUT_MS = 60_000;
/** How much too early the control is, so that few kills suffice to find it out. */
const EARLY_MS = 10;
/** The last transaction that was begun has this position in its group, on this partition. */
const POSITION_PARTITION = 0;

const VERSIONS = {
  first: { produce: PRODUCE_BY_NAME, offsets: 3, end: 4 },
  second: { produce: 12, offsets: 5, end: 5 },
} as const;

export interface TransactionalOptions {
  readonly name: string;
  readonly topic: string;
  readonly link: ServerLink;
  readonly history: History;
  readonly random: Random;
  readonly protocol: keyof typeof VERSIONS;
  /** Does wrong: a transaction counts as committed when its records are, before its end is answered. */
  readonly commitUnanswered?: boolean;
}

/** Answers with an error code; resolves when the answer is understood. */
type Step = (client: Client, producer: ProducerIdentity) => Promise<number>;

interface Transaction {
  readonly name: string;
  readonly position: number;
  readonly commits: boolean;
  readonly steps: Step[];
  endTried: boolean;
}

export class TransactionalProducer {
  readonly #options: TransactionalOptions;
  #identity: ProducerIdentity | undefined;
  #sequences = new Map<number, number>();
  #transaction: Transaction | undefined;
  #begun = 0;
  #made = 0;
  /** A request is under way. */
  inFlight = 0;

  constructor(options: TransactionalOptions) {
    this.#options = options;
  }

  /** Rejects with RunOver at the end, and with what a producer should never be told. */
  async run(): Promise<never> {
    const { link, random, commitUnanswered = false } = this.#options;
    for (;;) {
      const client = await link.connect();
      try {
        await this.#work(client);
      } catch (error) {
        if (!(error instanceof HungUp)) throw error;
        if (commitUnanswered || random.next() < BEGINS_ANEW) this.#identity = undefined;
      } finally {
        client.socket.destroy();
      }
    }
  }

  async #work(client: Client): Promise<never> {
    await ensureTopic(client, this.#options.topic);
    for (;;) {
      if (this.#identity === undefined) await this.#initialize(client);
      const transaction = (this.#transaction ??= this.#begin());
      while (transaction.steps.length > 0) {
        await this.#ask(client, transaction.steps[0]!, transaction.name);
        transaction.steps.shift();
      }
      const as = transaction.commits ? "committed" : "aborted";
      this.#options.history.take({ type: "ended", transaction: transaction.name, as });
      this.#transaction = undefined;
    }
  }

  /** The transaction that was under way is decided by it. */
  async #initialize(client: Client): Promise<void> {
    const { name, history } = this.#options;
    const init: Step = async () => {
      const answer = await client.ask("InitProducerId", {
        transactionalId: name,
        transactionTimeoutMs: TIMEOUT_MS,
      });
      const { errorCode, producerId, producerEpoch: epoch } = answer;
      if (errorCode === ERROR.NONE) this.#adopt({ producerId, epoch });
      return errorCode;
    };
    await this.#ask(client, init, "its beginning");
    const transaction = this.#transaction;
    if (transaction === undefined) return;
    const mayBeCommitted = transaction.commits && transaction.endTried;
    const as = mayBeCommitted ? "decided" : "aborted";
    if (!(this.#options.commitUnanswered === true && mayBeCommitted)) {
      history.take({ type: "ended", transaction: transaction.name, as });
    }
    this.#transaction = undefined;
  }

  #adopt(identity: ProducerIdentity): void {
    const { producerId, epoch } = identity;
    const isSame = this.#identity?.producerId === producerId && this.#identity.epoch === epoch;
    if (!isSame) this.#sequences = new Map();
    this.#identity = identity;
  }

  /** Asks again while the server asks for patience. */
  async #ask(client: Client, step: Step, what: string): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      this.inFlight = 1;
      const error = await step(client, this.#identity ?? NOBODY);
      this.inFlight = 0;
      if (error === ERROR.NONE) return;
      if (error !== ERROR.CONCURRENT_TRANSACTIONS) {
        throw new Error(`${this.#options.name} was refused ${what} with ${error}`);
      }
      await pause(RETRY_MS);
    }
    throw new Error(`${this.#options.name} was put off at ${what} ${TRIES_MAX} times`);
  }

  #begin(): Transaction {
    const { name: producer, history, random, protocol, commitUnanswered } = this.#options;
    const position = ++this.#begun;
    const transaction: Transaction = {
      name: `${producer}#${position}`,
      position,
      commits: random.next() >= ABORTED,
      steps: [],
      endTried: false,
    };
    const { name } = transaction;
    history.take({ type: "begin", transaction: name, producer, position });
    const first = Math.floor(random.next() * PARTITIONS);
    const count = 1 + Math.floor(random.next() * BATCHES_MAX);
    const partitions = Array.from({ length: count }, (_, index) => (first + index) % PARTITIONS);
    const { steps } = transaction;
    if (protocol === "first") steps.push(this.#addPartitions(partitions));
    for (const partition of partitions) steps.push(this.#produce(name, partition));
    if (commitUnanswered && transaction.commits) steps.push(this.#commitEarly(transaction));
    if (protocol === "first") steps.push(this.#addOffsets());
    steps.push(this.#commitOffsets(position), this.#end(transaction));
    return transaction;
  }

  #addPartitions(partitions: readonly number[]): Step {
    const { name, topic } = this.#options;
    return async (client, { producerId, epoch }) => {
      const answer = await client.ask(
        "AddPartitionsToTxn",
        {
          v3AndBelowTransactionalId: name,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: epoch,
          v3AndBelowTopics: [{ name: topic, partitions }],
        },
        3,
      );
      return firstError(
        answer.resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
          resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
        ),
      );
    };
  }

  /** The batch is made when it is first sent, under the epoch and sequence that hold then. */
  #produce(transaction: string, partition: number): Step {
    const { name, topic, history, random, protocol } = this.#options;
    const count = 1 + Math.floor(random.next() * RECORDS_MAX);
    const records = Array.from({ length: count }, () => `${name}.${partition}:${this.#made++}`);
    let bytes: Buffer | undefined;
    return async (client, producer) => {
      if (bytes === undefined) {
        const baseSequence = this.#sequences.get(partition) ?? 0;
        this.#sequences.set(partition, baseSequence + count);
        const compression = compressionOf(random);
        const options = { producer, baseSequence, transactional: true, compression };
        bytes = encodeBatch(records, options);
        for (const record of records) history.take({ type: "write", record, transaction });
      }
      const { responses } = await client.ask(
        "Produce",
        {
          transactionalId: name,
          acks: -1,
          timeoutMs: 30_000,
          topicData: [{ name: topic, partitionData: [{ index: partition, records: bytes }] }],
        },
        VERSIONS[protocol].produce,
      );
      const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
      if (errorCode !== ERROR.NONE) return errorCode;
      for (const [index, record] of records.entries()) {
        history.take({ type: "acknowledged", record, partition, offset: baseOffset + index });
      }
      return errorCode;
    };
  }

  #commitEarly(transaction: Transaction): Step {
    return async () => {
      transaction.endTried = true;
      const { name } = transaction;
      this.#options.history.take({ type: "ended", transaction: name, as: "committed" });
      await pause(EARLY_MS);
      return ERROR.NONE;
    };
  }

  #addOffsets(): Step {
    const { name } = this.#options;
    return async (client, { producerId, epoch }) => {
      const body = {
        transactionalId: name,
        producerId,
        producerEpoch: epoch,
        groupId: positionGroup(name),
      };
      return (await client.ask("AddOffsetsToTxn", body, 3)).errorCode;
    };
  }

  #commitOffsets(position: number): Step {
    const { name, topic, protocol } = this.#options;
    return async (client, { producerId, epoch }) => {
      const at = { partitionIndex: POSITION_PARTITION, committedOffset: position };
      const { topics } = await client.ask(
        "TxnOffsetCommit",
        {
          transactionalId: name,
          groupId: positionGroup(name),
          producerId,
          producerEpoch: epoch,
          memberId: "",
          topics: [{ name: topic, partitions: [{ ...at, committedMetadata: "" }] }],
        },
        VERSIONS[protocol].offsets,
      );
      return firstError(
        topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
      );
    };
  }

  #end(transaction: Transaction): Step {
    const { name, protocol } = this.#options;
    return async (client, { producerId, epoch }) => {
      const { commits: committed } = transaction;
      transaction.endTried = true;
      const answer = await client.ask(
        "EndTxn",
        { transactionalId: name, producerId, producerEpoch: epoch, committed },
        VERSIONS[protocol].end,
      );
      if (answer.errorCode === ERROR.NONE && protocol === "second") {
        this.#adopt({ producerId: answer.producerId, epoch: answer.producerEpoch });
      }
      return answer.errorCode;
    };
  }
}

const NOBODY: ProducerIdentity = { producerId: -1, epoch: -1 };

function positionGroup(producer: string): string {
  return `${producer}-positions`;
}

function firstError(codes: readonly number[]): number {
  return codes.find((code) => code !== ERROR.NONE) ?? ERROR.NONE;
}

/** What the last transaction that committed said of its position; 0 where none did. */
export async function committedPosition(
  client: Client,
  { topic, producer }: { readonly topic: string; readonly producer: string },
): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const asked = { name: topic, partitionIndexes: [POSITION_PARTITION] };
    const { groups } = await client.ask(
      "OffsetFetch",
      { groups: [{ groupId: positionGroup(producer), topics: [asked] }] },
      9,
    );
    const { errorCode, topics } = groups[0]!;
    const { errorCode: own, committedOffset } = topics[0]!.partitions[0]!;
    const error = firstError([errorCode, own]);
    if (error === ERROR.NONE) return Math.max(0, committedOffset);
    if (error !== ERROR.UNSTABLE_OFFSET_COMMIT) throw new Error(`no position: ${error}`);
    await pause(RETRY_MS);
  }
  throw new Error(`the position of ${producer} stays unstable`);
}
