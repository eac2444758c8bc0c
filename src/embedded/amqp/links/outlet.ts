/**
 * A link on which a client receives: asks its source for as much as the client has given credit for, sends
 * what comes, and settles by what the client says.
 *
 * Never more is asked for than the client's credit, the session's room for unsettled deliveries and the
 * bytes that may wait for the client allow; so a client that does not read holds no leases that others could
 * have. How many messages those bytes are is guessed from the ones before; what comes beyond waits here,
 * unwritten, and nothing more is asked for until it has left. What the client settles is answered when it is
 * durable.
 *
 * Where the client wants no settlement (sender-settle-mode `settled`), a message is settled before it is
 * sent: delivered at most once.
 */

import type { Holdings } from "../holdings.ts";
import { LOCK_LOST, refusalOf, type Refusal } from "../protocol/conditions.ts";
import type { Answers } from "../protocol/answers.ts";
import type { Delivery, RheaLink, SentDelivery } from "../protocol/rhea.ts";
import { sendDelivery, withdrawUnsent } from "../protocol/transfers.ts";
import type { Item, LinkSource, ReceiverOutcome, Sink } from "./link-source.ts";

/** Messages asked for at one time. */
const GROUP_MAX = 1_000;
/** What a message is taken to be long before one has been seen. */
const BYTES_GUESSED = 64 * 1024;
/** How many messages back the guess remembers. */
const GUESS_OVER = 8;

export interface OutletOptions {
  readonly link: RheaLink;
  readonly answers: Answers;
  readonly settledFirst: boolean;
  readonly holdings: Pick<Holdings, "sendRoom" | "sends">;
  readonly report: (text: string, error: unknown) => void;
}

/** A delivery that rhea has not written. */
interface Pending {
  readonly delivery: SentDelivery;
  readonly bytes: number;
}

export class Outlet implements Sink {
  readonly #options: OutletOptions;
  readonly #unsettled = new Map<Delivery, Item>();
  #source: LinkSource | undefined;
  #ended = false;
  /** Settled, and about to be sent. */
  #settling = 0;
  /** Came from the source, and may not be sent yet. */
  #backlog: Item[] = [];
  #pending: Pending[] = [];
  #meanBytes = BYTES_GUESSED;
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
    this.#flush();
    this.#source.want(this.#room());
    if (!link._draining) return;
    // A queue takes its turn at the end of this tick; what it gave by then is on its way.
    process.nextTick(() => process.nextTick(() => this.#drained()));
  }

  put(items: readonly Item[]): void {
    if (this.#ended || !this.link.is_open()) {
      for (const item of items) item.giveBack("detached");
    } else {
      this.#backlog.push(...items);
      this.#flush();
    }
    this.#source?.want(0);
    this.#pumpSoon();
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
    withdrawUnsent(this.#options.link);
    for (const item of this.#backlog.splice(0)) item.giveBack("detached");
    for (const { bytes } of this.#pending.splice(0)) this.#options.holdings.sends(-bytes);
  }

  /** rhea sends at the end of a tick; only then is the credit known again. */
  #pumpSoon(): void {
    process.nextTick(() => process.nextTick(() => this.pump()));
  }

  #room(): number {
    const { link, holdings } = this.#options;
    const { outgoing } = link.session;
    const waitsForWindow = outgoing.next_pending_delivery < outgoing.next_delivery_id;
    if (!link.is_open() || waitsForWindow || this.#backlog.length > 0) return 0;
    // What has been written makes room for bytes as for deliveries.
    const places = this.#places();
    const messages = Math.ceil(holdings.sendRoom / this.#meanBytes);
    return Math.max(0, Math.min(places, messages, GROUP_MAX));
  }

  /** How many deliveries the client's credit and the session have room for. */
  #places(): number {
    const { link } = this.#options;
    this.#forgetWritten();
    return (
      Math.min(link.credit - this.#pending.length, link.session.outgoing.available()) -
      this.#settling
    );
  }

  #flush(): void {
    if (this.#backlog.length === 0) return;
    const { link, holdings, settledFirst } = this.#options;
    let sent = 0;
    while (sent < this.#backlog.length && link.is_open()) {
      if (this.#places() <= 0 || holdings.sendRoom === 0) break;
      const item = this.#backlog[sent++]!;
      if (settledFirst) this.#sendSettled(item);
      else this.#unsettled.set(this.#send(item), item);
    }
    this.#backlog = this.#backlog.slice(sent);
    if (sent > 0) this.#pumpSoon();
  }

  #send(item: Item): Delivery {
    const { link, holdings } = this.#options;
    const { bytes, format } = item.write();
    const delivery = sendDelivery(link, bytes, format);
    this.#pending.push({ delivery, bytes: bytes.length });
    holdings.sends(bytes.length);
    this.#meanBytes += (bytes.length - this.#meanBytes) / GUESS_OVER;
    return delivery;
  }

  #forgetWritten(): void {
    const { next_pending_delivery: next } = this.#options.link.session.outgoing;
    let written = 0;
    while (written < this.#pending.length && this.#pending[written]!.delivery.id < next) {
      this.#options.holdings.sends(-this.#pending[written++]!.bytes);
    }
    if (written > 0) this.#pending = this.#pending.slice(written);
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
    this.#pumpSoon();
    const { link } = this.#options;
    if (this.#ended || !link.is_open() || link.session.outgoing.available() === 0) return;
    this.#send(item).settled = true;
  }

  /** Gives back the credit that there is nothing for, and says so. */
  #drained(): void {
    const { link } = this.#options;
    if (this.#ended || this.#source === undefined || !link._draining) return;
    const busy = this.#settling > 0 || this.#backlog.length > 0 || !this.#source.exhausted;
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
