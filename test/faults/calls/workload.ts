/**
 * What the clients do: an idempotent producer, a consumer's commits, transactions, and the queue of a
 * service, over lives that end in order and by a kill.
 *
 * Each step is tried a few times, as a client's library would, and may be taken up again in a later
 * life: a batch is sent again as it is, a transaction begins anew. So after the last life, whose disk is
 * whole, everything must have been done.
 */

import type { Queues } from "../../../src/broker/queues.ts";
import { ERROR } from "../../../src/embedded/kafka/error-codes.ts";
import { MillraceError } from "../../../src/model/errors.ts";
import { valuesOf } from "../../../src/model/outcome.ts";
import { decodeRun, encodeBatch, type ProducerIdentity } from "../../crash/wire/batches.ts";
import { FETCH_BY_NAME } from "../../crash/wire/topic.ts";
import { HungUp } from "../../hostile/client.ts";
import { LawBroken, type Attempt, type Batch, type Ledger, type Placed } from "./ledger.ts";
import { Hung, type Life } from "./life.ts";
import { takeWaiting } from "./take-waiting.ts";
import { message, textOf } from "../../../src/embedded/broker-stage.test.ts";

export const TOPICS = { orders: 3, short: 1 } as const;
export type Topic = keyof typeof TOPICS;
const GROUP = "readers";
export const QUEUE = "jobs";
const WRITER = "writer";
const LEAVER = "leaver";
const LEAVER_TIMEOUT_MS = 5_000;
/** After the first the server looks anew at the free space, after the second for what it has not ended. */
const RETRIES_MS = [1_000, 10_000, 1_000];
/** The last versions that name topics by their names. */
const BY_NAME = {
  produce: 11,
  commit: 9,
  fetchOffsets: 9,
  offsets: 3,
  end: 4,
  add: 3,
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

/** An answer that says no; the step is tried again. */
class Refused extends Error {
  override readonly name = "Refused";
}

interface Step {
  readonly name: string;
  /** Rejects with Refused, or an error of the broker, where it was not done. */
  readonly run: () => Promise<void>;
}

export class Workload {
  readonly #ledger: Ledger;
  #life: Life | undefined;
  #producer: ProducerIdentity | undefined;
  readonly #sequences = new Map<string, number>();
  readonly #unanswered = new Map<string, Batch[]>();
  #todo: Step[] = [];
  #transactions = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** The name of the step that is under way. */
  step = "";

  /** Names of steps that are not done yet. */
  get undone(): readonly string[] {
    const sending = [...this.#unanswered]
      .filter(([, batches]) => batches.length > 0)
      .map(([key]) => `produce ${key}`);
    return [...this.#todo.map(({ name }) => name), ...sending];
  }

  /** A new life, or none. */
  enter(life: Life | undefined): void {
    this.#life = life;
  }

  /** What earlier lives have left, in its order, then these steps. */
  async work(steps: readonly Step[]): Promise<void> {
    const due = [...this.#todo, ...steps];
    this.#todo = [];
    for (const step of due) {
      if (!(await this.#tried(step))) this.#todo.push(step);
    }
  }

  readonly makeTopics: Step = {
    name: "make topics",
    run: async () => {
      const { topics } = await this.#ask("CreateTopics", {
        topics: Object.entries(TOPICS).map(([name, numPartitions]) => ({
          name,
          numPartitions,
          replicationFactor: 1,
          configs: name === "short" ? [{ name: "retention.bytes", value: "1500" }] : [],
        })),
        timeoutMs: 10_000,
      });
      for (const { errorCode } of topics) {
        if (errorCode !== ERROR.TOPIC_ALREADY_EXISTS) this.#check("CreateTopics", errorCode);
      }
    },
  };

  readonly makeAndDeleteTopic: Step = {
    name: "make and delete a topic",
    run: async () => {
      const name = "brief";
      const made = await this.#ask("CreateTopics", {
        topics: [{ name, numPartitions: 2, replicationFactor: 1 }],
        timeoutMs: 10_000,
      });
      const { errorCode } = made.topics[0]!;
      if (errorCode !== ERROR.TOPIC_ALREADY_EXISTS) this.#check("CreateTopics", errorCode);
      const gone = await this.#ask("DeleteTopics", { topicNames: [name], timeoutMs: 10_000 }, 5);
      this.#check("DeleteTopics", gone.responses[0]!.errorCode);
    },
  };

  readonly makeQueue: Step = {
    name: "make the queue",
    run: async () => {
      const dedupe = { count: 100, ms: 600_000 };
      await this.#queues.ensureQueue({ name: QUEUE, attempts: 9, dedupe });
    },
  };

  /** A batch for every partition of the topic, and all that waits before it. */
  produce(topic: Topic): Step {
    let made = false;
    return {
      name: `produce to ${topic}`,
      run: async () => {
        const producer = await this.#identity();
        if (!made) {
          made = true;
          for (let partition = 0; partition < TOPICS[topic]; partition++) {
            this.#makeBatch(producer, topic, partition);
          }
        }
        await this.#send(topic);
      },
    };
  }

  readonly fetch: Step = {
    name: "fetch",
    run: async () => {
      for (const [topic, partitions] of Object.entries(TOPICS)) {
        for (let partition = 0; partition < partitions; partition++) {
          const { all } = await this.#readWhole(topic, partition, false);
          this.#ledger.serve(topic, partition, all);
        }
      }
      this.#ledger.servePosition(await this.#position(GROUP));
    },
  };

  commit(offset: number): Step {
    return {
      name: `commit ${offset}`,
      run: async () => {
        this.#ledger.positionsAsked.add(offset);
        const at = { partitionIndex: 0, committedOffset: offset, committedMetadata: "" };
        const { topics } = await this.#ask(
          "OffsetCommit",
          {
            groupId: GROUP,
            generationIdOrMemberEpoch: -1,
            memberId: "",
            topics: [{ name: "orders", partitions: [at] }],
          },
          BY_NAME.commit,
        );
        this.#check("OffsetCommit", topics[0]!.partitions[0]!.errorCode);
        this.#ledger.positionAnswered = offset;
      },
    };
  }

  /** Over two partitions and a position; after a refusal it begins anew with records of its own. */
  transaction(ends: "commit" | "abort"): Step {
    const number = this.#transactions++;
    let tries = 0;
    return {
      name: `transaction ${number}`,
      run: async () => {
        const position = number * 100 + tries;
        await this.#transact(this.#attempt(`t${number}.${tries++}`, position, ends));
      },
    };
  }

  /** A transaction whose producer goes away: the server ends it when its time is over. */
  readonly abandon: Step = {
    name: "abandon a transaction",
    run: async () => {
      const attempt = this.#attempt(`abandoned${this.#ledger.attempts.length}`, -1, "abort");
      const producer = await this.#initialize(LEAVER, LEAVER_TIMEOUT_MS);
      await this.#begin(LEAVER, producer, [2]);
      await this.#produceIn(LEAVER, producer, { attempt, partitions: [2] });
    },
  };

  send(...names: readonly string[]): Step {
    return {
      name: `send ${names.join()}`,
      run: async () => {
        for (const name of names) {
          if (this.#ledger.jobs.has(name)) continue;
          this.#ledger.jobs.set(name, { sent: "asked", gone: "no", attempts: 0 });
        }
        const messages = names.map((name) => ({ message: message(name, { key: name, id: name }) }));
        const outcomes = await this.#life!.answered(
          this.#queues.send(QUEUE, messages),
          "an answer to a send",
        );
        for (const [index, outcome] of outcomes.entries()) {
          if (!outcome.ok) continue;
          this.#ledger.jobs.get(names[index]!)!.sent = "answered";
        }
        valuesOf(outcomes);
      },
    };
  }

  /** Leases what waits, accepts one and gives the rest back. */
  readonly acceptOne: Step = {
    name: "accept a job",
    run: async () => {
      const { jobs } = this.#ledger;
      const leases = await takeWaiting(this.#queues, QUEUE);
      for (const lease of leases) {
        const name = textOf(lease.message);
        const job = jobs.get(name);
        if (job === undefined || job.gone === "answered" || lease.attempt <= job.attempts) {
          throw new LawBroken(
            "a wrong message of a queue",
            `${name} at attempt ${lease.attempt} after ${JSON.stringify(job)}`,
          );
        }
        job.attempts = lease.attempt;
      }
      const [first, ...rest] = leases;
      if (first === undefined) throw new Refused("nothing was leased");
      const job = jobs.get(textOf(first.message))!;
      job.gone = "asked";
      valuesOf(await this.#life!.answered(this.#queues.accept([first]), "an answer to an accept"));
      job.gone = "answered";
      for (const lease of rest)
        await this.#life!.answered(this.#queues.release(lease), "a release");
    },
  };

  readonly rest: Step = {
    name: "let time pass",
    run: async () => {
      await this.#life!.elapse(30_000);
    },
  };

  /** Of the last life: everything is there, and as it was answered. */
  async check(): Promise<void> {
    const committed = new Map<string, readonly Placed[]>();
    for (const [topic, partitions] of Object.entries(TOPICS)) {
      for (let partition = 0; partition < partitions; partition++) {
        const whole = await this.#readWhole(topic, partition, false);
        const { all } = await this.#readWhole(topic, partition, true);
        this.#ledger.checkContents(topic, partition, whole);
        committed.set(`${topic}/${partition}`, all);
        if (topic !== "short" && whole.earliest !== 0) {
          throw new LawBroken("lost", `${topic}/${partition} begins at ${whole.earliest}`);
        }
      }
    }
    this.#ledger.checkPosition(await this.#position(GROUP));
    this.#ledger.checkTransactions(committed, await this.#position(WRITER));
    await this.#checkJobs();
  }

  async #checkJobs(): Promise<void> {
    const { jobs } = this.#ledger;
    const found = new Set<string>();
    for (;;) {
      const leases = await takeWaiting(this.#queues, QUEUE);
      if (leases.length === 0) break;
      for (const { message: leased, attempt } of leases) {
        const name = textOf(leased);
        const job = jobs.get(name);
        const wrong = job === undefined || job.gone === "answered" || attempt <= job.attempts;
        if (!wrong && !found.has(name)) {
          found.add(name);
          continue;
        }
        const shown = `${name} at attempt ${attempt} after ${JSON.stringify(job)}`;
        throw new LawBroken("a wrong message of a queue", shown);
      }
    }
    for (const [name, { sent, gone }] of jobs) {
      if (sent !== "answered" || gone !== "no" || found.has(name)) continue;
      throw new LawBroken("lost", `${name} was sent and answered, and is gone from the queue`);
    }
  }

  async #tried({ name, run }: Step): Promise<boolean> {
    this.step = name;
    for (const retryMs of RETRIES_MS) {
      try {
        await run();
        return true;
      } catch (error) {
        if (error instanceof HungUp || error instanceof Hung) {
          throw new LawBroken("no answer", `${name}: ${error.message}`);
        }
        if (error instanceof MillraceError) this.#toldBroker(error);
        else if (!(error instanceof Refused)) throw error;
      }
      await this.#life!.elapse(retryMs);
    }
    return false;
  }

  #toldBroker(error: MillraceError): void {
    this.#ledger.told("broker", error.code);
    // The queue could not be made.
    if (error.code === "UNKNOWN_QUEUE" && this.undone.includes(this.makeQueue.name)) return;
    if (error.code !== "DISK_FULL" && error.code !== "DISK_FAILED")
      throw new LawBroken("a wrong answer", `${error.code}: ${error.message}`);
  }

  get #queues(): Queues {
    return this.#life!.broker.queues!;
  }

  #ask: Life["client"]["ask"] = (api, body, version) =>
    this.#life!.answered(this.#life!.client.ask(api, body, version), `an answer to ${api}`);

  #check(api: string, errorCode: number): void {
    if (errorCode === ERROR.NONE) return;
    this.#ledger.told(api, errorCode);
    if (PROPER.has(errorCode)) throw new Refused(`${api}: ${errorCode}`);
    throw new LawBroken("a wrong answer", `${api} was answered with ${errorCode}`);
  }

  async #identity(): Promise<ProducerIdentity> {
    this.#producer ??= await this.#initialize(null);
    return this.#producer;
  }

  async #initialize(
    transactionalId: string | null,
    transactionTimeoutMs = 60_000,
  ): Promise<ProducerIdentity> {
    const answer = await this.#ask("InitProducerId", { transactionalId, transactionTimeoutMs });
    this.#check("InitProducerId", answer.errorCode);
    return { producerId: answer.producerId, epoch: answer.producerEpoch };
  }

  #makeBatch(producer: ProducerIdentity, topic: string, partition: number): void {
    const key = `${topic}/${partition}`;
    const baseSequence = this.#sequences.get(key) ?? 0;
    const records = [0, 1].map((index) => `${topic}.${partition}:${baseSequence + index}`);
    this.#sequences.set(key, baseSequence + records.length);
    const compression = baseSequence % 3;
    const options = { producer, baseSequence, transactional: false, compression };
    const bytes = encodeBatch(records, options);
    const batch: Batch = { topic, partition, records, bytes, offset: undefined };
    this.#ledger.batches.push(batch);
    const waiting = this.#unanswered.get(key) ?? [];
    this.#unanswered.set(key, waiting);
    waiting.push(batch);
  }

  /** One batch of each partition at a time, until all are answered or one is refused. */
  async #send(topic: Topic): Promise<void> {
    let refused: Refused | undefined;
    const stuck = new Set<string>();
    for (;;) {
      const next = [...this.#unanswered]
        .filter(([key]) => key.startsWith(`${topic}/`) && !stuck.has(key))
        .flatMap(([key, batches]) =>
          batches[0] === undefined ? [] : [{ key, batch: batches[0] }],
        );
      if (next.length === 0) break;
      const codes = await this.#produceAll(
        null,
        next.map(({ batch }) => batch),
      );
      for (const [index, { key }] of next.entries()) {
        try {
          this.#check("Produce", codes[index]!);
          this.#unanswered.get(key)!.shift();
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          refused = error;
          stuck.add(key);
        }
      }
    }
    if (refused !== undefined) throw refused;
  }

  /** The error code of each; sets the offsets of those that were taken. */
  async #produceAll(
    transactionalId: string | null,
    batches: readonly Batch[],
  ): Promise<readonly number[]> {
    const { topic: name } = batches[0]!;
    const partitionData = batches.map(({ partition: index, bytes: records }) => ({
      index,
      records,
    }));
    const stopped = batches.map((batch) => this.onProduce(batch));
    const { responses } = await this.#ask(
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

  /** Told before a batch is sent; what it returns is called when the batch is acknowledged. */
  onProduce: (batch: Batch) => () => void = () => () => undefined;

  #attempt(name: string, position: number, ends: Attempt["ends"]): Attempt {
    const attempt: Attempt = {
      name,
      position,
      ends,
      batches: [],
      endAsked: false,
      endAnswered: false,
    };
    this.#ledger.attempts.push(attempt);
    return attempt;
  }

  async #begin(id: string, producer: ProducerIdentity, partitions: number[]): Promise<void> {
    const { resultsByTopicV3AndBelow } = await this.#ask(
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
        this.#check("AddPartitionsToTxn", each.partitionErrorCode);
      }
    }
  }

  async #produceIn(
    id: string,
    producer: ProducerIdentity,
    { attempt, partitions }: { readonly attempt: Attempt; readonly partitions: readonly number[] },
  ): Promise<void> {
    for (const partition of partitions) {
      const records = [`${attempt.name}.${partition}:0`];
      const options = { producer, baseSequence: 0, transactional: true, compression: 0 };
      const bytes = encodeBatch(records, options);
      const batch: Batch = { topic: "orders", partition, records, bytes, offset: undefined };
      attempt.batches.push(batch);
      this.#ledger.batches.push(batch);
    }
    for (const code of await this.#produceAll(id, attempt.batches)) this.#check("Produce", code);
  }

  async #transact(attempt: Attempt): Promise<void> {
    const producer = await this.#initialize(WRITER);
    const { producerId, epoch: producerEpoch } = producer;
    const own = { transactionalId: WRITER, producerId, producerEpoch };
    const partitions = [0, 1];
    await this.#begin(WRITER, producer, partitions);
    await this.#produceIn(WRITER, producer, { attempt, partitions });
    const group = { ...own, groupId: WRITER };
    this.#check("AddOffsetsToTxn", (await this.#ask("AddOffsetsToTxn", group, 3)).errorCode);
    const at = { partitionIndex: 0, committedOffset: attempt.position, committedMetadata: "" };
    const topics = [{ name: "orders", partitions: [at] }];
    const committed = await this.#ask(
      "TxnOffsetCommit",
      { ...group, memberId: "", topics },
      BY_NAME.offsets,
    );
    this.#check("TxnOffsetCommit", committed.topics[0]!.partitions[0]!.errorCode);
    attempt.endAsked = true;
    const end = { ...own, committed: attempt.ends === "commit" };
    this.#check("EndTxn", (await this.#ask("EndTxn", end, BY_NAME.end)).errorCode);
    attempt.endAnswered = true;
  }

  async #position(groupId: string): Promise<number> {
    const topics = [{ name: "orders", partitionIndexes: [0] }];
    const body = { groups: [{ groupId, topics }], requireStable: false };
    const { groups } = await this.#ask("OffsetFetch", body, BY_NAME.fetchOffsets);
    this.#check("OffsetFetch", groups[0]!.errorCode);
    const { errorCode, committedOffset } = groups[0]!.topics[0]!.partitions[0]!;
    this.#check("OffsetFetch", errorCode);
    return committedOffset;
  }

  async #readWhole(
    topic: string,
    partition: number,
    committed: boolean,
  ): Promise<{ readonly earliest: number; readonly all: readonly Placed[] }> {
    const isolationLevel = committed ? 1 : 0;
    const limit = async (timestamp: number): Promise<number> => {
      const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }];
      const asked = { replicaId: -1, isolationLevel, topics };
      const listed = await this.#ask("ListOffsets", asked, BY_NAME.list);
      const { errorCode, offset } = listed.topics[0]!.partitions[0]!;
      this.#check("ListOffsets", errorCode);
      return offset;
    };
    const earliest = await limit(EARLIEST);
    const end = await limit(LATEST);
    const all: Placed[] = [];
    for (let offset = earliest; offset < end;) {
      const part = { partition, fetchOffset: offset, partitionMaxBytes: 1 << 20 };
      const { responses } = await this.#ask(
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
      this.#check("Fetch", answer.errorCode);
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

const EARLIEST = -2;
const LATEST = -1;
