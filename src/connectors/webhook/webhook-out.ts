/**
 * Webhooks going out: messages posted to other people's addresses, as CloudEvents, signed by the
 * scheme of Standard Webhooks. `webhook` is a sink, for a router's rules; `webhookOut` is a part of a
 * service that reads streams or queues and posts what it reads.
 *
 * A delivery may happen again, after a crash or where the answer was lost, always with the same
 * `webhook-id`. Per key deliveries keep their order. What the answers mean stands in `verdict.ts`.
 */

import type { Environment } from "../../model/environment.ts";
import type { Message } from "../../model/message.ts";
import { checkConcurrency, checkOptions, checkPartName } from "../../service/declaration-checks.ts";
import { AnswerBuffer } from "../../service/effects/answer-buffer.ts";
import { EffectCalls } from "../../service/effects/effect-calls.ts";
import type { Decision, Part, WorkContext, Worker } from "../../service/part.ts";
import type { Sink } from "../../service/router/sink.ts";
import { OUTGOING_OPTIONS, outgoingPart, type OutgoingOptions } from "../outgoing-part.ts";
import { Delivery, DELIVERY_OPTIONS, type DeliveryOptions } from "./outgoing/delivery.ts";

export type WebhookOptions = DeliveryOptions;

/** Declares a sink that posts to a URL. Throws BAD_DECLARATION. */
export function webhook(name: string, options: WebhookOptions): Sink {
  const what = nameOf(name);
  checkOptions(options, what, DELIVERY_OPTIONS);
  const delivery = new Delivery(what, options);
  return Object.freeze<Sink>({
    kind: "sink",
    name,
    deliver: async (message, { idempotencyKey, nowMs, clock, signal }) => {
      await delivery.deliver(message, { id: idempotencyKey, nowMs, clock, signal });
    },
  });
}

export interface WebhookOutOptions extends WebhookOptions, OutgoingOptions {
  /** Keys posted at one time, per partition or queue; 16 unless said. */
  readonly concurrency?: number;
}

/** Receivers are smaller than we are. */
const CONCURRENCY = 16;

/** Declares a part that posts what it reads. Throws BAD_DECLARATION. */
export function webhookOut(name: string, options: WebhookOutOptions): Part {
  const what = nameOf(name);
  checkOptions(options, what, [...DELIVERY_OPTIONS, ...OUTGOING_OPTIONS, "concurrency"]);
  const { concurrency = CONCURRENCY } = options;
  checkConcurrency(what, concurrency);
  const delivery = new Delivery(what, options);
  return outgoingPart({
    name,
    what,
    options,
    concurrency,
    createWorker: (environment) => new WebhookWorker(name, delivery, environment),
  });
}

class WebhookWorker implements Worker {
  readonly #consumer: string;
  readonly #delivery: Delivery;
  readonly #environment: Environment;
  readonly #buffer = new AnswerBuffer();

  constructor(consumer: string, delivery: Delivery, environment: Environment) {
    this.#consumer = consumer;
    this.#delivery = delivery;
    this.#environment = environment;
  }

  /** Keyless messages stand alone. */
  keyOf({ envelope }: Message): string {
    return envelope.key ?? envelope.id;
  }

  async work(_key: string, messages: readonly Message[], context: WorkContext): Promise<Decision> {
    const effects = [];
    let handled = 0;
    for (const message of messages) {
      try {
        effects.push(...(await this.#deliver(message, context)));
      } catch (error) {
        return { writes: { effects }, outgoing: [], handled, failure: { error } };
      }
      handled++;
    }
    return { writes: { effects }, outgoing: [], handled };
  }

  /** The answer is journalled, so a replay posts nothing again. */
  async #deliver(message: Message, context: WorkContext): Promise<EffectCalls["answers"]> {
    const { id } = message.envelope;
    const calls = new EffectCalls({
      message: id,
      consumer: this.#consumer,
      context,
      buffer: this.#buffer,
    });
    await calls.run("delivery", async ({ signal }) => {
      const { clock } = this.#environment;
      const { status } = await this.#delivery.deliver(message, {
        id,
        nowMs: clock.now(),
        clock,
        signal,
      });
      return { status };
    });
    return calls.answers;
  }
}

function nameOf(name: string): string {
  checkPartName(name, "webhook");
  return `webhook "${name}"`;
}
