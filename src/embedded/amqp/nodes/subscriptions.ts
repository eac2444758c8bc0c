/**
 * Durable subscriptions: each is a queue of its own, fed from a stream through a selector, whether or not
 * its client is there. The container's id and the link's name make its name, as the standard has it.
 *
 * What it is stands in the state log, and its queue is made before it: after a crash between the two there
 * is an empty queue that the next attach takes up.
 */

import type { StartAt } from "../../../model/position.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { RawMessage } from "../../../model/message.ts";
import type { Engine } from "../../engine.ts";
import { parseSelector } from "../selector/selector.ts";
import { lookupOf } from "../selector/message-lookup.ts";
import { feed } from "./feeder.ts";

const PREFIX = "amqp-subscription/";
const DEDUPE = { count: 10_000, ms: 86_400_000 };
const NAME_LENGTH_MAX = 249;

interface Stored {
  readonly stream: string;
  /** Of the stream: another one of its name is another stream. */
  readonly incarnation: string;
  readonly selector: string | undefined;
  readonly positions: number[];
}

export interface SubscriptionRequest {
  readonly name: string;
  readonly stream: string;
  readonly selector: string | undefined;
  /** Where a new one begins. */
  readonly from: StartAt;
}

interface Running {
  readonly stored: Stored;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

export class Subscriptions {
  readonly #engine: Engine;
  readonly #countMax: number;
  readonly #running = new Map<string, Running>();
  #changes: Promise<unknown> = Promise.resolve();

  /** Goes on with all that there are. */
  constructor(engine: Engine, countMax: number) {
    this.#engine = engine;
    this.#countMax = countMax;
    for (const [key, value] of engine.state.entries(PREFIX)) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this class alone
      this.#start(key.slice(PREFIX.length), JSON.parse(value) as Stored);
    }
  }

  /** The stream and selector of a subscription, undefined where there is none of this name. */
  get(
    name: string,
  ): { readonly stream: string; readonly selector: string | undefined } | undefined {
    return this.#running.get(name)?.stored;
  }

  /**
   * Finds the subscription, or makes it. As JMS has it, one that is asked for with another stream or
   * selector ends with all that waits in it, and begins anew.
   */
  ensure({ name, stream: streamName, selector, from }: SubscriptionRequest): Promise<void> {
    return this.#change(async () => {
      const { streams, queues, state } = this.#engine;
      const stream = streams.stream(streamName);
      const { incarnation } = stream.stored;
      const present = this.#running.get(name)?.stored;
      const same = present?.incarnation === incarnation && present.selector === selector;
      if (same) return;
      if (present !== undefined) await this.#remove(name);
      if (this.#running.size >= this.#countMax) {
        throw new MillraceError(
          "QUOTA_EXCEEDED",
          `there are ${this.#countMax} durable subscriptions already; remove some by closing their links`,
          { details: { limit: this.#countMax } },
        );
      }
      await queues.ensure({ name, keyOrder: true, dedupe: DEDUPE }, this);
      const positions: number[] = [];
      for (let partition = 0; partition < stream.partitions; partition++) {
        positions.push(await stream.resolve(partition, from));
      }
      const stored: Stored = { stream: streamName, incarnation, selector, positions };
      await state.put(PREFIX + name, JSON.stringify(stored));
      this.#start(name, stored);
    });
  }

  /** Ends the subscription, and with it all that waits for it. */
  remove(name: string): Promise<void> {
    return this.#change(() => this.#remove(name));
  }

  async close(): Promise<void> {
    await this.#changes;
    for (const { stop } of this.#running.values()) stop.abort();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  async #remove(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) return;
    running.stop.abort();
    await running.ended;
    this.#running.delete(name);
    await this.#engine.state.put(PREFIX + name, undefined);
    if (this.#engine.queues.queues.has(name)) await this.#engine.queues.remove(name);
  }

  #start(name: string, stored: Stored): void {
    const stop = new AbortController();
    const { stream, selector, positions } = stored;
    const chooses = selectorOf(selector);
    const save = (): Promise<void> => this.#engine.state.put(PREFIX + name, JSON.stringify(stored));
    const options = { stream, positions, chooses, save, queue: name, stop: stop.signal };
    const ended = this.#isOf(stored)
      ? feed({ engine: this.#engine, ...options }).catch((error: unknown) => {
          const facts = { queue: name, stream, error: String(error) };
          this.#engine.environment.log.error(facts, "a subscription is no longer fed");
        })
      : Promise.resolve();
    this.#running.set(name, { stored, stop, ended });
  }

  /** Whether its stream is still the one that it began with. */
  #isOf({ stream, incarnation }: Stored): boolean {
    return this.#engine.streams.streams.get(stream)?.stored.incarnation === incarnation;
  }

  #change<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#changes.then(work);
    this.#changes = result.catch(() => {});
    return result;
  }
}

/** Chooses every message where there is no selector. Throws SelectorRefused. */
export function selectorOf(selector: string | undefined): (message: RawMessage) => boolean {
  if (selector === undefined) return () => true;
  const chooses = parseSelector(selector);
  return (message) => chooses(lookupOf(message));
}

/**
 * The queue's name: `sub.CONTAINER.LINK`, where every letter that a name cannot have, and the underscore
 * and the dot, is an underscore and its number. Throws BAD_ARGUMENT where that is too long.
 */
export function subscriptionName(container: string, link: string): string {
  const name = `sub.${escaped(container)}.${escaped(link)}`;
  if (name.length <= NAME_LENGTH_MAX) return name;
  throw new MillraceError(
    "BAD_ARGUMENT",
    `the container's id and the link's name are too long for a durable subscription; its queue would be called ${name.slice(0, 60)}…, and a name has at most ${NAME_LENGTH_MAX} letters`,
    { details: { limit: NAME_LENGTH_MAX } },
  );
}

function escaped(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9-]/gu, (letter) => `_${letter.codePointAt(0)!.toString(16)}_`);
}
