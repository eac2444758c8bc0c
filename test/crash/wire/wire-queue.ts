/**
 * AMQP clients of a queue. Demanded: a message whose send was accepted is settled, or waits, or is a
 * dead letter; one whose acceptance or rejection the server has settled never comes again.
 */

import type { Queues } from "../../../src/broker/queues.ts";
import type { ComponentRecord, Driver, Opened, Run, Violation } from "../driver.ts";
import type { Json, Report } from "../report.ts";
import {
  type Deed,
  drainAddress,
  QueueReceiver,
  QueueSender,
  type QueueTold,
} from "./clients/queue-clients.ts";
import { RunOver, ServerLink } from "./clients/server-link.ts";

const NAME = "wire-queue";
const RECEIVERS = 2;

export const wireQueueDriver: Driver = {
  name: NAME,
  overWire: true,
  start: () => Promise.resolve(),
  createRecord: () => new WireQueueRecord(),
};

/** What was last asked for a message, and whether the server has settled it. */
interface Standing {
  readonly deed: Deed;
  readonly settled: boolean;
}

export class WireQueueRecord implements ComponentRecord, QueueTold {
  readonly violations: Violation[] = [];
  readonly #accepted = new Map<string, boolean>();
  readonly #standing = new Map<string, Standing>();
  #clients: readonly (QueueSender | QueueReceiver)[] = [];
  #ended: Promise<unknown> = Promise.resolve();
  #link: ServerLink | undefined;
  #counts = { sends: 0, got: 0, accept: 0, release: 0, reject: 0, accountedFor: 0 };

  open({ ports, random, control }: Run): Promise<void> {
    const link = new ServerLink(ports.amqp, random);
    this.#link = link;
    const acceptEarly = control === "wire-accept-early";
    const settleEarly = control === "wire-settle-early";
    const client = { queue: NAME, link, random, told: this, acceptEarly, settleEarly };
    this.#clients = [
      new QueueSender({ ...client, name: "s" }),
      ...Array.from({ length: RECEIVERS }, (_, index) => {
        return new QueueReceiver({ ...client, name: `r${index}` });
      }),
    ];
    this.#ended = Promise.all(
      this.#clients.map((each) =>
        each.run().catch((error: unknown) => {
          if (!(error instanceof RunOver)) this.#report("wrong", String(error));
        }),
      ),
    );
    return Promise.resolve();
  }

  living(): void {
    this.#link!.living();
  }

  sending(text: string): void {
    this.#accepted.set(text, false);
  }

  accepted(text: string): void {
    this.#accepted.set(text, true);
    this.#counts.sends++;
  }

  got(text: string): void {
    this.#counts.got++;
    const standing = this.#standing.get(text);
    if (!this.#accepted.has(text)) this.#report("wrong", `${text} comes and was never sent`);
    if (standing?.settled === true && standing.deed !== "release") {
      this.#report("twice", `${text} comes again after its ${standing.deed} was settled`);
    }
  }

  settling(text: string, deed: Deed): void {
    this.#standing.set(text, { deed, settled: false });
  }

  settled(text: string, deed: Deed): void {
    this.#standing.set(text, { deed, settled: true });
    this.#counts[deed]++;
  }

  take([, , text]: Report): void {
    this.#report("wrong", String(text));
  }

  died(): ReturnType<ComponentRecord["died"]> {
    this.#link!.died();
    return { [NAME]: this.#clients.reduce((sum, { inFlight }) => sum + inFlight, 0) };
  }

  resume(): Json {
    return null;
  }

  /** At the end queue and dead letters are emptied, so that what waits can be told from what is lost. */
  async verify({ broker }: Opened, { last }: { readonly last: boolean }): Promise<void> {
    if (!last) return;
    const { waiting, dead } = await drain(broker.queues!, this.#link!.port);
    this.judge(waiting, dead);
  }

  /** Holds what is left against what was told. */
  judge(waiting: readonly string[], dead: readonly string[]): void {
    const left = [...waiting, ...dead];
    const found = new Set(left);
    if (found.size !== left.length) {
      this.#report("twice", `${left.length} messages are left, ${found.size} different ones`);
    }
    for (const text of found) {
      const { deed, settled } = this.#standing.get(text) ?? {};
      if (deed === "accept" && settled === true) this.#report("twice", `${text} is still there`);
    }
    for (const text of waiting) {
      const { deed, settled } = this.#standing.get(text) ?? {};
      if (deed === "reject" && settled === true) this.#report("twice", `${text} waits again`);
    }
    for (const [text, accepted] of this.#accepted) {
      if (!accepted) continue;
      if (found.has(text) || this.#standing.get(text)?.deed === "accept")
        this.#counts.accountedFor++;
      else this.#report("lost", `${text} was accepted and is nowhere`);
    }
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text: `queue ${NAME}: ${text}` });
  }

  get totals(): ComponentRecord["totals"] {
    const { sends, got, accept, release, reject, accountedFor } = this.#counts;
    return {
      "sends accepted": sends,
      "sends accounted for": accountedFor,
      deliveries: got,
      "acceptances settled": accept,
      "releases settled": release,
      "rejections settled": reject,
      "connections cut": this.#link!.cutCount,
    };
  }

  async close(): Promise<void> {
    this.#link!.close();
    await this.#ended;
  }
}

async function drain(
  queues: Queues,
  port: number,
): Promise<{ readonly waiting: string[]; readonly dead: string[] }> {
  const waiting = await drainAddress({ port, address: NAME }, async () => {
    const queue = await queues.describeQueue(NAME);
    return queue.waiting + queue.delayed + queue.leased === 0;
  });
  const dead = await drainAddress({ port, address: `${NAME}/$dead` }, async () => {
    return (await queues.listDeadLetters(NAME, { limit: 1 })).length === 0;
  });
  return { waiting, dead };
}
