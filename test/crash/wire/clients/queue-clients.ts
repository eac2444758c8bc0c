/**
 * AMQP clients of one queue that outlive the server: a sender awaits each acceptance, a receiver accepts
 * most messages, releases some and rejects a few, and awaits that each is settled (receiver-settle-mode
 * second). What had no answer when the server died may have happened or not: AMQP sends nothing again.
 */

import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import rhea, { type Delivery, type EventContext } from "rhea";
import { AmqpClient } from "../../../../src/embedded/amqp/amqp-stage.test.ts";
import type { Random } from "../../../../src/model/ids.ts";
import { HungUp } from "../../../hostile/client.ts";
import type { ServerLink } from "./server-link.ts";

const IN_FLIGHT = 8;
const PAUSE_MS = 2;
const REJECTED = 0.05;
const RELEASED = 0.2;
/** A receiver settles only when the server has settled. */
const SECOND = 1;

export type Deed = "accept" | "release" | "reject";

/** What the clients tell, each before its next step. */
export interface QueueTold {
  sending(text: string): void;
  accepted(text: string): void;
  got(text: string): void;
  settling(text: string, deed: Deed): void;
  settled(text: string, deed: Deed): void;
}

interface ClientOptions {
  readonly name: string;
  readonly queue: string;
  readonly link: ServerLink;
  readonly random: Random;
  readonly told: QueueTold;
  /** Does wrong: a message counts as accepted when it is sent. */
  readonly acceptEarly?: boolean;
  /** Does wrong: an outcome counts as settled when it is asked for. */
  readonly settleEarly?: boolean;
}

abstract class QueueClient {
  protected readonly options: ClientOptions;
  inFlight = 0;

  constructor(options: ClientOptions) {
    this.options = options;
  }

  /** Rejects with RunOver at the end, and with what a client should never be told. */
  async run(): Promise<never> {
    const { link } = this.options;
    for (;;) {
      const client = await link.reach(async () => {
        const connection = await openClient(link.port);
        return { connection, cut: () => connection.cut(), lost: connection.ended };
      });
      this.inFlight = 0;
      const gone = new AbortController();
      try {
        await alive(client, this.work(client, gone.signal));
      } catch (error) {
        if (!(error instanceof HungUp)) throw error;
      } finally {
        gone.abort(new HungUp());
        client.drop();
      }
    }
  }

  /** Does nothing any more once the connection is gone. */
  protected abstract work(client: AmqpClient, gone: AbortSignal): Promise<unknown>;
}

export class QueueSender extends QueueClient {
  #made = 0;

  protected override async work(client: AmqpClient, gone: AbortSignal): Promise<unknown> {
    const { name, queue, told, acceptEarly = false } = this.options;
    const sender = await client.sender(queue);
    const send = async (): Promise<never> => {
      for (;;) {
        gone.throwIfAborted();
        const text = `${name}:${this.#made++}`;
        told.sending(text);
        if (acceptEarly) told.accepted(text);
        this.inFlight++;
        const outcome = await sender.send({ message_id: text, durable: true, body: text });
        this.inFlight--;
        if (outcome !== "accepted") throw new Error(`${text} was not accepted but ${outcome}`);
        if (!acceptEarly) told.accepted(text);
        await pause(PAUSE_MS);
      }
    };
    return Promise.all(Array.from({ length: IN_FLIGHT }, send));
  }
}

export class QueueReceiver extends QueueClient {
  protected override async work(client: AmqpClient, gone: AbortSignal): Promise<unknown> {
    const { queue, told, random, settleEarly = false } = this.options;
    const receiver = await client.receiver(queue, { rcv_settle_mode: SECOND });
    const waiting = new Map<Delivery, () => void>();
    receiver.link.on("settled", ({ delivery }: EventContext) => waiting.get(delivery!)?.());
    let turn: Promise<unknown> = Promise.resolve();
    const receive = async (): Promise<never> => {
      for (;;) {
        const { message, delivery } = await receiver.next();
        const text = String(message.body);
        told.got(text);
        // rhea sends two outcomes of one turn as one, that of the first.
        turn = turn.then(() => nextTurn());
        await turn;
        gone.throwIfAborted();
        const deed = deedOf(random);
        told.settling(text, deed);
        if (settleEarly) told.settled(text, deed);
        this.inFlight++;
        const settled = new Promise<void>((resolve) => waiting.set(delivery, resolve));
        delivery[deed]();
        await settled;
        this.inFlight--;
        waiting.delete(delivery);
        if (
          delivery.remote_state === undefined ||
          rhea.message.is_rejected(delivery.remote_state)
        ) {
          throw new Error(`the ${deed} of ${text} was refused`);
        }
        // Its place in the session is free again.
        delivery.update(true);
        if (!settleEarly) told.settled(text, deed);
      }
    };
    return Promise.all(Array.from({ length: IN_FLIGHT }, receive));
  }
}

function deedOf(random: Random): Deed {
  const chance = random.next();
  if (chance < REJECTED) return "reject";
  return chance < REJECTED + RELEASED ? "release" : "accept";
}

async function openClient(port: number): Promise<AmqpClient> {
  const client = new AmqpClient(port, {});
  await client.opened;
  return client;
}

async function alive<Value>(client: AmqpClient, work: Promise<Value>): Promise<Value> {
  const hungUp = client.ended.then(() => {
    throw new HungUp();
  });
  return Promise.race([work, hungUp]);
}

/** Everything that is at the address, as texts; it is gone then. */
export async function drainAddress(
  { port, address }: { readonly port: number; readonly address: string },
  isEmpty: () => Promise<boolean>,
): Promise<string[]> {
  const client = await openClient(port);
  try {
    const receiver = await client.receiver(address);
    const texts: string[] = [];
    while (!(await isEmpty())) {
      for (const { message, delivery } of await receiver.drain(DRAINED_AT_ONCE)) {
        texts.push(String(message.body));
        delivery.accept();
      }
      await pause(PAUSE_MS);
    }
    await client.close();
    return texts;
  } finally {
    client.drop();
  }
}

const DRAINED_AT_ONCE = 200;
