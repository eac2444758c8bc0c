/**
 * The thread that owns the database.
 *
 * Group commit: while one transaction is synced to disk, requests gather in the port. When the thread
 * is free again it takes all of them, runs those that write in one transaction, commits once, then
 * runs those that only read, and answers everybody. So nobody is answered before the sync that covers
 * him, and a hundred callers share one.
 *
 * A request that the engine refuses (it does so before it writes) fails alone. Any other error may
 * leave half of a request written, so it rolls the group back and each member runs again on its own.
 * After an error of the disk or damage nothing is tried again: what the file holds is in doubt.
 *
 * A backup copies the file piece by piece beside the work; what is written meanwhile goes into the copy
 * too, for it is written by the same connection. From before its last piece on, writes are held until
 * somebody thaws them: so what the copy holds is what the store holds.
 *
 * On a full disk the write-ahead log, of which most is overtaken, is copied and cut off before anybody
 * is answered: its room is what the next commits of this and of other stores may need.
 */

import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { assert } from "../../model/assert.ts";
import { MillraceError, isMillraceError } from "../../model/errors.ts";
import { Database, isFatal, isFull } from "./database.ts";
import { Engine } from "./engine.ts";
import { isWrite, packError } from "./wire/protocol.ts";
import type {
  Answer,
  BackupOrder,
  FromWorker,
  Request,
  ThawOrder,
  ToWorker,
  WorkerOptions,
} from "./wire/protocol.ts";

/** Requests that share a commit: more would only make the first of them wait longer. */
const GROUP_MAX = 512;

class StoreThread {
  readonly #port: MessagePort;
  readonly #database: Database;
  readonly #engine: Engine;
  readonly #epoch: number;
  /** Why nothing may be asked of the file any more. */
  #failed: unknown;
  /** Writes that wait for the end of a backup; undefined while none are held. */
  #held: Request[] | undefined;
  #backup: Promise<void> | undefined;

  constructor(port: MessagePort, { database, idWindow }: WorkerOptions) {
    this.#port = port;
    this.#database = new Database(database);
    try {
      this.#engine = new Engine(this.#database, idWindow);
      this.#epoch = this.#engine.epoch();
    } catch (error) {
      throw this.#database.translate(error);
    }
  }

  start(): void {
    this.#port.on("message", (first: ToWorker) => this.#receive(first));
    this.#send({ kind: "opened", epoch: this.#epoch });
  }

  #receive(first: ToWorker): void {
    const requests: Request[] = [];
    for (let message: ToWorker | undefined = first; message !== undefined; message = this.#next()) {
      if (message === "close") {
        this.#serve(requests);
        void this.#close();
        return;
      }
      if (!("operation" in message)) {
        this.#serve(requests.splice(0));
        this.#order(message);
        continue;
      }
      requests.push(message);
      if (requests.length === GROUP_MAX) this.#serve(requests.splice(0));
    }
    this.#serve(requests);
  }

  /** A backup ends before the file is closed under it. */
  async #close(): Promise<void> {
    await this.#backup;
    this.#thaw();
    this.#database.close();
    this.#port.close();
  }

  #order(order: BackupOrder | ThawOrder): void {
    if ("thaw" in order) {
      this.#thaw();
      this.#send({ kind: "answers", answers: [{ id: order.id, result: undefined }] });
    } else {
      this.#backup = this.#copy(order);
    }
  }

  async #copy({ id, backupTo }: BackupOrder): Promise<void> {
    try {
      if (this.#failed !== undefined) throw this.#failed;
      await this.#database.backup(backupTo, () => (this.#held ??= []));
      this.#send({ kind: "answers", answers: [{ id, result: undefined }] });
    } catch (error) {
      if (isFatal(error)) this.#failed = error;
      this.#thaw();
      const failure = packError(this.#database.translate(error));
      this.#send({ kind: "answers", answers: [{ id, failure }] });
    }
  }

  #thaw(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (let from = 0; from < held.length; from += GROUP_MAX) {
      this.#serve(held.slice(from, from + GROUP_MAX));
    }
  }

  #next(): ToWorker | undefined {
    const received: { message: ToWorker } | undefined = receiveMessageOnPort(this.#port);
    return received?.message;
  }

  #serve(requests: readonly Request[]): void {
    if (requests.length === 0) return;
    let writes = requests.filter(({ operation }) => isWrite(operation));
    const reads = requests.filter(({ operation }) => !isWrite(operation));
    if (this.#held !== undefined) {
      this.#held.push(...writes);
      writes = [];
    }
    const answers = writes.length === 0 ? [] : this.#commit(writes);
    for (const request of reads) answers.push(this.#attempt(request));
    this.#send({ kind: "answers", answers });
  }

  /** Runs the requests in one transaction, or each in its own where that fails. */
  #commit(requests: readonly Request[]): Answer[] {
    try {
      if (this.#failed !== undefined) throw this.#failed;
      this.#database.begin();
      const answers = requests.map((request) => this.#run(request));
      this.#database.commit();
      return answers;
    } catch (error) {
      this.#undo(error);
      if (requests.length > 1 && this.#failed === undefined) {
        return requests.flatMap((request) => this.#commit([request]));
      }
      const failure = packError(this.#database.translate(error));
      return requests.map(({ id }) => ({ id, failure }));
    }
  }

  /** Refusals are answers; everything else is thrown. */
  #run({ id, operation, parameters }: Request): Answer {
    try {
      return { id, result: this.#call(operation, parameters) };
    } catch (error) {
      if (isMillraceError(error)) return { id, failure: packError(error) };
      throw error;
    }
  }

  #attempt(request: Request): Answer {
    try {
      if (this.#failed !== undefined) throw this.#failed;
      return this.#run(request);
    } catch (error) {
      if (isFatal(error)) this.#failed = error;
      return { id: request.id, failure: packError(this.#database.translate(error)) };
    }
  }

  #call(operation: Request["operation"], parameters: readonly unknown[]): unknown {
    return Reflect.apply(this.#engine[operation], this.#engine, parameters);
  }

  #undo(error: unknown): void {
    if (isFatal(error)) this.#failed = error;
    this.#engine.forget();
    try {
      this.#database.rollback();
    } catch (rollbackError) {
      // Without a rollback the next transaction would build on half of this one.
      this.#failed ??= rollbackError;
    }
    if (isFull(error) && this.#failed === undefined) this.#giveBackLog();
  }

  #giveBackLog(): void {
    try {
      this.#database.giveBackLog();
    } catch (error) {
      // Also the file itself may find no room to grow: then the log keeps what it has.
      if (isFatal(error)) this.#failed = error;
    }
  }

  #send(message: FromWorker): void {
    this.#port.postMessage(
      message,
      message.kind === "answers" ? transferable(message.answers) : [],
    );
  }
}

/** The memory of packed events is handed over; everything else is copied. */
function transferable(answers: readonly Answer[]): ArrayBuffer[] {
  return answers.flatMap((answer) => {
    const result = "result" in answer ? answer.result : undefined;
    if (typeof result !== "object" || result === null || !("events" in result)) return [];
    const { events } = result;
    return events instanceof Uint8Array && events.buffer instanceof ArrayBuffer
      ? [events.buffer]
      : [];
  });
}

const port = parentPort;
assert(port !== null, "this module runs as a worker");
const options: WorkerOptions = workerData;
try {
  new StoreThread(port, options).start();
} catch (error) {
  if (!(error instanceof MillraceError)) throw error;
  const refused: FromWorker = { kind: "refused", failure: packError(error) };
  port.postMessage(refused);
  port.close();
}
