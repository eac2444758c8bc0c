/**
 * A link on which a client receives: asks its source for as much as the client has given credit for, sends
 * what comes, and settles by what the client says.
 *
 * Never more is asked for than the client's credit, the session's room for unsettled deliveries and the
 * socket's unsent bytes allow; so a client that does not read holds no leases that others could have. What
 * the client settles is answered when it is durable.
 *
 * Where the client wants no settlement (sender-settle-mode `settled`), a message is settled before it is
 * sent: delivered at most once.
 */

import { LOCK_LOST, refusalOf, type Refusal } from "../protocol/conditions.ts";
import type { Answers } from "../protocol/answers.ts";
import type { Delivery, RheaLink } from "../protocol/rhea.ts";
import type { Item, LinkSource, ReceiverOutcome, Sink } from "./link-source.ts";

/** Messages asked for at one time. */
const GROUP_MAX = 1_000;

export interface OutletOptions {
  readonly link: RheaLink;
  readonly answers: Answers;
  readonly settledFirst: boolean;
  /** Bytes that wait in the socket, and how many may. */
  readonly unsent: () => number;
  readonly unsentBytesMax: number;
  readonly report: (text: string, error: unknown) => void;
}

export class Outlet implements Sink {
  readonly #options: OutletOptions;
  readonly #unsettled = new Map<Delivery, Item>();
  #source: LinkSource | undefined;
  #ended = false;
  /** Settled, and about to be sent. */
  #settling = 0;

  #tellsDrained = false;

  constructor(options: OutletOptions) {
    this.#options = options;
    // rhea says nothing where the credit was used up by messages, and the client waits for a word.
    options.link._get_drain = () => {
      const tells = this.#tellsDrained;
      this.#tellsDrained = false;
      return tells;
    };
  }

  get link(): RheaLink {
    return this.#options.link;
  }

  connect(source: LinkSource): void {
    if (this.#ended) source.close();
    else this.#source = source;
    this.pump();
  }

  /** Asks for what may be sent now. */
  pump(): void {
    if (this.#ended || this.#source === undefined) return;
    const { link } = this.#options;
    this.#source.want(this.#room());
    if (!link._draining) return;
    // A queue takes its turn at the end of this tick; what it gave by then is on its way.
    process.nextTick(() => process.nextTick(() => this.#drained()));
  }

  put(items: readonly Item[]): void {
    for (const item of items) {
      if (this.#ended || !this.#canSend()) item.giveBack("detached");
      else if (this.#options.settledFirst) this.#sendSettled(item);
      else this.#send(item);
    }
    // rhea sends at the end of this tick; only then is the credit known again.
    this.#source?.want(0);
    process.nextTick(() => process.nextTick(() => this.pump()));
  }

  rests(): void {
    this.pump();
  }

  fail(refusal: Refusal): void {
    if (!this.#ended) this.#options.link.close(refusal);
  }

  /** The client said something of a delivery, or that it is done with it. */
  onDelivery(delivery: Delivery, outcome: ReceiverOutcome | undefined): void {
    const item = this.#unsettled.get(delivery);
    if (item === undefined || (outcome === undefined && !delivery.remote_settled)) return;
    this.#unsettled.delete(delivery);
    const { answers } = this.#options;
    const fate = outcome ?? { kind: "released" };
    item.settle(fate, (error) => {
      if (error === undefined) {
        return answers.settle(delivery, fate.kind === "accepted" ? "accepted" : "released");
      }
      const refusal = refusalOf(error);
      if (refusal.condition !== LOCK_LOST) this.#options.report("a settlement failed", error);
      answers.settle(delivery, refusal);
    });
  }

  end(how: "detached" | "lost"): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#source?.close();
    for (const [delivery, item] of this.#unsettled) {
      item.giveBack(how);
      // Nobody will settle it any more, and its place in the session is needed.
      delivery.settled = true;
      delivery.remote_settled = true;
    }
    this.#unsettled.clear();
  }

  #room(): number {
    const { link, unsent, unsentBytesMax } = this.#options;
    const { outgoing } = link.session;
    const waitsForWindow = outgoing.next_pending_delivery < outgoing.next_delivery_id;
    if (!link.is_open() || waitsForWindow || unsent() > unsentBytesMax) return 0;
    return Math.max(0, Math.min(link.credit - this.#settling, outgoing.available(), GROUP_MAX));
  }

  #canSend(): boolean {
    const { link } = this.#options;
    return link.is_open() && link.session.outgoing.available() > 0;
  }

  #send(item: Item): void {
    const { bytes, format } = item.write();
    this.#unsettled.set(this.#options.link.send(bytes, undefined, format), item);
  }

  #sendSettled(item: Item): void {
    this.#settling++;
    item.settle({ kind: "accepted" }, (error) => {
      // What tells us is the queue at work, which nothing of ours may disturb.
      process.nextTick(() => {
        this.#settling--;
        if (error === undefined) this.#sendGone(item);
        else this.#options.report("a settlement failed", error);
      });
    });
  }

  #sendGone(item: Item): void {
    process.nextTick(() => process.nextTick(() => this.pump()));
    if (this.#ended || !this.#canSend()) return;
    const { bytes, format } = item.write();
    this.#options.link.send(bytes, undefined, format).settled = true;
  }

  /** Gives back the credit that there is nothing for, and says so. */
  #drained(): void {
    const { link } = this.#options;
    if (this.#ended || this.#source === undefined || !link._draining) return;
    const busy = this.#settling > 0 || !this.#source.exhausted;
    if (link.credit > 0 && busy) return;
    this.#source.want(0);
    link.delivery_count += link.credit;
    link.credit = 0;
    link._draining = false;
    this.#tellsDrained = true;
    link.issue_flow = true;
    link.connection._register();
  }
}
