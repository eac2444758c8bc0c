/**
 * Answering a command that was handled before: the journal has what was answered then, and nothing is
 * done again.
 *
 * What the command published has its place in the lane by now, but nobody remembers which. So the
 * answer waits until the lane is published as far as it is committed, and names the ends of the
 * partitions instead: a reader that has come so far has seen it.
 */

import type { Streams } from "../../broker/streams.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Message } from "../../model/message.ts";
import type { Store } from "../../store/store.ts";
import type { Arrival } from "../input/arrival.ts";
import { askersOf } from "../input/arrival.ts";
import { outboxLane } from "../outbox/lane.ts";
import type { Relay } from "../outbox/relay.ts";
import { textOf } from "../failure.ts";
import type { StoreReads } from "../unit/store-reads.ts";
import { ANSWER, replyFor, type AnsweringOptions } from "./answering.ts";
import type { Answered } from "./asker.ts";
import { COMMAND_ID } from "./command-id.ts";
import { encodeToken, type WrittenPlace } from "./position-token.ts";
import { parseReply, type ReplyData } from "./reply-message.ts";

export interface AnswerAgainOptions extends AnsweringOptions {
  /** The input's name. */
  readonly input: string;
  readonly store: Store;
  readonly streams: Streams | undefined;
  readonly reads: StoreReads;
  readonly relay: Relay;
}

export class AnswerAgain {
  readonly #options: AnswerAgainOptions;

  constructor(options: AnswerAgainOptions) {
    this.#options = options;
  }

  /** The kept answer to the command; undefined where there is none. Throws STORE_FAILED. */
  async recorded(id: string): Promise<ReplyData | undefined> {
    const effects = await this.#options.reads.effects(id);
    const found = effects.find(({ name }) => name === ANSWER);
    return found && parseReply(found.json);
  }

  async answered({ verdict, wrote }: ReplyData): Promise<Answered> {
    const { service, part, input, relay } = this.#options;
    if (!verdict.ok || wrote === undefined) return { verdict, places: [] };
    const places: WrittenPlace[] = wrote.events.map(([entity, version]) => ({
      kind: "event",
      service,
      entity,
      version,
    }));
    if (wrote.published.length > 0) await relay.caughtUp(outboxLane(part.consumer, input));
    for (const [stream, key] of wrote.published) {
      const place = await this.#endOf(stream, key);
      if (place !== undefined) places.push(place);
    }
    return { verdict, places };
  }

  /** Tells whoever waits for it, here or at an address. */
  tell(arrival: Arrival): void {
    const askers = askersOf(arrival);
    const message = arrival.message;
    const repeated = message !== undefined && isRepeat(message);
    if (message === undefined || (askers.length === 0 && !repeated)) return;
    this.#tell(message, repeated, askers).catch((error: unknown) => {
      for (const asker of askers) asker.failed(error);
      const { environment, part } = this.#options;
      const facts = { part: part.name, id: message.envelope.id, error: textOf(error) };
      environment.log.warn(facts, "a command that came again was not answered");
    });
  }

  async #tell(
    message: Message,
    repeated: boolean,
    askers: ReturnType<typeof askersOf>,
  ): Promise<void> {
    const { id } = message.envelope;
    const answer = await this.recorded(id);
    if (answer === undefined) {
      for (const asker of askers) asker.failed(notKept(id));
      return;
    }
    if (repeated) await this.#reply(message, answer);
    if (askers.length === 0) return;
    const answered = await this.answered(answer);
    for (const asker of askers) asker.answered(answered);
  }

  /** On a lane of its own: the order among answers of different commands means nothing. */
  async #reply(message: Message, answer: ReplyData): Promise<void> {
    const { store, relay, part, input } = this.#options;
    const { places } = await this.answered(answer);
    const { command, verdict } = answer;
    const token = encodeToken(places);
    const reply = replyFor(message, { command, verdict, token }, this.#options);
    if (reply === undefined) return;
    const lane = `${outboxLane(part.consumer, input)}/again`;
    await relay.room(lane);
    const { sequences } = await store.apply({
      lane,
      sets: [{ key: "reply", finishes: [], outgoing: [reply] }],
    });
    if (sequences !== undefined) relay.committed(lane, sequences, [reply]);
  }

  async #endOf(stream: string, key: string): Promise<WrittenPlace | undefined> {
    const { streams } = this.#options;
    if (streams === undefined) return undefined;
    const partition = await streams.partitionOf(stream, key);
    const { partitions } = await streams.describeStream(stream);
    const end = partitions[partition]?.end ?? 0;
    return end === 0 ? undefined : { kind: "record", stream, partition, offset: end - 1 };
  }
}

function isRepeat({ envelope }: Message): boolean {
  return envelope.replyTo !== undefined && envelope.extensions?.[COMMAND_ID] !== undefined;
}

function notKept(id: string): MillraceError {
  return new MillraceError(
    "CONFLICT",
    `the command ${id} was handled before, and its answer was not kept because nobody asked for it; read what it did, or send another command`,
    { details: { id }, retryable: false },
  );
}
