/**
 * A link on which a client sends. What comes in one tick goes on together; each message is answered when it
 * is durable, or with the reason why it is not.
 *
 * The client has credit for so many messages that are not yet answered; it is given back as they are.
 */

import type { Outcome } from "../../../model/outcome.ts";
import { MalformedAmqp } from "../protocol/encoding.ts";
import type { Holdings } from "../holdings.ts";
import { DECODE_ERROR, refusalOf, type Refusal } from "../protocol/conditions.ts";
import type { Answers } from "../protocol/answers.ts";
import type { Delivery, RheaLink } from "../protocol/rhea.ts";
import type { Incoming } from "../protocol/strict-performatives.ts";
import { readMessage, type IncomingMessage } from "../message/incoming-message.ts";

/** Where messages go. Items fail one by one; a rejection of the whole is each one's. */
export type Deposit = (
  messages: readonly IncomingMessage[],
) => Promise<readonly Outcome<unknown>[]>;

export interface InletOptions {
  readonly link: RheaLink;
  readonly answers: Answers;
  readonly deposit: Deposit;
  readonly credit: number;
  readonly now: () => number;
  readonly holdings: Pick<Holdings, "waits" | "waited" | "gathers" | "gathered">;
  readonly report: (text: string, error: unknown) => void;
}

interface Arrived {
  readonly delivery: Delivery;
  readonly message: IncomingMessage;
  readonly bytes: number;
}

export class Inlet implements Incoming {
  readonly #options: InletOptions;
  credit: number;
  format = 0;
  bytes = 0;
  #arrived: Arrived[] = [];
  /** Credit that was used and may be given again. */
  #answered = 0;
  /** Of a message that is not whole. */
  #parts = 0;
  #partBytes = 0;
  #ended = false;

  constructor(options: InletOptions) {
    this.#options = options;
    this.credit = options.credit;
    options.link.add_credit(options.credit);
  }

  gather(bytes: number): boolean {
    if (this.#ended || !this.#options.holdings.gathers(bytes)) return false;
    this.#parts++;
    this.#partBytes += bytes;
    return true;
  }

  drop(): void {
    if (this.#parts === 0) return;
    this.#options.holdings.gathered(this.#parts, this.#partBytes);
    this.#parts = 0;
    this.#partBytes = 0;
  }

  onMessage(delivery: Delivery, bytes: Buffer | undefined): void {
    this.drop();
    if (this.#ended || bytes === undefined) {
      this.#options.answers.settle(delivery, "released");
      return;
    }
    let message: IncomingMessage;
    try {
      message = readMessage(bytes, this.format, this.#options.now());
    } catch (error) {
      if (!(error instanceof MalformedAmqp)) throw error;
      this.#refuse(delivery, { condition: DECODE_ERROR, description: error.message });
      return;
    }
    this.#options.holdings.waits(bytes.length);
    this.#arrived.push({ delivery, message, bytes: bytes.length });
    if (this.#arrived.length === 1) process.nextTick(() => void this.#flush());
  }

  refuse(refusal: Refusal): void {
    this.end();
    this.#options.link.close(refusal);
  }

  /** What was taken is kept; nobody is answered any more. */
  end(): void {
    this.#ended = true;
    this.drop();
  }

  async #flush(): Promise<void> {
    const arrived = this.#arrived;
    this.#arrived = [];
    const { deposit, holdings } = this.#options;
    try {
      const outcomes = await deposit(arrived.map(({ message }) => message));
      for (const [index, { delivery }] of arrived.entries()) {
        const outcome = outcomes[index];
        if (outcome?.ok === true) this.#accept(delivery);
        else this.#refuse(delivery, refusalOf(outcome?.error));
      }
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.condition === "amqp:internal-error") this.#options.report("a send failed", error);
      for (const { delivery } of arrived) this.#refuse(delivery, refusal);
    }
    const bytes = arrived.reduce((sum, message) => sum + message.bytes, 0);
    holdings.waited(arrived.length, bytes);
    this.#giveCredit();
  }

  #accept(delivery: Delivery): void {
    this.#answered++;
    this.#options.answers.settle(delivery, "accepted");
  }

  /** A sender that wants no answers is told by the end of its link. */
  #refuse(delivery: Delivery, refusal: Refusal): void {
    this.#answered++;
    const wantsNoAnswer = delivery.remote_settled;
    this.#options.answers.settle(delivery, refusal);
    if (wantsNoAnswer && !this.#ended) this.refuse(refusal);
    this.#giveCredit();
  }

  /** In steps, so that a flow frame does not follow every message. */
  #giveCredit(): void {
    if (this.#ended || this.#answered < this.#options.credit / 4) return;
    this.credit += this.#answered;
    this.#options.link.add_credit(this.#answered);
    this.#answered = 0;
  }
}
