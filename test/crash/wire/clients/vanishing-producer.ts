/**
 * A transactional Kafka producer that begins a transaction, writes, and is never heard of again: time
 * ends it. Nothing of it may ever be seen by a reader of committed records, and what others wrote behind
 * it must be seen when its time is over. It comes again under a new id, so nobody fences the old one.
 */

import { setTimeout as pause } from "node:timers/promises";
import { ERROR } from "../../../../src/embedded/kafka/error-codes.ts";
import type { Random } from "../../../../src/model/ids.ts";
import { type Client, HungUp } from "../../../hostile/client.ts";
import { compressionOf, encodeBatch } from "../batches.ts";
import type { History } from "../history.ts";
import type { ServerLink } from "./server-link.ts";
import { ensureTopic, PARTITIONS } from "../topic.ts";
import { initialize, produceInTransaction } from "./transaction-requests.ts";

const TIMEOUT_MS = 500;
const TIMEOUT_MS_MORE = 1_500;
const AWAY_MS = 50;
const AWAY_MS_MORE = 200;
const BATCHES_MAX = 2;

export interface VanishingOptions {
  readonly name: string;
  readonly topic: string;
  readonly link: ServerLink;
  readonly history: History;
  readonly random: Random;
}

export class VanishingProducer {
  readonly #options: VanishingOptions;
  #begun = 0;
  #made = 0;
  /** A request is under way. */
  inFlight = 0;

  constructor(options: VanishingOptions) {
    this.#options = options;
  }

  /** Rejects with RunOver at the end, and with what a producer should never be told. */
  async run(): Promise<never> {
    const { link, random, topic } = this.#options;
    for (;;) {
      const client = await link.connect();
      try {
        await ensureTopic(client, topic);
        await this.#appear(client);
      } catch (error) {
        if (!(error instanceof HungUp)) throw error;
      } finally {
        client.socket.destroy();
      }
      await pause(AWAY_MS + random.next() * AWAY_MS_MORE);
    }
  }

  async #appear(client: Client): Promise<void> {
    const { name, topic, history, random } = this.#options;
    const position = ++this.#begun;
    const id = `${name}-${position}`;
    const timeoutMs = Math.round(TIMEOUT_MS + random.next() * TIMEOUT_MS_MORE);
    const { errorCode: refused, ...producer } = await initialize(client, { id, timeoutMs });
    if (refused !== ERROR.NONE) throw new Error(`${id} was refused its beginning with ${refused}`);
    history.take({ type: "begin", transaction: id, producer: id, position });
    try {
      const first = Math.floor(random.next() * PARTITIONS);
      const count = 1 + Math.floor(random.next() * BATCHES_MAX);
      for (let batch = 0; batch < count; batch++) {
        const partition = (first + batch) % PARTITIONS;
        const record = `${name}.${partition}:${this.#made++}`;
        const compression = compressionOf(random);
        const options = { producer, baseSequence: 0, transactional: true, compression };
        const bytes = encodeBatch([record], options);
        history.take({ type: "write", record, transaction: id });
        this.inFlight = 1;
        const asker = { client, id, producer, protocol: "second" } as const;
        const answer = await produceInTransaction(asker, topic, { partition, bytes });
        this.inFlight = 0;
        if (answer.errorCode !== ERROR.NONE) {
          throw new Error(`${id} was refused ${record} with ${answer.errorCode}`);
        }
        const { baseOffset: offset } = answer;
        history.take({ type: "acknowledged", record, partition, offset });
      }
    } finally {
      history.take({ type: "ended", transaction: id, as: "aborted" });
    }
  }
}
