/** What the components share whose clients speak Kafka: a link, a history, and looks at the log. */

import { setTimeout as pause } from "node:timers/promises";
import { Client } from "../../hostile/client.ts";
import type { ComponentRecord, Opened, Run, Violation } from "../driver.ts";
import type { Json, Report } from "../report.ts";
import { History } from "./history.ts";
import { RunOver, ServerLink } from "./clients/server-link.ts";
import { ensureTopic, isDecided, lookAt, PARTITIONS } from "./topic.ts";

/** The broker looks for transactions that have timed out every ten seconds. */
const DECIDED_LIMIT_MS = 30_000;
const DECIDED_PAUSE_MS = 100;

/** A client of the parent: works through all lives, and rejects at the end with RunOver. */
export interface WireClient {
  run(): Promise<never>;
  /** Requests whose answer it waits for. */
  readonly inFlight: number;
  /** Ends what it left under way; while nobody lets `run` in. */
  finish?(client: Client): Promise<void>;
}

export interface Stage {
  readonly run: Run;
  readonly topic: string;
  readonly link: ServerLink;
  readonly history: History;
}

interface WireOptions {
  readonly name: string;
  readonly clients: (stage: Stage) => readonly WireClient[];
  /** By producer, the positions that its transactions have committed. */
  readonly positions?: (client: Client) => Promise<ReadonlyMap<string, number>>;
  readonly totals: (history: History) => ComponentRecord["totals"];
}

export class WireRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #history = new History();
  readonly #options: WireOptions;
  readonly #lookedTo = new Map<number, number>();
  #clients: readonly WireClient[] = [];
  #ended: Promise<unknown> = Promise.resolve();
  #link: ServerLink | undefined;
  #found = 0;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  open(run: Run): Promise<void> {
    const link = new ServerLink(run.ports.kafka, run.random);
    this.#link = link;
    const topic = this.#options.name;
    this.#clients = this.#options.clients({ run, topic, link, history: this.#history });
    this.#ended = Promise.all(
      this.#clients.map((client) =>
        client.run().catch((error: unknown) => {
          if (!(error instanceof RunOver)) this.#report("wrong", String(error));
        }),
      ),
    );
    return Promise.resolve();
  }

  living(): void {
    this.#link!.living();
  }

  take([, , text]: Report): void {
    this.#report("wrong", String(text));
  }

  died(): ReturnType<ComponentRecord["died"]> {
    this.#link!.died();
    const { name } = this.#options;
    return { [name]: this.#clients.reduce((sum, { inFlight }) => sum + inFlight, 0) };
  }

  resume(): Json {
    return null;
  }

  /**
   * Looks from where the last look ended; at the end at all of it, when every transaction is over: its
   * producer has ended it, or its time has.
   */
  async verify(_opened: Opened, { last }: { readonly last: boolean }): Promise<void> {
    const { name, positions } = this.#options;
    const client = await Client.open(this.#link!.port);
    try {
      await ensureTopic(client, name);
      if (last) {
        for (const each of this.#clients) await each.finish?.(client);
        await this.#decided(client);
      }
      const looks = await Promise.all(
        Array.from({ length: PARTITIONS }, (_, partition) => {
          const from = last ? 0 : (this.#lookedTo.get(partition) ?? 0);
          return lookAt(client, name, { partition, from });
        }),
      );
      for (const { partition, to } of looks) this.#lookedTo.set(partition, to);
      const committed = (await positions?.(client)) ?? new Map<string, number>();
      this.#history.take({ type: "log", partitions: looks, positions: committed, decided: last });
    } finally {
      client.socket.destroy();
    }
    const fresh = this.#history.findings.slice(this.#found);
    this.#found = this.#history.findings.length;
    for (const { kind, text } of fresh) this.#report(kind, text);
  }

  /** If it is not within the limit, the look at the log says so. */
  async #decided(client: Client): Promise<void> {
    const endsMs = performance.now() + DECIDED_LIMIT_MS;
    while (performance.now() < endsMs && !(await isDecided(client, this.#options.name))) {
      await pause(DECIDED_PAUSE_MS);
    }
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text: `topic ${this.#options.name}: ${text}` });
  }

  get totals(): ComponentRecord["totals"] {
    return {
      ...this.#options.totals(this.#history),
      "connections cut": this.#link!.cutCount,
    };
  }

  async close(): Promise<void> {
    this.#link!.close();
    await this.#ended;
  }
}
