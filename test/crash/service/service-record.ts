/**
 * What the parent knows of the service, and what it demands of its documents: every acknowledged
 * message has taken effect once, in the order of its account, and no position went back.
 */

import type { ComponentRecord, Opened, Violation } from "../driver.ts";
import { SenderRecord } from "../drivers/keyed-sequences.ts";
import type { Json, Report } from "../report.ts";
import { runTill, type RunningTill } from "./run-till.ts";
import { COLLECTIONS, type Tally } from "./till.ts";

const SETTLE_LIMIT_MS = 60_000;

export class ServiceRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #publish = new SenderRecord("p");
  readonly #command = new SenderRecord("c");
  /** By consumer and input. */
  readonly #positions = new Map<string, number>();
  readonly #committing = new Map<string, number>();
  #redriving = 0;
  #relaying = 0;
  #counts = {
    positions: 0,
    commits: 0,
    redriven: 0,
    relayed: 0,
    effects: 0,
    published: 0,
    sent: 0,
  };

  take([component, kind, ...facts]: Report): void {
    const [source = "", what = ""] = kind.split("-");
    if (source === "publish" || source === "command") {
      const senders = source === "publish" ? this.#publish : this.#command;
      const error = senders.take([component, what, ...facts]);
      if (error !== undefined) this.#report("wrong", error);
    } else if (source === "commit") this.#commit(what, facts.map(String));
    else if (source === "relay") this.#relay(what, Number(facts[0] ?? 0));
    else if (source === "redrive") this.#redrive(what, Number(facts[0] ?? 0));
    else if (source === "position") this.#compare(facts.map(String));
    else this.#report("wrong", facts.join(" "));
  }

  #commit(what: string, [consumer = "", input = "", position = "-1"]: readonly string[]): void {
    const under = this.#committing.get(consumer) ?? 0;
    this.#committing.set(consumer, under + (what === "try" ? 1 : -1));
    if (what === "try") return;
    this.#counts.commits++;
    const name = `${consumer} on ${input}`;
    const reached = Number(position);
    if (reached >= 0) this.#positions.set(name, Math.max(reached, this.#positions.get(name) ?? 0));
  }

  #relay(what: string, messages: number): void {
    this.#relaying += what === "try" ? 1 : -1;
    this.#counts.relayed += messages;
  }

  #redrive(what: string, rows: number): void {
    this.#redriving += what === "try" ? 1 : -1;
    this.#counts.redriven += rows;
  }

  #compare([consumer = "", input = "", position = ""]: readonly string[]): void {
    const name = `${consumer} on ${input}`;
    const acknowledged = this.#positions.get(name) ?? 0;
    this.#counts.positions++;
    if (Number(position) < acknowledged) {
      this.#report("regressed", `${name} is at ${position}, behind ${acknowledged}`);
    }
  }

  died(): Readonly<Record<string, number>> {
    const inFlight: Record<string, number> = {
      publish: this.#publish.died(),
      command: this.#command.died(),
      "redrive rows": this.#redriving,
      relay: this.#relaying,
    };
    for (const part of Object.keys(COLLECTIONS)) inFlight[part] = this.#committing.get(part) ?? 0;
    this.#committing.clear();
    this.#redriving = 0;
    this.#relaying = 0;
    return inFlight;
  }

  resume(): Json {
    return [this.#publish.resume(), this.#command.resume()];
  }

  // proves: crash-recovery
  /** Lets the service come to rest with nothing failing, then looks at every document. */
  async verify(opened: Opened): Promise<void> {
    await using till = await runTill(opened, {
      fails: () => false,
      before: async (store) => {
        for (const { consumer, input, position } of await store.listProgress()) {
          this.#compare([consumer, input, String(position)]);
        }
      },
    });
    await comeToRest(till);
    const published = this.#publish.acknowledged();
    const sent = this.#command.acknowledged();
    this.#counts.published = published.length;
    this.#counts.sent = sent.length;
    this.#counts.effects = 0;
    for (const [part, collection] of Object.entries(COLLECTIONS)) {
      const fromStream = part === "paid" || part === "picky";
      const tallies = await readTallies(till, collection);
      this.#judge(part, tallies, fromStream ? published : sent);
    }
  }

  #judge(
    part: string,
    tallies: ReadonlyMap<string, Tally>,
    acknowledged: readonly { readonly key: string; readonly sequence: number }[],
  ): void {
    for (const [account, { count, missing, repeated }] of tallies) {
      this.#counts.effects += count;
      if (missing > 0) this.#report("lost", `${part} of ${account}: ${missing} came never`);
      if (repeated > 0) this.#report("twice", `${part} of ${account}: ${repeated} came again`);
    }
    for (const { key, sequence } of acknowledged) {
      if (sequence < (tallies.get(key)?.next ?? 0)) continue;
      this.#report("lost", `${part} of ${key}: number ${sequence} was acknowledged and came never`);
    }
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text });
  }

  get totals(): ComponentRecord["totals"] {
    const { published, sent, effects, commits, positions, redriven, relayed } = this.#counts;
    return {
      "events acknowledged": published,
      "commands acknowledged": sent,
      "effects on documents counted": effects,
      "commits acknowledged": commits,
      "messages relayed": relayed,
      "positions compared": positions,
      "parked rows redriven": redriven,
    };
  }
}

/** Until nothing is parked and nothing is under way. */
async function comeToRest({ running, store }: RunningTill): Promise<void> {
  const limit = AbortSignal.timeout(SETTLE_LIMIT_MS);
  do {
    await running.redriveParked("all");
    await running.settled(limit);
  } while ((await store.listParked({ limit: 1 })).length > 0);
}

async function readTallies(
  { store }: RunningTill,
  collection: string,
): Promise<Map<string, Tally>> {
  const { documents } = await store.findDocuments(collection, { limit: 1000 });
  return new Map(
    documents.map(({ id, json }): [string, Tally] => {
      const parsed: Tally = JSON.parse(json);
      return [id, parsed];
    }),
  );
}
