/**
 * What the parent knows of the view, and what it demands: every document of every generation is the
 * fold, by one version, of the first entries of its account; none goes back; what answers is all of one
 * generation; and in the end each version's code gets its view, with all that was acknowledged in it.
 */

import type { ComponentRecord, Opened, Violation } from "../driver.ts";
import { SenderRecord } from "../drivers/keyed-sequences.ts";
import { restUntil } from "../open-app.ts";
import type { Json, Report } from "../report.ts";
import { runTallies, type Shown } from "./run-tallies.ts";
import { type Checked, expectedSum, VERSIONS, VIEW } from "./tallies.ts";

export const PREFIX = "v";

interface Read extends Omit<Shown, "live"> {
  /** Generations that are neither live nor old. */
  readonly building: number;
}

export class ViewRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #senders = new SenderRecord(PREFIX);
  /** The number that a document has reached, by generation and account. */
  readonly #reached = new Map<string, number>();
  readonly #sums = new Map<string, number>();
  /** Something is being done to a generation. */
  #doing = false;
  #answering = "";
  /** Generations on their way in or out when the child last looked. */
  #building = 0;
  #version = 0;
  #verified = 0;
  #acknowledged = 0;
  #counts = { documents: 0, swaps: 0, turns: 0, rebuilds: 0, drops: 0, tokens: 0, completed: 0 };

  take(report: Report): void {
    const [component, kind, ...facts] = report;
    const text = String(facts[0]);
    if (kind === "error") return this.#report("wrong", text);
    if (kind === "version") return this.#turn(Number(text));
    if (kind === "found") return this.#found(JSON.parse(text));
    if (kind === "read") return this.#read(JSON.parse(text));
    if (kind === "seen") return this.#seen(text, Number(facts[1]), Number(facts[2]));
    if (kind === "refused") return void (this.#doing = false);
    if (typeof facts[0] !== "string") {
      this.#senders.take([component, kind, ...facts]);
      return;
    }
    this.#doing = kind === "try";
    if (kind === "ack" && text === "rebuild") this.#counts.rebuilds++;
    if (kind === "ack" && text === "drop") this.#counts.drops++;
  }

  #turn(version: number): void {
    if (this.#version !== 0 && version !== this.#version) this.#counts.turns++;
    this.#version = version;
  }

  #found({ generation, live, documents }: Shown): void {
    if (live) this.#answers(generation);
    for (const [account, document] of documents) {
      this.#judge(account, document, generation);
      const name = `${generation} of ${account}`;
      const before = this.#reached.get(name) ?? 0;
      if (document.next < before) {
        this.#report("regressed", `${name} is at ${document.next}, behind ${before}`);
      }
      this.#reached.set(name, Math.max(before, document.next));
    }
  }

  /** `generation` is what answered just before the read: another may have taken over since. */
  #read({ generation, building, documents }: Read): void {
    this.#answers(generation);
    this.#building = building;
    const versions = new Set(documents.map(([, { version }]) => version));
    if (versions.size > 1) {
      this.#report("wrong", `one page holds documents of versions ${[...versions].join(" and ")}`);
    }
    for (const [account, document] of documents) this.#judge(account, document, generation);
  }

  #answers(generation: string): void {
    if (this.#answering !== "" && generation !== this.#answering) this.#counts.swaps++;
    this.#answering = generation;
  }

  #judge(account: string, document: Checked, generation: string): void {
    const { version, next, missing, repeated, sum } = document;
    const name = `${generation} of ${account}`;
    this.#counts.documents++;
    if (missing > 0) this.#report("lost", `${name}: ${missing} came never`);
    if (repeated > 0) this.#report("twice", `${name}: ${repeated} came again`);
    if (missing === 0 && repeated === 0 && sum !== this.#sumOf(version, next)) {
      this.#report("wrong", `${name} is no fold of ${next} entries by version ${version}`);
    }
  }

  #sumOf(version: number, next: number): number {
    const name = `${version}/${next}`;
    const sum = this.#sums.get(name) ?? expectedSum(version, next);
    this.#sums.set(name, sum);
    return sum;
  }

  #seen(account: string, nth: number, next: number): void {
    this.#counts.tokens++;
    if (nth >= next) {
      this.#report("lost", `a read with the token of ${account}:${nth} saw ${next} entries`);
    }
  }

  died(): ReturnType<ComponentRecord["died"]> {
    const generations = this.#building + (this.#doing ? 1 : 0);
    this.#building = 0;
    this.#doing = false;
    return { entries: this.#senders.died(), generations };
  }

  resume(): Json {
    return this.#senders.resume();
  }

  /** Runs one version's code, in turn, and at the end every version's, the oldest last. */
  async verify(opened: Opened, { last }: { readonly last: boolean }): Promise<void> {
    const acknowledged = this.#senders.acknowledged();
    this.#acknowledged = acknowledged.length;
    this.#verified++;
    const all = Array.from({ length: VERSIONS }, (_, index) => VERSIONS - index);
    const versions = last ? [...all, VERSIONS, 1] : [all[this.#verified % VERSIONS]!];
    for (const version of versions) {
      const { app, tallies } = await runTallies(opened, version, (shown) => this.#found(shown));
      await using _closed = app;
      const taken = await restUntil(app, async () => {
        const [view] = await app.services[0]!.listViews();
        return view!.generations.some((each) => each.state === "live" && each.version === version);
      });
      if (!taken) return this.#report("lost", `version ${version} of ${VIEW} never took over`);
      const { documents } = await app.find(tallies, { limit: 1000 });
      const shown = new Map(documents.map(({ id, data }) => [id, data]));
      for (const [account, document] of shown) {
        this.#judge(account, document, `v${version}`);
        if (document.version === version) continue;
        this.#report("wrong", `version ${version} answers with one of ${document.version}`);
      }
      for (const { key, sequence } of acknowledged) {
        if (sequence < (shown.get(key)?.next ?? 0)) continue;
        this.#report("lost", `version ${version} has not ${key}:${sequence}`);
      }
      this.#counts.completed++;
    }
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text });
  }

  get totals(): ComponentRecord["totals"] {
    const { documents, swaps, turns, rebuilds, drops, tokens, completed } = this.#counts;
    return {
      "entries acknowledged": this.#acknowledged,
      "documents compared": documents,
      "reads with a token": tokens,
      "changes of version": turns,
      rebuilds,
      drops,
      "swaps seen": swaps,
      "views completed": completed,
    };
  }
}
