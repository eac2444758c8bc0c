/**
 * What the clients do: an idempotent producer, a consumer's commits, transactions, and the queue of a
 * service, over lives that end in order and by a kill.
 *
 * Each step is tried a few times, as a client's library would, and may be taken up again in a later
 * life: a batch is sent again as it is, a transaction begins anew. So after the last life, whose disk is
 * whole, everything must have been done.
 */

import type { Queues } from "../../../src/broker/queues.ts";
import { MillraceError } from "../../../src/model/errors.ts";
import { valuesOf } from "../../../src/model/outcome.ts";
import { encodeBatch, type ProducerIdentity } from "../../crash/wire/batches.ts";
import { HungUp } from "../../hostile/client.ts";
import { KafkaClient, Refused } from "./kafka-client.ts";
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
interface Step {
  readonly name: string;
  /** Rejects with Refused, or an error of the broker, where it was not done. */
  readonly run: () => Promise<void>;
}

export class Workload {
  readonly #ledger: Ledger;
  readonly #client: KafkaClient;
  #producer: ProducerIdentity | undefined;
  readonly #sequences = new Map<string, number>();
  readonly #unanswered = new Map<string, Batch[]>();
  #todo: Step[] = [];
  #transactions = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#client = new KafkaClient(ledger);
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
    this.#client.life = life;
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
    run: () =>
      this.#client.createTopics(
        Object.entries(TOPICS).map(([name, numPartitions]) => ({
          name,
          numPartitions,
          replicationFactor: 1,
          configs: name === "short" ? [{ name: "retention.bytes", value: "1500" }] : [],
        })),
      ),
  };

  readonly makeAndDeleteTopic: Step = {
    name: "make and delete a topic",
    run: async () => {
      const name = "brief";
      await this.#client.createTopics([{ name, numPartitions: 2, replicationFactor: 1 }]);
      await this.#client.deleteTopic(name);
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
          const { all } = await this.#client.readWhole(topic, partition, false);
          this.#ledger.serve(topic, partition, all);
        }
      }
      this.#ledger.servePosition(await this.#client.position(GROUP));
    },
  };

  commit(offset: number): Step {
    return {
      name: `commit ${offset}`,
      run: async () => {
        this.#ledger.positionsAsked.add(offset);
        await this.#client.commit(GROUP, offset);
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
      const producer = await this.#client.initialize(LEAVER, LEAVER_TIMEOUT_MS);
      await this.#client.addPartitions(LEAVER, producer, [2]);
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
        const outcomes = await this.#client.life!.answered(
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
      valuesOf(
        await this.#client.life!.answered(this.#queues.accept([first]), "an answer to an accept"),
      );
      job.gone = "answered";
      for (const lease of rest)
        await this.#client.life!.answered(this.#queues.release(lease), "a release");
    },
  };

  readonly rest: Step = {
    name: "let time pass",
    run: async () => {
      await this.#client.life!.elapse(30_000);
    },
  };

  /** Of the last life: everything is there, and as it was answered. */
  async check(): Promise<void> {
    const committed = new Map<string, readonly Placed[]>();
    for (const [topic, partitions] of Object.entries(TOPICS)) {
      for (let partition = 0; partition < partitions; partition++) {
        const whole = await this.#client.readWhole(topic, partition, false);
        const { all } = await this.#client.readWhole(topic, partition, true);
        this.#ledger.checkContents(topic, partition, whole);
        committed.set(`${topic}/${partition}`, all);
        if (topic !== "short" && whole.earliest !== 0) {
          throw new LawBroken("lost", `${topic}/${partition} begins at ${whole.earliest}`);
        }
      }
    }
    this.#ledger.checkPosition(await this.#client.position(GROUP));
    this.#ledger.checkTransactions(committed, await this.#client.position(WRITER));
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
      await this.#client.life!.elapse(retryMs);
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

  /** Told before a batch is sent; what it returns is called when the batch is acknowledged. */
  set onProduce(told: (batch: Batch) => () => void) {
    this.#client.onProduce = told;
  }

  get #queues(): Queues {
    return this.#client.life!.broker.queues!;
  }

  async #identity(): Promise<ProducerIdentity> {
    this.#producer ??= await this.#client.initialize(null);
    return this.#producer;
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
      const codes = await this.#client.produceAll(
        null,
        next.map(({ batch }) => batch),
      );
      for (const [index, { key }] of next.entries()) {
        try {
          this.#client.check("Produce", codes[index]!);
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
    for (const code of await this.#client.produceAll(id, attempt.batches))
      this.#client.check("Produce", code);
  }

  async #transact(attempt: Attempt): Promise<void> {
    const producer = await this.#client.initialize(WRITER);
    const partitions = [0, 1];
    await this.#client.addPartitions(WRITER, producer, partitions);
    await this.#produceIn(WRITER, producer, { attempt, partitions });
    await this.#client.commitInTransaction(WRITER, producer, attempt.position);
    attempt.endAsked = true;
    await this.#client.endTransaction(WRITER, producer, attempt.ends === "commit");
    attempt.endAnswered = true;
  }
}
