/**
 * An idempotent Kafka producer that never gives up: requests without an answer are sent again, in
 * their order, on the next connection, which may be one to the next child.
 */

import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../../../hostile/client.ts";
import { HungUp } from "../../../hostile/client.ts";
import { ERROR } from "../../../../src/embedded/kafka/error-codes.ts";
import type { Responses } from "../../../../src/embedded/kafka/codec/generated/apis.ts";
import type { Random } from "../../../../src/model/ids.ts";
import { compressionOf, encodeBatch, type ProducerIdentity } from "../batches.ts";
import type { History } from "../history.ts";
import type { ServerLink } from "./server-link.ts";
import { ensureTopic, PARTITIONS } from "../topic.ts";

/** Of a producer Kafka remembers five batches a partition. */
const REQUESTS_IN_FLIGHT = 5;
const RECORDS_MAX = 4;
const KEYS = 6;
/** After each answer, so that a life is not one of thousands of requests. */
const PAUSE_MS = 2;
/** Without topic ids, and without a transaction that is begun by it. */
export const PRODUCE_BY_NAME = 11;

export interface ProducerOptions {
  readonly name: string;
  readonly topic: string;
  readonly link: ServerLink;
  readonly history: History;
  readonly random: Random;
  /** Does wrong: a batch counts as acknowledged before it is sent. */
  readonly acknowledgeEarly?: boolean;
}

interface ProducedBatch {
  readonly partition: number;
  readonly records: readonly string[];
  readonly bytes: Buffer;
}

export class IdempotentProducer {
  readonly #options: ProducerOptions;
  #identity: ProducerIdentity | undefined;
  #sequences = new Map<number, number>();
  #unanswered: (readonly ProducedBatch[])[] = [];
  #made = 0;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Requests that were sent and not answered. */
  get inFlight(): number {
    return this.#unanswered.length;
  }

  /** Rejects with RunOver at the end, and with what a producer should never be told. */
  async run(): Promise<never> {
    const { link, acknowledgeEarly = false } = this.#options;
    for (;;) {
      const client = await link.connect();
      try {
        await this.#work(client);
      } catch (error) {
        if (!(error instanceof HungUp)) throw error;
        if (acknowledgeEarly) this.#forget();
      } finally {
        client.socket.destroy();
      }
    }
  }

  async #work(client: Client): Promise<never> {
    await ensureTopic(client, this.#options.topic);
    this.#identity ??= await initialize(client);
    const answers = this.#unanswered.map((batches) => this.#send(client, batches));
    for (;;) {
      while (answers.length < REQUESTS_IN_FLIGHT) {
        const batches = this.#make(this.#identity);
        this.#unanswered.push(batches);
        answers.push(this.#send(client, batches));
      }
      const answer = await answers.shift()!;
      this.#conclude(this.#unanswered.shift()!, answer);
      await pause(PAUSE_MS);
    }
  }

  #send(client: Client, batches: readonly ProducedBatch[]): Promise<Responses["Produce"]> {
    const answer = produce(client, this.#options.topic, batches);
    // Who comes first in the order hears of it.
    answer.catch(() => undefined);
    return answer;
  }

  /** One or two batches, each for another partition, which a record's key tells. */
  #make(producer: ProducerIdentity): readonly ProducedBatch[] {
    const { name, history, random, acknowledgeEarly = false } = this.#options;
    const first = Math.floor(random.next() * KEYS);
    const keys = random.next() < 0.3 ? [first, (first + 1) % KEYS] : [first];
    return keys.map((key) => {
      const partition = key % PARTITIONS;
      const count = 1 + Math.floor(random.next() * RECORDS_MAX);
      const records = Array.from({ length: count }, () => `${name}.${key}:${this.#made++}`);
      const baseSequence = this.#sequences.get(partition) ?? 0;
      this.#sequences.set(partition, baseSequence + count);
      const compression = compressionOf(random);
      const options = { producer, baseSequence, transactional: false, compression };
      for (const record of records) {
        history.take({ type: "write", record });
        if (acknowledgeEarly) history.take({ type: "acknowledged", record, partition });
      }
      return { partition, records, bytes: encodeBatch(records, options) };
    });
  }

  #conclude(batches: readonly ProducedBatch[], { responses }: Responses["Produce"]): void {
    const { name, history } = this.#options;
    const answers = new Map(responses[0]?.partitionResponses.map((each) => [each.index, each]));
    for (const { partition, records } of batches) {
      const { errorCode, baseOffset } = answers.get(partition)!;
      if (errorCode !== ERROR.NONE) {
        throw new Error(`${name} was refused ${records[0]} for [${partition}] with ${errorCode}`);
      }
      for (const [index, record] of records.entries()) {
        const offset = baseOffset + index;
        history.take({ type: "acknowledged", record, partition, offset });
      }
    }
  }

  #forget(): void {
    this.#unanswered = [];
    this.#sequences = new Map();
    this.#identity = undefined;
  }
}

async function initialize(client: Client): Promise<ProducerIdentity> {
  const answer = await client.ask("InitProducerId", {
    transactionalId: null,
    transactionTimeoutMs: 60_000,
  });
  const { errorCode, producerId, producerEpoch: epoch } = answer;
  if (errorCode !== ERROR.NONE) throw new Error(`no producer id: ${errorCode}`);
  return { producerId, epoch };
}

function produce(
  client: Client,
  name: string,
  batches: readonly ProducedBatch[],
): Promise<Responses["Produce"]> {
  const partitionData = batches.map(({ partition, bytes }) => ({
    index: partition,
    records: bytes,
  }));
  const body = { acks: -1, timeoutMs: 30_000, topicData: [{ name, partitionData }] };
  return client.ask("Produce", body, PRODUCE_BY_NAME);
}
