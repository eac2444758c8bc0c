/**
 * The transactions of one broker: looked after from its opening to its close, with a door or without.
 *
 * They come by the Kafka door and stay when it is closed. An open one holds back whoever reads committed
 * records, in this process too, until it is ended or its time is over. The code that looks after them
 * is loaded where the directory knows of any, or somebody may begin one.
 */

import type { Engine } from "./engine.ts";
import type { Transactions } from "./kafka/transactions/open-transactions.ts";
import { TRANSACTION_PREFIX } from "./kafka/transactions/transaction-key.ts";

export class BrokerTransactions {
  readonly #engine: Engine;
  #opened: Promise<Transactions> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Ends what a crash left half ended, and from now on what is open for too long. Serve nobody before it
   * resolves.
   */
  async recover(): Promise<void> {
    if (this.#known()) await this.open();
  }

  /** Of all that ask the first one opens them; after a failure the next one. */
  open(): Promise<Transactions> {
    return (this.#opened ??= this.#load().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    }));
  }

  /** Resolves when nothing is under way any more. What is open stays so until the next opening. */
  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }

  async #load(): Promise<Transactions> {
    const { openTransactions } = await import("./kafka/transactions/open-transactions.ts");
    return await openTransactions(this.#engine);
  }

  /** By the state log, or by a partition that has one of which the state log does not know. */
  #known(): boolean {
    const { state, streams, streamStorage } = this.#engine;
    if (!state.entries(TRANSACTION_PREFIX).next().done) return true;
    return [...streams.streams.values()]
      .flatMap(({ stored }) => streamStorage.logsOf(stored.incarnation))
      .some((log) => log.stableEnd < log.end);
  }
}
