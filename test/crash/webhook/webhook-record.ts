/**
 * What the parent knows of deliveries, and what it demands: every notice goes out both ways, in the
 * order of its account; what goes out again is the same, under the same id; and every post that was
 * taken in is counted once.
 */

import type { ComponentRecord, Opened, Violation } from "../driver.ts";
import { SenderRecord } from "../drivers/keyed-sequences.ts";
import { documentsOf, parkedIn, restUntil } from "../open-app.ts";
import type { Json, Report } from "../report.ts";
import type { Tally } from "../service/till.ts";
import { counted, type NumberedData } from "./hooks.ts";
import { type Delivery, Partner, POSTERS } from "./partner.ts";
import { runHooks } from "./run-hooks.ts";

export const PREFIX = "n";
type Way = Delivery["way"];

export class WebhookRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #senders = new SenderRecord(PREFIX);
  readonly #partner = new Partner({
    delivered: (delivery) => this.delivered(delivery),
    posting: (poster) => this.#posting.add(poster),
    posted: (poster, nth) => {
      this.#posting.delete(poster);
      this.#posted[poster] = nth + 1;
    },
    refused: (text) => this.#report("wrong", text),
  });
  #url = "";
  /** The first delivery of each notice, by way, account and number. */
  readonly #first = new Map<string, Delivery>();
  /** The number that must come first next, by way and account. */
  readonly #next = new Map<string, number>();
  readonly #posting = new Set<number>();
  /** How many of each poster's deliveries have arrived. */
  readonly #posted = Array.from({ length: POSTERS }, () => 0);
  #counts = { webhook: 0, effect: 0, repeats: 0, notices: 0, counted: 0 };

  async open(): Promise<void> {
    this.#url = await this.#partner.open();
  }

  close(): Promise<void> {
    return this.#partner.close();
  }

  take(report: Report): void {
    const [, kind, fact] = report;
    if (kind === "door") {
      this.#partner.door = String(fact);
      return;
    }
    const error = this.#senders.take(report);
    if (error !== undefined) this.#report("wrong", error);
  }

  delivered(delivery: Delivery): void {
    const { way, id, body } = delivery;
    const { account, nth } = noticeOf(delivery);
    const name = `${way} ${account}:${nth}`;
    const first = this.#first.get(name);
    if (first !== undefined) {
      this.#counts.repeats++;
      if (first.id !== id) this.#report("twice", `${name} came as ${first.id} and as ${id}`);
      if (first.body !== body) this.#report("wrong", `${name} came again as ${body}`);
      return;
    }
    this.#first.set(name, delivery);
    this.#counts[way]++;
    const next = this.#next.get(`${way} ${account}`) ?? 0;
    if (nth !== next) this.#report("disorder", `${name} came, and ${next} was to come`);
    this.#next.set(`${way} ${account}`, Math.max(next, nth + 1));
  }

  died(): ReturnType<ComponentRecord["died"]> {
    this.#partner.door = undefined;
    const posting = this.#posting.size;
    this.#posting.clear();
    const published = this.#senders.acknowledged();
    const underWay = (way: Way): number =>
      published.filter(({ key, sequence }) => !this.#first.has(`${way} ${key}:${sequence}`)).length;
    return {
      notices: this.#senders.died(),
      "webhooks out": underWay("webhook"),
      effects: underWay("effect"),
      posts: posting,
    };
  }

  resume(): Json {
    return [this.#url, this.#senders.resume()];
  }

  async verify(opened: Opened): Promise<void> {
    const how = { url: this.#url, keyOf: (key: string) => key, door: false };
    await using app = await runHooks(opened, how);
    await restUntil(app, () => Promise.resolve(true));
    const acknowledged = this.#senders.acknowledged();
    this.#counts.notices = acknowledged.length;
    for (const { key, sequence } of acknowledged) {
      for (const way of ["webhook", "effect"] as const satisfies readonly Way[]) {
        if (this.#first.has(`${way} ${key}:${sequence}`)) continue;
        this.#report("lost", `${way} ${key}:${sequence} was never delivered`);
      }
    }
    await this.#count(app);
    for (const text of await parkedIn(app)) this.#report("wrong", text);
  }

  async #count(app: Parameters<typeof parkedIn>[0]): Promise<void> {
    const tallies = new Map<string, Tally>();
    this.#counts.counted = 0;
    for await (const [account, json] of documentsOf(app.services[0]!.store, counted.collection)) {
      const tally: Tally = JSON.parse(json);
      tallies.set(account, tally);
      this.#counts.counted += tally.count;
      if (tally.missing > 0) this.#report("lost", `${account}: ${tally.missing} came never`);
      if (tally.repeated > 0) this.#report("twice", `${account}: ${tally.repeated} came again`);
    }
    this.#posted.forEach((arrived, poster) => {
      const next = tallies.get(`h${poster}`)?.next ?? 0;
      if (next < arrived) this.#report("lost", `h${poster}: ${next} of ${arrived} posts counted`);
    });
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text });
  }

  get totals(): ComponentRecord["totals"] {
    const { webhook, effect, repeats, notices, counted: posts } = this.#counts;
    return {
      "notices acknowledged": notices,
      "webhooks delivered": webhook,
      "effects delivered": effect,
      "deliveries repeated": repeats,
      "posts arrived": this.#posted.reduce((sum, arrived) => sum + arrived, 0),
      "posts counted": posts,
    };
  }
}

/** A webhook brings a CloudEvent, an effect the notice alone. */
function noticeOf({ way, body }: Delivery): NumberedData {
  const parsed: any = JSON.parse(body);
  return way === "webhook" ? parsed.data : parsed;
}
