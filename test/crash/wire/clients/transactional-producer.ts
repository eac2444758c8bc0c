/**
 * A transactional Kafka producer: each transaction writes to several partitions and commits an offset,
 * then commits or aborts. A step without an answer is asked again on the next connection; by chance the
 * producer begins anew instead, as one whose process died, and is given a new epoch, which decides the
 * transaction that was under way. So does a rival of the same transactional id, where there is one.
 *
 * The offset is the transaction's own number, so it tells which transaction was the last to commit.
 */

import { setTimeout as pause } from "node:timers/promises";
import { ERROR } from "../../../../src/embedded/kafka/error-codes.ts";
import type { Random } from "../../../../src/model/ids.ts";
import { type Client, HungUp } from "../../../hostile/client.ts";
import { compressionOf, encodeBatch, type ProducerIdentity } from "../batches.ts";
import type { History } from "../history.ts";
import { Rivalry } from "./rivalry.ts";
import type { ServerLink } from "./server-link.ts";
import { ensureTopic, PARTITIONS } from "../topic.ts";
import {
  addOffsets,
  addPartitions,
  type Asker,
  commitOffset,
  endTransaction,
  firstError,
  initialize,
  produceInTransaction,
  type Protocol,
} from "./transaction-requests.ts";

const ABORTED = 0.25;
const BEGINS_ANEW = 0.3;
const BATCHES_MAX = 3;
const RECORDS_MAX = 3;
const RETRY_MS = 5;
const TRIES_MAX = 1_000;
/** Longer than any run: what times out is another client's business. */
const TIMEOUT_MS = 900_000;
/** How much too early the control is, so that few kills suffice to find it out. */
const EARLY_MS = 10;
/** The last transaction that was begun has this position in its group, on this partition. */
const POSITION_PARTITION = 0;
/** A producer that was fenced lets its rival work for so long. */
const FENCED_MS = 30;
const FENCED_MS_MORE = 100;

export interface TransactionalOptions {
  readonly name: string;
  readonly topic: string;
  readonly link: ServerLink;
  readonly history: History;
  readonly random: Random;
  readonly protocol: Protocol;
  /** Others have the same transactional id, which is then this one. */
  readonly shared?: { readonly id: string; readonly rivalry: Rivalry };
  /** Does wrong: a transaction counts as committed when its records are, before its end is answered. */
  readonly commitUnanswered?: boolean;
}

/** Resolves with an error code, when the answer is understood. */
interface Step {
  readonly what: string;
  readonly ask: (asker: Asker) => Promise<number>;
}

interface Transaction {
  readonly name: string;
  readonly position: number;
  readonly commits: boolean;
  readonly steps: Step[];
  /** Its end was asked for, and may have been done. */
  endTried: boolean;
}

/** A rival has begun since. */
class Fenced extends Error {
  override readonly name = "Fenced";
}

const FENCING: ReadonlySet<number> = new Set([ERROR.PRODUCER_FENCED, ERROR.INVALID_PRODUCER_EPOCH]);

export class TransactionalProducer {
  readonly #options: TransactionalOptions;
  readonly #id: string;
  readonly #rivalry: Rivalry;
  #identity: ProducerIdentity | undefined;
  #sequences = new Map<number, number>();
  #transaction: Transaction | undefined;
  #begun = 0;
  #made = 0;
  /** A request is under way. */
  inFlight = 0;
  fencedCount = 0;

  constructor(options: TransactionalOptions) {
    this.#options = options;
    this.#id = options.shared?.id ?? options.name;
    this.#rivalry = options.shared?.rivalry ?? new Rivalry();
  }

  /** Rejects with RunOver at the end, and with what a producer should never be told. */
  async run(): Promise<never> {
    const { link, random, commitUnanswered = false } = this.#options;
    for (;;) {
      const client = await link.connect();
      try {
        await this.#work(client);
      } catch (error) {
        if (error instanceof Fenced) await this.#giveWay();
        else if (!(error instanceof HungUp)) throw error;
        else if (commitUnanswered || random.next() < BEGINS_ANEW) this.#identity = undefined;
      } finally {
        client.socket.destroy();
      }
    }
  }

  /** Begins anew, so that the transaction that was under way is over. Only while `run` is in no life. */
  async finish(client: Client): Promise<void> {
    this.#identity = undefined;
    await this.#initialize(client);
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
      this.#ended(transaction.commits ? "committed" : "aborted");
    }
  }

  async #giveWay(): Promise<void> {
    this.fencedCount++;
    this.#identity = undefined;
    this.#over();
    await pause(FENCED_MS + this.#options.random.next() * FENCED_MS_MORE);
  }

  /** The transaction that was under way is decided by it. */
  async #initialize(client: Client): Promise<void> {
    const { name, link } = this.#options;
    const ask = async (): Promise<number> => {
      this.#rivalry.asks(name, link.life);
      const settings = { id: this.#id, timeoutMs: TIMEOUT_MS };
      const asked = initialize(client, settings);
      asked.catch(() => this.#rivalry.loses(name));
      const { errorCode, ...identity } = await asked;
      if (errorCode === ERROR.NONE) {
        this.#rivalry.begins(name);
        this.#adopt(identity);
      }
      return errorCode;
    };
    await this.#ask(client, { what: "its beginning", ask }, "");
    this.#over();
  }

  /** Somebody begins, this producer or a rival: what was under way is decided, one way or the other. */
  #over(): void {
    const { commits = false, endTried = false } = this.#transaction ?? {};
    if (!(commits && endTried)) this.#ended("aborted");
    else if (this.#options.commitUnanswered !== true) this.#ended("decided");
    this.#transaction = undefined;
  }

  #ended(as: "committed" | "aborted" | "decided"): void {
    if (this.#transaction === undefined) return;
    this.#options.history.take({ type: "ended", transaction: this.#transaction.name, as });
    this.#transaction = undefined;
  }

  #adopt(identity: ProducerIdentity): void {
    const { producerId, epoch } = identity;
    const isSame = this.#identity?.producerId === producerId && this.#identity.epoch === epoch;
    if (!isSame) this.#sequences = new Map();
    this.#identity = identity;
  }

  /** Asks again while the server asks for patience. */
  async #ask(client: Client, step: Step, of: string): Promise<void> {
    const { name, protocol } = this.#options;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const producer = this.#identity ?? NOBODY;
      const who = `${name} (${producer.producerId}/${producer.epoch})`;
      const isOlder = producer !== NOBODY && this.#rivalry.isOlder(name);
      this.inFlight = 1;
      const error = await step.ask({ client, id: this.#id, producer, protocol });
      this.inFlight = 0;
      if (error === ERROR.NONE && isOlder)
        throw new Error(`${who} was served ${step.what}: fenced`);
      if (error === ERROR.NONE) return;
      if (FENCING.has(error) && !this.#rivalry.isNewest(name)) throw new Fenced();
      if (error !== ERROR.CONCURRENT_TRANSACTIONS) {
        throw new Error(`${who} was refused ${step.what} ${of} with ${error}`);
      }
      await pause(RETRY_MS);
    }
    throw new Error(`${name} was put off at ${step.what} ${of} ${TRIES_MAX} times`);
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
    steps.push(this.#commitOffset(position), this.#end(transaction));
    return transaction;
  }

  #addPartitions(partitions: readonly number[]): Step {
    const { topic } = this.#options;
    return { what: "partitions", ask: (asker) => addPartitions(asker, topic, partitions) };
  }

  /** The batch is made when it is first sent, under the epoch and sequence that hold then. */
  #produce(transaction: string, partition: number): Step {
    const { name, topic, history, random } = this.#options;
    const count = 1 + Math.floor(random.next() * RECORDS_MAX);
    const records = Array.from({ length: count }, () => `${name}.${partition}:${this.#made++}`);
    let bytes: Buffer | undefined;
    const ask = async (asker: Asker): Promise<number> => {
      const { producer } = asker;
      if (bytes === undefined) {
        const baseSequence = this.#sequences.get(partition) ?? 0;
        this.#sequences.set(partition, baseSequence + count);
        const compression = compressionOf(random);
        const options = { producer, baseSequence, transactional: true, compression };
        bytes = encodeBatch(records, options);
        for (const record of records) history.take({ type: "write", record, transaction });
      }
      const batch = { partition, bytes };
      const { errorCode, baseOffset } = await produceInTransaction(asker, topic, batch);
      if (errorCode !== ERROR.NONE) return errorCode;
      for (const [index, record] of records.entries()) {
        history.take({ type: "acknowledged", record, partition, offset: baseOffset + index });
      }
      return errorCode;
    };
    return { what: "a batch", ask };
  }

  #commitEarly(transaction: Transaction): Step {
    const ask = async (): Promise<number> => {
      transaction.endTried = true;
      const { name } = transaction;
      this.#options.history.take({ type: "ended", transaction: name, as: "committed" });
      await pause(EARLY_MS);
      return ERROR.NONE;
    };
    return { what: "nothing", ask };
  }

  #addOffsets(): Step {
    const group = positionGroup(this.#id);
    return { what: "a group", ask: (asker) => addOffsets(asker, group) };
  }

  #commitOffset(offset: number): Step {
    const at = { topic: this.#options.topic, partition: POSITION_PARTITION, offset };
    const group = positionGroup(this.#id);
    return { what: "a position", ask: (asker) => commitOffset(asker, group, at) };
  }

  #end(transaction: Transaction): Step {
    const ask = async (asker: Asker): Promise<number> => {
      const wasTried = transaction.endTried;
      transaction.endTried = true;
      const { errorCode, ...identity } = await endTransaction(asker, transaction.commits);
      if (errorCode === ERROR.NONE) this.#adopt(identity);
      else if (FENCING.has(errorCode)) transaction.endTried = wasTried;
      return errorCode;
    };
    return { what: "the end", ask };
  }
}

const NOBODY: ProducerIdentity = { producerId: -1, epoch: -1 };

function positionGroup(id: string): string {
  return `${id}-positions`;
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
