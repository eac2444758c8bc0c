/**
 * What Kafka clients do in the lives of the golden broker, request by request as they would, and what is
 * to be found of it. Expectations are made from what was sent and acknowledged.
 */

import { producedBatches } from "../../src/embedded/log/producers/producer-stage.test.ts";
import { wireBytes } from "../../src/embedded/log/log-stage.test.ts";
import type { TestKafka } from "../../src/embedded/kafka/broker-stage.test.ts";
import type { GroupState } from "./broker-state.ts";
import { batchOfKafka, CODECS, readPlaces, type KafkaState, type Place } from "./kafka-state.ts";

const LEDGER = "ledger";
const PRICES = "prices";
const PACKED = "packed";
const MINUTE_MS = 60_000;
const PRICE_COUNT = 28;
const PRICE_BYTES = 200;

interface Identity {
  readonly transactionalId: string | null;
  producerId: number;
  producerEpoch: number;
}

type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] };

export class KafkaLedger {
  readonly #committed: Place[] = [];
  readonly #aborted: KafkaState["ledger"]["aborted"][number][] = [];
  readonly #ends = [0, 0];
  /** Where open transactions began, by producer and partition. */
  readonly #begun = new Map<string, KafkaState["ledger"]["aborted"][number]>();
  readonly #repeats: KafkaState["repeats"][number][] = [];
  readonly #producers = new Map<string, Mutable<KafkaState["producers"][number]>>();
  readonly #transactions = new Map<string, KafkaState["transactions"][number]>();
  readonly #prices = new Map<string, Place>();
  readonly #batches: KafkaState["codecs"]["batches"][number][] = [];
  readonly #offsets: KafkaState["offsets"][number][] = [];
  readonly #shop: Identity = identity("shop");
  readonly #open: Identity = identity("left-open");
  readonly #plain: Identity = identity(null);
  #goneCount = 0;
  #openFrom = -1;

  /** Ends in order: transactions that are over, a compacted topic, compressed batches, offsets. */
  async firstLife(kafka: TestKafka): Promise<void> {
    await this.#createTopics(kafka);
    await this.#fillPrices(kafka);
    await this.#pack(kafka);
    await this.#introduce(kafka, this.#plain);
    await this.#produce(kafka, this.#plain, 1, ["p1", "p2"]);
    await this.#introduce(kafka, this.#shop);
    await this.#produce(kafka, this.#shop, 0, ["c1", "c2"]);
    await this.#commitInTransaction(kafka, this.#shop, {
      group: "shop-readers",
      partition: 0,
      offset: 2,
      metadata: "in a transaction",
      unstable: false,
    });
    await this.#end(kafka, this.#shop, { committed: true, values: ["c1", "c2"] });
    await this.#produce(kafka, this.#shop, 0, ["a1", "a2", "a3"]);
    await this.#end(kafka, this.#shop, { committed: false, values: [] });
    await this.#commitOffset(kafka, "readers", 1, { offset: 1, metadata: "naïve ✓ – Zürich" });
  }

  /** Never ends: what comes behind the snapshots of the first, and a transaction that is open. */
  async lastLife(kafka: TestKafka): Promise<void> {
    await this.#produce(kafka, this.#plain, 1, ["p3"]);
    await this.#produce(kafka, this.#shop, 1, ["c3"]);
    await this.#end(kafka, this.#shop, { committed: true, values: ["c3"] });
    await this.#introduce(kafka, this.#open);
    this.#openFrom = this.#ends[0]!;
    await this.#produce(kafka, this.#open, 0, ["o1", "o2"]);
    await this.#commitInTransaction(kafka, this.#open, {
      group: "open-readers",
      partition: 0,
      offset: 9,
      metadata: "not yet",
      unstable: true,
    });
    await this.#produce(kafka, this.#plain, 0, ["behind the open one"], { visible: false });
    this.#transactions.set("left-open", this.#transactionOf(this.#open, "Ongoing"));
  }

  /** As members of the broker's process see them: what is committed, by name. */
  groups(): readonly GroupState[] {
    const committed = this.#offsets.filter(({ unstable }) => !unstable);
    return committed
      .map(({ group, topic, offset }) => ({ group, stream: topic, committed: [offset] }))
      .toSorted((a, b) => (a.group < b.group ? -1 : 1));
  }

  state(restoredIds: number, generation: number): KafkaState {
    return {
      ledger: {
        name: LEDGER,
        committed: this.#committed.toSorted(),
        aborted: this.#aborted,
        ends: this.#ends.map((end, partition) => ({
          end,
          stable: partition === 0 ? this.#openFrom : end,
        })),
      },
      repeats: this.#repeats,
      producers: [...this.#producers.values()],
      transactions: [...this.#transactions.values()],
      compacted: {
        name: PRICES,
        newest: [...this.#prices.values()].toSorted(),
        gone: this.#goneCount,
      },
      codecs: { name: PACKED, batches: this.#batches },
      offsets: this.#offsets,
      producerIdMin: restoredIds,
      generationMin: generation,
    };
  }

  async #createTopics(kafka: TestKafka): Promise<void> {
    const compacted = { "cleanup.policy": "compact", "max.compaction.lag.ms": String(MINUTE_MS) };
    const { topics } = await kafka.tell("CreateTopics", 7, {
      topics: [
        { name: LEDGER, numPartitions: 2, replicationFactor: 1, configs: [] },
        {
          name: PRICES,
          numPartitions: 1,
          replicationFactor: 1,
          configs: Object.entries(compacted).map(([name, value]) => ({ name, value })),
        },
        { name: PACKED, numPartitions: CODECS.length, replicationFactor: 1, configs: [] },
      ],
    });
    expectNone(topics.map(({ errorCode }) => errorCode));
  }

  /** Then time passes, until what was overtaken is gone. */
  async #fillPrices(kafka: TestKafka): Promise<void> {
    const { clock } = kafka.environment;
    for (let at = 0; at < PRICE_COUNT; at++) {
      const key = `sku-${at % 7}`;
      const value = `${at} ${"x".repeat(PRICE_BYTES)}`;
      const records = wireBytes([{ key, headers: [], value: Buffer.from(value) }], clock.now());
      const offset = await send(kafka, { topic: PRICES, partition: 0, records });
      this.#prices.set(key, `0:${offset}:${value}`);
    }
    const left = async (): Promise<number> => (await readPlaces(kafka, PRICES, 1)).length;
    for (let tries = 0; tries < 30 && (await left()) > this.#prices.size; tries++) {
      await clock.advance(MINUTE_MS / 4);
    }
    this.#goneCount = PRICE_COUNT - (await left());
    if (this.#goneCount !== PRICE_COUNT - this.#prices.size)
      throw new Error("nothing was compacted");
  }

  async #pack(kafka: TestKafka): Promise<void> {
    for (const [partition, codec] of CODECS.entries()) {
      const records = batchOfKafka(codec);
      this.#batches.push({ codec, base64: records.toString("base64") });
      await send(kafka, { topic: PACKED, partition, records: Buffer.from(records) });
    }
  }

  async #introduce(kafka: TestKafka, producer: Identity): Promise<void> {
    const { transactionalId } = producer;
    const answer = await kafka.tell("InitProducerId", 4, {
      transactionalId,
      transactionTimeoutMs: MINUTE_MS,
    });
    expectNone([answer.errorCode]);
    producer.producerId = answer.producerId;
    producer.producerEpoch = answer.producerEpoch;
  }

  async #produce(
    kafka: TestKafka,
    producer: Identity,
    partition: number,
    values: readonly string[],
    { visible = true }: { readonly visible?: boolean } = {},
  ): Promise<void> {
    const { transactionalId, producerId: id, producerEpoch: epoch } = producer;
    const transactional = transactionalId !== null;
    const own = this.#producers.get(`${id} ${partition}`);
    // Each partition has sequences of its own, which begin again with each epoch.
    const first = own?.producerEpoch === epoch ? own.lastSequence + 1 : 0;
    const [batch] = producedBatches({ id, epoch, sequence: first, transactional }, ...values);
    const records = Buffer.from(batch!.bytes);
    const offset = await send(kafka, { topic: LEDGER, partition, records, transactionalId });
    if (offset !== this.#ends[partition]) throw new Error(`batch at ${offset}`);
    this.#ends[partition] = offset + values.length;
    const lastSequence = first + values.length - 1;
    this.#producers.set(`${id} ${partition}`, {
      partition,
      producerId: id,
      producerEpoch: epoch,
      lastSequence,
      openFrom: transactional ? offset : -1,
    });
    if (transactional) {
      this.#begun.set(`${id} ${partition}`, { partition, producerId: id, firstOffset: offset });
    } else {
      this.#repeats.push({
        partition,
        base64: batch!.bytes.toString("base64"),
        offset,
        transactionalId,
      });
      if (visible) values.forEach((value, at) => this.#seen(partition, offset + at, value));
    }
  }

  async #end(
    kafka: TestKafka,
    producer: Identity,
    { committed, values }: { readonly committed: boolean; readonly values: readonly string[] },
  ): Promise<void> {
    const { producerId, producerEpoch } = producer;
    const answer = await kafka.tell("EndTxn", 5, {
      transactionalId: producer.transactionalId!,
      producerId,
      producerEpoch,
      committed,
    });
    expectNone([answer.errorCode]);
    for (const [place, began] of this.#begun) {
      if (began.producerId !== producerId) continue;
      this.#begun.delete(place);
      const { partition, firstOffset } = began;
      if (committed) values.forEach((value, at) => this.#seen(partition, firstOffset + at, value));
      else this.#aborted.push(began);
      // The marker.
      this.#ends[partition]!++;
      const own = this.#producers.get(place)!;
      own.openFrom = -1;
      // It bears the next epoch, in which nothing was sent yet.
      own.producerEpoch = answer.producerEpoch;
      own.lastSequence = -1;
    }
    producer.producerId = answer.producerId;
    producer.producerEpoch = answer.producerEpoch;
    const state = committed ? "CompleteCommit" : "CompleteAbort";
    this.#transactions.set(producer.transactionalId!, this.#transactionOf(producer, state));
  }

  async #commitInTransaction(
    kafka: TestKafka,
    { transactionalId, producerId, producerEpoch }: Identity,
    {
      group,
      partition,
      offset,
      metadata,
      unstable,
    }: {
      readonly group: string;
      readonly partition: number;
      readonly offset: number;
      readonly metadata: string;
      readonly unstable: boolean;
    },
  ): Promise<void> {
    const committed = { partitionIndex: partition, committedOffset: offset };
    const answer = await kafka.tell("TxnOffsetCommit", 5, {
      transactionalId: transactionalId!,
      groupId: group,
      producerId,
      producerEpoch,
      topics: [{ name: LEDGER, partitions: [{ ...committed, committedMetadata: metadata }] }],
    });
    expectNone(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode));
    const leaderEpoch = -1;
    this.#offsets.push({
      group,
      topic: LEDGER,
      partition,
      offset,
      leaderEpoch,
      metadata,
      unstable,
    });
  }

  async #commitOffset(
    kafka: TestKafka,
    group: string,
    partition: number,
    { offset, metadata }: { readonly offset: number; readonly metadata: string },
  ): Promise<void> {
    const leaderEpoch = 0;
    const committed = { committedOffset: offset, committedLeaderEpoch: leaderEpoch };
    const answer = await kafka.tell("OffsetCommit", 8, {
      groupId: group,
      topics: [
        {
          name: LEDGER,
          partitions: [{ partitionIndex: partition, ...committed, committedMetadata: metadata }],
        },
      ],
    });
    expectNone(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode));
    const unstable = false;
    this.#offsets.push({
      group,
      topic: LEDGER,
      partition,
      offset,
      leaderEpoch,
      metadata,
      unstable,
    });
  }

  #seen(partition: number, offset: number, value: string): void {
    this.#committed.push(`${partition}:${offset}:${value}`);
  }

  #transactionOf(
    { transactionalId, producerId, producerEpoch }: Identity,
    state: string,
  ): KafkaState["transactions"][number] {
    return { id: transactionalId!, state, producerId, producerEpoch };
  }
}

function identity(transactionalId: string | null): Identity {
  return { transactionalId, producerId: -1, producerEpoch: -1 };
}

async function send(
  kafka: TestKafka,
  place: {
    readonly topic: string;
    readonly partition: number;
    readonly records: Buffer;
    readonly transactionalId?: string | null;
  },
): Promise<number> {
  const { topic: name, partition: index, records, transactionalId = null } = place;
  const { responses } = await kafka.tell("Produce", 12, {
    acks: -1,
    transactionalId,
    topicData: [{ name, partitionData: [{ index, records }] }],
  });
  const [answer] = responses[0]!.partitionResponses;
  expectNone([answer!.errorCode]);
  return answer!.baseOffset;
}

function expectNone(codes: readonly number[]): void {
  const wrong = codes.find((code) => code !== 0);
  if (wrong !== undefined) throw new Error(`a request was answered with error ${wrong}`);
}
