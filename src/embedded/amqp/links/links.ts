/**
 * The links of one connection: made when an attach has been decided, told what rhea tells, ended with the
 * link, its session or the connection.
 */

import type { EventEmitter } from "node:events";
import type { May } from "../../doors/doorkeeper.ts";
import type { DoorContext } from "../door-context.ts";
import type { Holdings } from "../holdings.ts";
import {
  Attachments,
  AttachRefused,
  type SourcePlan,
  type TargetPlan,
} from "../nodes/attachment.ts";
import { selectorOf } from "../nodes/subscriptions.ts";
import { RESOURCE_LIMIT, STOLEN, refusalOf, type Refusal } from "../protocol/conditions.ts";
import {
  echoed,
  type AttachFields,
  type Delivery,
  type Frame,
  type RheaEvent,
  type RheaLink,
  type RheaSession,
} from "../protocol/rhea.ts";
import type { Answers } from "../protocol/answers.ts";
import { readOutcome } from "../protocol/receiver-outcome.ts";
import { Violation, type Incoming } from "../protocol/strict-performatives.ts";
import { readTerminus } from "../protocol/terminus.ts";
import type { DeliveryRange } from "../protocol/transfers.ts";
import { DeadLetterSource } from "./dead-letter-source.ts";
import { queueDeposit, relayDeposit, streamDeposit } from "./deposits.ts";
import { type Deposit, Inlet } from "./inlet.ts";
import type { LinkSource } from "./link-source.ts";
import { Outlet } from "./outlet.ts";
import { QueueSource } from "./queue-source.ts";
import { StreamSource } from "./stream-source.ts";

export interface LinksOptions {
  readonly context: DoorContext;
  /** Of the connection's container. */
  readonly events: EventEmitter;
  readonly answers: Answers;
  readonly may: May;
  readonly containerId: () => string;
  readonly holdings: Holdings;
  readonly defect: (error: unknown) => void;
}

interface Attached {
  readonly end: (how: "detached" | "lost") => void;
  /** What ends when the client is done with the link for good. */
  readonly closed: (() => Promise<void>) | undefined;
}

const SETTLED = 1;

export class Links {
  readonly #options: LinksOptions;
  readonly #attached = new Map<RheaLink, Attached>();
  readonly #inlets = new Map<RheaLink, Inlet>();
  readonly #outlets = new Map<RheaLink, Outlet>();
  /** Refused, and not yet detached by the client as well. */
  readonly #refused = new Set<RheaLink>();
  readonly #temporary = new Set<string>();
  #changing = false;
  #ended = false;

  constructor(options: LinksOptions) {
    this.#options = options;
    const { events, defect } = options;
    const on = (name: string, handle: (event: RheaEvent) => void): void => {
      events.on(name, (event: RheaEvent) => {
        try {
          handle(event);
        } catch (error) {
          defect(error);
        }
      });
    };
    // Of several parts.
    on("message", ({ receiver, delivery, message }) => this.received(receiver, delivery, message));
    on("receiver_close", ({ receiver }) => this.#detached(receiver));
    on("sender_close", ({ sender }) => this.#detached(sender));
    on("session_close", ({ session }) => this.#sessionEnded(session));
    for (const name of ["sender_error", "receiver_error", "session_error"]) on(name, () => {});
  }

  incomingOf(link: RheaLink): Incoming | undefined {
    return this.#inlets.get(link);
  }

  /** A message has come whole. */
  received(link: RheaLink, delivery: Delivery, message: Buffer | undefined): void {
    const inlet = this.#inlets.get(link);
    if (inlet === undefined) this.#options.answers.settle(delivery, "released");
    else inlet.onMessage(delivery, message);
  }

  /** A receiving client said something of these deliveries. */
  told({ outgoing }: RheaSession, { first, last }: DeliveryRange): void {
    for (let id = first; id <= last; id++) {
      const delivery = outgoing.deliveries.by_id(id);
      if (delivery === undefined) continue;
      this.#outlets.get(delivery.link)?.onDelivery(delivery, readOutcome(delivery.remote_state));
    }
  }

  /** Something may be sent now that could not be before. */
  changed(): void {
    if (this.#changing) return;
    this.#changing = true;
    process.nextTick(() => {
      this.#changing = false;
      for (const outlet of this.#outlets.values()) outlet.pump();
    });
  }

  /** Decides, attaches, and connects the link, or answers with the reason why not. */
  async attach(frame: Frame<AttachFields>, attach: () => RheaLink): Promise<void> {
    const { performative } = frame;
    const receives = performative.role === true;
    const name = String(performative.name);
    const settledFirst = performative.snd_settle_mode === SETTLED;
    const source = readTerminus(performative.source);
    const target = readTerminus(performative.target);
    // rhea reports a target that it does not know on the console.
    if (target === "coordinator") performative.target = null;
    const attachments = this.#attachments();
    let plan: { source: SourcePlan } | { target: TargetPlan } | { refusal: Refusal };
    try {
      this.#checkCount();
      plan = receives
        ? { source: await attachments.source(source, name) }
        : { target: await attachments.target(target) };
    } catch (error) {
      plan = { refusal: error instanceof AttachRefused ? error.refusal : this.#failure(error) };
    }
    if (this.#ended) return;
    const link = attach();
    if ("refusal" in plan) return this.#refuse(link, plan.refusal);
    if ("source" in plan) this.#connectOutlet(link, plan.source, settledFirst);
    else this.#connectInlet(link, plan.target, attachments);
  }

  /** Ends every link. */
  end(how: "detached" | "lost"): void {
    this.#ended = true;
    for (const link of Array.from(this.#attached.keys())) this.#end(link, how);
  }

  /** Removes what lived for this connection alone. */
  async dispose(): Promise<void> {
    this.#temporary.clear();
    await this.#options.context.engine.queues.removeTemporary(this);
  }

  #attachments(): Attachments {
    const { context, may, containerId } = this.#options;
    return new Attachments({
      context,
      may,
      owner: this,
      containerId: containerId(),
      temporary: this.#temporary,
    });
  }

  #refuse(link: RheaLink, refusal: Refusal): void {
    link.close(refusal);
    this.#refused.add(link);
    if (this.#refused.size <= this.#options.context.limits.linksMax) return;
    throw new Violation(RESOURCE_LIMIT, "links that were refused have to be detached");
  }

  #checkCount(): void {
    const { limits, links } = this.#options.context;
    const { linksMax, doorLinksMax } = limits;
    if (this.#attached.size >= linksMax) {
      throw new AttachRefused(
        RESOURCE_LIMIT,
        `a connection has at most ${linksMax} links; detach some, or open another connection`,
      );
    }
    if (links.count < doorLinksMax) return;
    throw new AttachRefused(
      RESOURCE_LIMIT,
      `all connections together have ${doorLinksMax} links, the most that there may be; detach some`,
    );
  }

  #failure(error: unknown): Refusal {
    const refusal = refusalOf(error);
    if (refusal.condition === "amqp:internal-error") this.#report("an attach failed", error);
    return refusal;
  }

  #report(text: string, error: unknown): void {
    this.#options.context.warn({ error: String(error) }, text);
  }

  #connectInlet(link: RheaLink, plan: TargetPlan, attachments: Attachments): void {
    const { context, answers, holdings } = this.#options;
    const { engine, limits } = context;
    const target = link.target;
    if (plan.kind !== "relay" && plan.dynamic && target !== null) target.address = plan.name;
    Object.assign(link.local.attach, {
      source: echoed(link.source),
      target: echoed(target),
      rcv_settle_mode: 0,
      max_message_size: limits.messageBytesMax,
    });
    const depositOf = (found: Exclude<TargetPlan, { kind: "relay" }>): Deposit =>
      found.kind === "queue" ? queueDeposit(engine, found.name) : streamDeposit(engine, found.name);
    const deposit =
      plan.kind === "relay"
        ? relayDeposit(async (address) => depositOf(await attachments.targetOf(address)))
        : depositOf(plan);
    const inlet = new Inlet({
      link,
      answers,
      deposit,
      credit: limits.linkCredit,
      now: () => engine.environment.clock.now(),
      holdings,
      report: (text, error) => this.#report(text, error),
    });
    this.#inlets.set(link, inlet);
    this.#attach(link, {
      end: () => inlet.end(),
      closed: plan.kind !== "relay" && plan.dynamic ? this.#temporaryOf(plan.name) : undefined,
    });
  }

  #connectOutlet(link: RheaLink, plan: SourcePlan, settledFirst: boolean): void {
    const { answers, holdings } = this.#options;
    this.#answerSource(link, plan, settledFirst);
    const outlet = new Outlet({
      link,
      answers,
      settledFirst,
      holdings,
      report: (text, error) => this.#report(text, error),
    });
    this.#outlets.set(link, outlet);
    let closed: Attached["closed"];
    if (plan.kind === "queue" && plan.dynamic) closed = this.#temporaryOf(plan.name);
    if (plan.kind === "subscription") closed = this.#takeSubscription(link, plan.name);
    this.#attach(link, { end: (how) => outlet.end(how), closed });
    outlet.connect(this.#sourceOf(plan, outlet));
  }

  #answerSource(link: RheaLink, plan: SourcePlan, settledFirst: boolean): void {
    const { source } = link;
    if (plan.kind === "subscription" && plan.found) {
      link.set_source({
        address: `/streams/${plan.stream}`,
        durable: 2,
        expiry_policy: "never",
        capabilities: ["topic"],
      });
    } else {
      if (plan.kind === "queue" && plan.dynamic && source !== null) source.address = plan.name;
      link.local.attach["source"] = echoed(source);
    }
    link.local.attach["target"] = echoed(link.target);
    if (settledFirst) link.local.attach["snd_settle_mode"] = SETTLED;
  }

  #sourceOf(plan: SourcePlan, sink: Outlet): LinkSource {
    const { context } = this.#options;
    const { engine, shownLetters } = context;
    const { clock } = engine.environment;
    switch (plan.kind) {
      case "queue":
      case "subscription":
        return new QueueSource(engine.queues.queue(plan.name), context, sink);
      case "dead-letters": {
        const queue = engine.queues.queue(plan.name);
        const { browses } = plan;
        return new DeadLetterSource({ queue, clock, shown: shownLetters, browses, sink });
      }
      case "stream": {
        const { from, selector } = plan;
        const stream = engine.streams.stream(plan.name);
        return new StreamSource({ stream, from, chooses: selectorOf(selector), clock, sink });
      }
    }
  }

  #temporaryOf(name: string): () => Promise<void> {
    this.#temporary.add(name);
    return async () => {
      this.#temporary.delete(name);
      await this.#options.context.engine.queues.remove(name);
    };
  }

  /** One link at a time has a durable subscription: the last that attached. */
  #takeSubscription(link: RheaLink, name: string): () => Promise<void> {
    const { holders, subscriptions } = this.#options.context;
    holders.get(name)?.();
    const steal = (): void => {
      this.#end(link, "detached");
      link.close({ condition: STOLEN, description: "another link took this subscription" });
    };
    holders.set(name, steal);
    return async () => {
      if (holders.get(name) !== steal) return;
      holders.delete(name);
      await subscriptions.remove(name);
    };
  }

  #detached(link: RheaLink): void {
    const closes = link.remote.detach?.closed === true;
    const attached = this.#attached.get(link);
    this.#end(link, "detached");
    if (closes && attached?.closed !== undefined) {
      attached.closed().catch((error: unknown) => this.#report("a node was not removed", error));
    }
    if (closes) return;
    // rhea would answer that it is closed.
    link.detach();
    process.nextTick(() => process.nextTick(() => link.remove()));
  }

  #sessionEnded(session: RheaSession): void {
    for (const link of [...this.#attached.keys(), ...this.#refused]) {
      if (link.session === session) this.#end(link, "detached");
    }
  }

  #attach(link: RheaLink, attached: Attached): void {
    this.#attached.set(link, attached);
    this.#options.context.links.count++;
  }

  #end(link: RheaLink, how: "detached" | "lost"): void {
    this.#attached.get(link)?.end(how);
    this.#refused.delete(link);
    if (this.#attached.delete(link)) this.#options.context.links.count--;
    this.#inlets.delete(link);
    this.#outlets.delete(link);
  }
}
