/**
 * The queues of one broker: the registry that all its clients share. Changes of one queue run one after
 * another, those of different queues side by side.
 *
 * A queue whose log is damaged does not keep the broker from opening: it stays in the registry with
 * its error, which every call on it throws, until it is repaired or deleted.
 */

import type { Clock } from "../../../model/clock.ts";
import type { Log } from "../../../model/environment.ts";
import { isMillraceError, MillraceError } from "../../../model/errors.ts";
import type { QueueInfo, QueueSpec } from "../../queues.ts";
import { checkQueueSpec } from "../../validate.ts";
import { ChangesByName } from "../changes-by-name.ts";
import { LocalQueue, rulesOf } from "./local-queue.ts";
import { MemoryJournal } from "./memory-journal.ts";
import type { QueueStorage, StoredQueue } from "./queue-storage.ts";

export interface QueueEngineOptions {
  readonly storage: QueueStorage;
  readonly clock: Clock;
  readonly report: Log;
  /** Runs the callback at the end of the present tick. */
  readonly defer: (callback: () => void) => void;
}

/** Queues that are made, changed or removed at one time. */
const CHANGED_TOGETHER = 8;

export class QueueEngine {
  readonly #options: QueueEngineOptions;
  readonly #queues = new Map<string, LocalQueue>();
  readonly #damaged = new Map<
    string,
    { readonly error: MillraceError; readonly stored: StoredQueue }
  >();
  /** Of temporary queues. */
  readonly #clientOf = new Map<LocalQueue, object>();
  readonly #changes = new ChangesByName(CHANGED_TOGETHER);

  private constructor(options: QueueEngineOptions) {
    this.#options = options;
  }

  /** Recovers every queue found. */
  static async open(options: QueueEngineOptions): Promise<QueueEngine> {
    const engine = new QueueEngine(options);
    for (const stored of options.storage.found) await engine.#open(stored);
    return engine;
  }

  get queues(): ReadonlyMap<string, LocalQueue> {
    return this.#queues;
  }

  /** Throws UNKNOWN_QUEUE, and LOG_DAMAGED where recovery found damage. */
  queue(name: string): LocalQueue {
    const queue = this.#queues.get(name);
    if (queue !== undefined) return queue;
    throw this.#damaged.get(name)?.error ?? unknownQueue(name);
  }

  /** A temporary queue that is created belongs to `client`. */
  ensure(spec: QueueSpec, client: object): Promise<QueueInfo> {
    checkQueueSpec(spec);
    return this.#changes.run(spec.name, async () => {
      const present = this.#queues.get(spec.name);
      const damaged = this.#damaged.get(spec.name);
      if (damaged !== undefined) throw damaged.error;
      if (present === undefined) {
        const temporary = spec.temporary === true;
        // A temporary queue never reaches the storage, so nothing of it is found after a crash.
        const stored = temporary
          ? { spec, journal: new MemoryJournal() }
          : await this.#options.storage.createQueue(spec);
        const queue = await this.#add(stored).catch(async (error: unknown) => {
          // Why it could not be recovered is told, and not what came of that.
          await stored.journal.close().catch(() => undefined);
          throw error;
        });
        if (temporary) this.#clientOf.set(queue, client);
        return queue.info();
      }
      refuseMismatch(present.spec, spec);
      if (JSON.stringify(present.spec) !== JSON.stringify(spec)) {
        if (spec.temporary !== true) await this.#options.storage.saveSpec(spec);
        await present.configure(spec);
      }
      return present.info();
    });
  }

  remove(name: string): Promise<void> {
    return this.#changes.run(name, async () => {
      const damaged = this.#damaged.get(name);
      if (damaged === undefined) {
        const queue = this.queue(name);
        await this.#end(queue);
        if (queue.spec.temporary === true) return;
      } else {
        this.#damaged.delete(name);
        await damaged.stored.journal.close();
      }
      await this.#options.storage.removeQueue(name);
    });
  }

  /** Removes the temporary queues that belong to the client, also those that are being made. */
  async removeTemporary(client: object): Promise<void> {
    await this.#changes.settled();
    const owned = [...this.#clientOf].filter(([, owner]) => owner === client);
    const ends = owned.map(([queue]) =>
      this.#changes.run(queue.spec.name, async () => {
        if (this.#clientOf.get(queue) === client) await this.#end(queue);
      }),
    );
    await Promise.all(ends);
  }

  async close(): Promise<void> {
    await this.#changes.settled();
    const reason = new MillraceError("CLOSED", "the broker was closed; open it again");
    const ends = await Promise.allSettled([
      ...[...this.#queues.values()].map((queue) => queue.close(reason)),
      ...[...this.#damaged.values()].map(({ stored }) => stored.journal.close()),
    ]);
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #open(stored: StoredQueue): Promise<void> {
    try {
      await this.#add(stored);
    } catch (error) {
      if (!isMillraceError(error, "LOG_DAMAGED")) throw error;
      const { name } = stored.spec;
      const refusal = damagedQueue(name, error);
      this.#damaged.set(name, { error: refusal, stored });
      this.#options.report.error({ queue: name, code: error.code }, refusal.message);
    }
  }

  async #add({ spec, journal }: StoredQueue): Promise<LocalQueue> {
    const { clock, defer } = this.#options;
    const recovered = await journal.recover(rulesOf(spec));
    const queue = new LocalQueue({ spec, journal, clock, defer }, recovered);
    this.#queues.set(spec.name, queue);
    return queue;
  }

  async #end(queue: LocalQueue): Promise<void> {
    const { name } = queue.spec;
    this.#queues.delete(name);
    this.#clientOf.delete(queue);
    await queue.close(unknownQueue(name));
  }
}

function refuseMismatch(present: QueueSpec, asked: QueueSpec): void {
  const { name } = asked;
  if (rulesOf(present).keyOrder !== rulesOf(asked).keyOrder) {
    throw new MillraceError(
      "STREAM_MISMATCH",
      `${name} was made ${present.keyOrder === true ? "with" : "without"} keyOrder, which cannot be changed while it may hold messages; drain and delete it, then create it anew`,
      { details: { queue: name, keyOrder: present.keyOrder ?? false } },
    );
  }
  if ((present.temporary === true) !== (asked.temporary === true)) {
    const was = present.temporary === true ? "as a temporary queue" : "to last";
    throw new MillraceError(
      "STREAM_MISMATCH",
      `${name} was made ${was}, which cannot be changed; take another name, or delete it and create it anew`,
      { details: { queue: name, temporary: present.temporary ?? false } },
    );
  }
}

function damagedQueue(name: string, cause: MillraceError): MillraceError {
  return new MillraceError(
    "LOG_DAMAGED",
    `the queue ${name} cannot be opened: ${cause.message}. What became of its messages cannot be told ` +
      `without these: restore a backup; or stop the process and accept the loss (millrace log repair), ` +
      `then messages that are left come, some of them perhaps again; or delete the queue with all that ` +
      `waits in it`,
    { cause, details: { ...cause.details, queue: name } },
  );
}

function unknownQueue(name: string): MillraceError {
  return new MillraceError(
    "UNKNOWN_QUEUE",
    `there is no queue ${name}; see which there are (millrace queue ls), or create it with ensureQueue`,
    { details: { queue: name } },
  );
}
