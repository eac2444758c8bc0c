/**
 * Asking commands whose handler runs in another process: sent to their queue with an address for the
 * answer, a queue of this process that ends with it.
 *
 * An answer is told to whoever waits for that command. One that comes after they gave up, or for
 * something that nobody here asked, is dropped and counted. When the queue cannot be received from any
 * more, whoever waits is told, and the next question opens another one.
 */

import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import type { QueueReceiver, Queues } from "../../broker/queues.ts";
import type { Timer } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Draft, RawMessage } from "../../model/message.ts";
import { textOf } from "../failure.ts";
import type { PublishOptions } from "../publisher.ts";
import type { Answer } from "./answer.ts";
import { COMMAND_ID } from "./command-id.ts";
import { answerOf, lateAnswer, type AskOptions } from "./direct-asks.ts";
import type { WrittenPlace } from "./position-token.ts";
import { decodeReply, type ReplyData } from "./reply-message.ts";
import { placesOf } from "./wrote.ts";

export interface RemoteAsksOptions {
  readonly queues: Queues;
  readonly environment: Environment;
  /** Resolves when the command is durable in its queue. */
  readonly send: (draft: Draft, options: PublishOptions) => Promise<unknown>;
}

interface Waiting {
  readonly timer: Timer;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

interface ReplyQueue {
  readonly name: string;
  readonly receiver: QueueReceiver;
}

/** Questions without an answer at one time. */
const WAITING_MAX = 10_000;
const CREDIT = 1024;

export class RemoteAsks implements AsyncDisposable {
  readonly #options: RemoteAsksOptions;
  /** By the command's id; one may be asked twice at a time. */
  readonly #waiting = new Map<string, Set<Waiting>>();
  #count = 0;
  #queue: Promise<ReplyQueue> | undefined;
  #received: Promise<void> = Promise.resolve();
  #closed = false;
  #lateReplies = 0;

  constructor(options: RemoteAsksOptions) {
    this.#options = options;
  }

  /** Answers that nobody waited for any more. */
  get lateReplies(): number {
    return this.#lateReplies;
  }

  /**
   * Resolves to the answer. Throws DEADLINE, OVERLOADED, CLOSED, and what sending throws. Nobody knows
   * then whether the command was done, unless it was not sent.
   */
  async ask(draft: Draft, { deadlineMs, ...given }: AskOptions): Promise<Answer> {
    if (this.#closed) throw closed();
    if (this.#count >= WAITING_MAX) throw overloaded();
    const { environment, send } = this.#options;
    const sent = environment.ids.newId();
    const id = given.id ?? sent;
    const expires = environment.clock.now() + deadlineMs;
    const answer = Promise.withResolvers<Answer>();
    const waiting = {
      timer: environment.clock.after(deadlineMs, () => {
        answer.reject(lateAnswer(draft.type, { id, deadlineMs }));
      }),
      resolve: answer.resolve,
      reject: answer.reject,
    };
    this.#wait(id, waiting);
    const sending = async (): Promise<void> => {
      const { name: replyTo } = await this.#open();
      const attributes = given.id === undefined ? {} : { [COMMAND_ID]: id };
      await send(draft, { ...given, id: sent, replyTo, expires, attributes });
    };
    sending().catch(answer.reject);
    try {
      return await answer.promise;
    } finally {
      waiting.timer.cancel();
      this.#forget(id, waiting);
    }
  }

  /** Ends the queue; whoever waits is told. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#fail(closed());
    const queue = await this.#queue?.catch(() => undefined);
    if (queue === undefined) return;
    await queue.receiver.close();
    await this.#received;
    await this.#delete(queue.name);
  }

  #wait(id: string, waiting: Waiting): void {
    const known = this.#waiting.get(id);
    if (known === undefined) this.#waiting.set(id, new Set([waiting]));
    else known.add(waiting);
    this.#count++;
  }

  #forget(id: string, waiting: Waiting): void {
    const known = this.#waiting.get(id);
    if (known?.delete(waiting) !== true) return;
    this.#count--;
    if (known.size === 0) this.#waiting.delete(id);
  }

  #fail(error: unknown): void {
    for (const each of this.#waiting.values()) {
      for (const { reject } of each) reject(error);
    }
  }

  #open(): Promise<ReplyQueue> {
    this.#queue ??= this.#openQueue().catch((error: unknown) => {
      this.#queue = undefined;
      throw error;
    });
    return this.#queue;
  }

  async #openQueue(): Promise<ReplyQueue> {
    const { queues, environment } = this.#options;
    const name = `millrace.replies.${environment.ids.newId()}`;
    await queues.ensureQueue({ name, temporary: true, durability: { mode: "memory" } });
    const receiver = await queues.receive(name, { credit: CREDIT });
    this.#received = this.#receive(receiver).catch((error: unknown) => {
      const facts = { queue: name, error: textOf(error) };
      environment.log.warn(facts, "answers cannot be received; the next question opens anew");
    });
    void this.#received.then(() => {
      this.#queue = undefined;
      this.#fail(unheard());
    });
    return { name, receiver };
  }

  async #receive(receiver: QueueReceiver): Promise<void> {
    const { queues } = this.#options;
    for await (const leases of receiver) {
      for (const { message } of leases) this.#take(message);
      await queues.accept(leases);
    }
  }

  #take(raw: RawMessage): void {
    const { environment } = this.#options;
    let reply: ReplyData;
    let places: readonly WrittenPlace[];
    try {
      reply = decodeReply(raw);
      places = writtenPlaces(raw, reply, environment.clock.now());
    } catch (error) {
      environment.log.warn({ error: textOf(error) }, "what came as an answer cannot be read");
      return;
    }
    const waiting = this.#waiting.get(reply.command);
    if (waiting === undefined) {
      this.#lateReplies++;
      environment.log.info({ id: reply.command }, "an answer came too late and was dropped");
      return;
    }
    const answer = answerOf({ verdict: reply.verdict, places });
    const told =
      answer.ok && reply.token !== undefined ? { ...answer, token: reply.token } : answer;
    for (const { resolve } of waiting) resolve(told);
  }

  async #delete(name: string): Promise<void> {
    const { queues, environment } = this.#options;
    await queues.deleteQueue(name).catch((error: unknown) => {
      environment.log.debug({ queue: name, error: textOf(error) }, "a reply queue was not removed");
    });
  }
}

/** The reply stands on the lane behind what the command published. */
function writtenPlaces(
  raw: RawMessage,
  { wrote }: ReplyData,
  receivedMs: number,
): readonly WrittenPlace[] {
  const { source, place } = decodeEnvelope(raw, { receivedMs });
  if (wrote === undefined || place === undefined) return [];
  const { epoch, lane, sequence: end } = place;
  return placesOf(wrote, { source, epoch, lane, end });
}

function overloaded(): MillraceError {
  return new MillraceError(
    "OVERLOADED",
    `${WAITING_MAX} questions wait for their answers, the most allowed; wait for some before asking more`,
  );
}

function closed(): MillraceError {
  return new MillraceError(
    "CLOSED",
    "the app was closed before the command was answered; ask again under the same id to learn what became of it",
    { retryable: true },
  );
}

function unheard(): MillraceError {
  return new MillraceError(
    "UNREACHABLE",
    "answers cannot be received from the broker; ask again under the same id to learn what became of the command",
  );
}
