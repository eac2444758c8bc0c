/**
 * The main thread's end of the worker: numbers requests, finds their answers, and fails all that are
 * open when the worker ends without answering. The worker keeps the process alive only while an
 * answer is due, so a store that nobody closed does not hold up the end of a program.
 */

import { Worker } from "node:worker_threads";
import { MillraceError } from "../../model/errors.ts";
import { unpackError } from "./wire/protocol.ts";
import type {
  Arguments,
  FromWorker,
  Operation,
  Request,
  Result,
  ToWorker,
  WorkerOptions,
} from "./wire/protocol.ts";

interface Pending {
  readonly resolve: (result: any) => void;
  readonly reject: (error: Error) => void;
}

/** Sources run as they are, and compiled beside each other: the worker has this file's own extension. */
const WORKER_URL = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js",
  import.meta.url,
);

export class WorkerClient {
  readonly #worker: Worker;
  readonly #service: string;
  readonly #pending = new Map<number, Pending>();
  readonly #opened: Promise<number>;
  readonly #exited: Promise<void>;
  #nextId = 1;
  #closed: MillraceError | undefined;

  constructor(options: WorkerOptions, url: URL = WORKER_URL) {
    this.#service = options.database.service;
    // Options of the main program, such as --input-type, are not for a worker's module.
    this.#worker = new Worker(url, { workerData: options, execArgv: [] });
    this.#opened = new Promise((resolve, reject) => {
      this.#worker.on("message", (message: FromWorker) => {
        if (message.kind === "opened") {
          this.#worker.unref();
          resolve(message.epoch);
        } else if (message.kind === "refused") {
          reject(unpackError(message.failure));
        } else {
          this.#settle(message.answers);
        }
      });
      this.#worker.on("error", (error) => {
        const failure = this.#end(error);
        reject(failure);
      });
      this.#worker.on("exit", () => reject(this.#end(undefined)));
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on("exit", () => resolve());
    });
  }

  /** The store's epoch, once it is open. Throws why it cannot be opened. */
  opened(): Promise<number> {
    return this.#opened;
  }

  call<Name extends Operation>(
    operation: Name,
    parameters: Arguments<Name>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Result<Name>> {
    const id = this.#nextId++;
    const request: Request = { id, operation, parameters };
    return this.#ask(request, transfer);
  }

  /** Resolves when the copy is whole; writes wait from then on, until `thaw`. */
  backup(file: string): Promise<void> {
    return this.#ask({ id: this.#nextId++, backupTo: file });
  }

  thaw(): Promise<void> {
    return this.#ask({ id: this.#nextId++, thaw: true });
  }

  /** For answers that need no worker: they end with it all the same. Throws CLOSED, STORE_FAILED. */
  refuseIfClosed(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  /** Answers what was asked before, then ends the worker. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = new MillraceError("CLOSED", `the store of ${this.#service} was closed`);
      this.#worker.ref();
      this.#post("close", []);
    }
    await this.#exited;
  }

  #ask<Answer>(
    order: Exclude<ToWorker, "close">,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Answer> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      if (this.#pending.size === 0) this.#worker.ref();
      this.#pending.set(order.id, { resolve, reject });
      this.#post(order, transfer);
    });
  }

  #post(message: ToWorker, transfer: readonly ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  #settle(answers: Extract<FromWorker, { kind: "answers" }>["answers"]): void {
    for (const answer of answers) {
      const pending = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if ("failure" in answer) pending?.reject(unpackError(answer.failure));
      else pending?.resolve(answer.result);
    }
    if (this.#pending.size === 0 && this.#closed === undefined) this.#worker.unref();
  }

  /** The worker is gone: so is every answer that was still to come. */
  #end(cause: Error | undefined): MillraceError {
    const failure = new MillraceError(
      "STORE_FAILED",
      `the worker of the store of ${this.#service} ended` +
        `${cause === undefined ? "" : `: ${cause.message}`}; start the process again`,
      { cause, retryable: false },
    );
    this.#closed ??= failure;
    for (const { reject } of this.#pending.values()) reject(failure);
    this.#pending.clear();
    return failure;
  }
}
