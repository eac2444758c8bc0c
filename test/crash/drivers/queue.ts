/**
 * Senders and receivers of a queue with order per key. A receiver accepts most messages, releases
 * some and rejects a few; a redriver (a component of its own) brings the rejected ones back.
 *
 * Demanded: an acknowledged message is accepted, or waits, or is a dead letter; one whose acceptance
 * was acknowledged never comes again; of a key, a message comes only when all before it are settled.
 */

import type { Lease, Queues } from "../../../src/broker/queues.ts";
import type { Random } from "../../../src/model/ids.ts";
import { valuesOf } from "../../../src/model/outcome.ts";
import type { ComponentRecord, Driver, Opened, Violation } from "../driver.ts";
import type { Json, Report, Tell } from "../report.ts";
import { type Numbered, startSenders, SenderRecord } from "./keyed-sequences.ts";
import { encodeNumbered, JOBS_QUEUE, parseNumbered } from "./names.ts";

const RECEIVERS = 3;
const CREDIT = 8;

export const queueDriver: Driver = {
  name: "queue",
  start: ({ broker, tell, resume, random }) => {
    const queues = broker.queues!;
    startSenders({
      tell,
      resume,
      prefix: "q",
      callsInFlight: 1,
      acknowledgeFirst: false,
      send: async (messages) => {
        valuesOf(
          await queues.send(
            JOBS_QUEUE,
            messages.map((each) => ({ message: encodeNumbered(each) })),
          ),
        );
      },
    });
    for (let receiver = 0; receiver < RECEIVERS; receiver++) {
      receive(queues, tell, random).catch((error: unknown) => tell("error", String(error)));
    }
    return Promise.resolve();
  },
  createRecord: () => new QueueRecord(),
};

export async function ensureJobs(queues: Queues): Promise<void> {
  await queues.ensureQueue({
    name: JOBS_QUEUE,
    keyOrder: true,
    attempts: 1000,
    leaseMs: 60_000,
    durability: { mode: "fsync" },
    dedupe: { count: 1_000_000, ms: 3_600_000 },
  });
}

async function receive(queues: Queues, tell: Tell, random: Random): Promise<void> {
  const receiver = await queues.receive(JOBS_QUEUE, { credit: CREDIT });
  for await (const leases of receiver) {
    for (const lease of leases) {
      settle(queues, lease, { tell, random }).catch((error: unknown) =>
        tell("error", String(error)),
      );
    }
  }
}

async function settle(
  queues: Queues,
  lease: Lease,
  { tell, random }: { readonly tell: Tell; readonly random: Random },
): Promise<void> {
  const { key, sequence } = parseNumbered(lease.message);
  tell("got", key, sequence, lease.attempt);
  const chance = random.next();
  const deed = chance < 0.08 ? "reject" : chance < 0.2 ? "release" : "accept";
  tell(`try-${deed}`, key, sequence);
  if (deed === "accept") valuesOf(await queues.accept([lease]));
  else if (deed === "release") await queues.release(lease);
  else await queues.reject(lease, { code: "CHANCE", message: "rejected by chance" });
  tell(`ack-${deed}`, key, sequence);
}

type Standing = "accepted" | "accepting" | "rejected";

class QueueRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #senders = new SenderRecord("q");
  /** Messages that are settled or may be, by text; a redriven one may come again. */
  readonly #standing = new Map<string, Standing>();
  /** Of each key the number below which everything is settled. */
  readonly #settledBelow = new Map<string, number>();
  readonly #inFlight = new Set<string>();
  #counts = {
    accepted: 0,
    released: 0,
    rejected: 0,
    delivered: 0,
    acknowledged: 0,
    accountedFor: 0,
  };

  take(report: Report): void {
    const [, kind, ...facts] = report;
    if (kind === "try" || kind === "ack" || kind === "error") {
      const error = this.#senders.take(report);
      if (error !== undefined) this.#report("wrong", error);
      return;
    }
    const key = String(facts[0]);
    const sequence = Number(facts[1]);
    const text = `${key}:${sequence}`;
    if (kind === "got") return this.#got(key, sequence);
    if (kind.startsWith("try-")) this.#inFlight.add(text);
    else this.#inFlight.delete(text);
    if (kind === "try-accept") this.#standing.set(text, "accepting");
    else if (kind === "ack-accept") {
      this.#standing.set(text, "accepted");
      this.#counts.accepted++;
    } else if (kind === "try-reject") this.#standing.set(text, "rejected");
    else if (kind === "ack-reject") this.#counts.rejected++;
    else if (kind === "ack-release") this.#counts.released++;
  }

  #got(key: string, sequence: number): void {
    const text = `${key}:${sequence}`;
    this.#counts.delivered++;
    if (this.#standing.get(text) === "accepted") {
      this.#report("twice", `${text} comes again after its acceptance was acknowledged`);
    }
    let below = this.#settledBelow.get(key) ?? 0;
    while (this.#standing.has(`${key}:${below}`)) below++;
    this.#settledBelow.set(key, below);
    if (sequence > below) this.#report("disorder", `${text} comes before ${key}:${below}`);
  }

  died(): ReturnType<ComponentRecord["died"]> {
    const settle = this.#inFlight.size;
    this.#inFlight.clear();
    return { send: this.#senders.died(), settle };
  }

  resume(): Json {
    return this.#senders.resume();
  }

  /** At the end the queue is drained, so that what waits can be told from what is lost. */
  async verify({ broker }: Opened, { last }: { readonly last: boolean }): Promise<void> {
    const acknowledged = this.#senders.acknowledged().map(textOf);
    this.#counts.acknowledged = acknowledged.length;
    if (!last) return;
    const left = await drain(broker.queues!);
    const found = new Set(left);
    if (found.size !== left.length) {
      this.#report("twice", `${left.length} messages were left, ${found.size} different ones`);
    }
    for (const text of left) {
      if (this.#standing.get(text) === "accepted") this.#report("twice", `${text} is still there`);
    }
    for (const text of acknowledged) {
      const standing = this.#standing.get(text);
      const settled = standing === "accepted" || standing === "accepting";
      if (settled || found.has(text)) this.#counts.accountedFor++;
      else this.#report("lost", `${text} (${standing ?? "waiting"})`);
    }
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text: `queue ${JOBS_QUEUE}: ${text}` });
  }

  get totals(): ComponentRecord["totals"] {
    const { acknowledged, delivered, accepted, released, rejected, accountedFor } = this.#counts;
    return {
      "sends acknowledged": acknowledged,
      "leases given": delivered,
      "acceptances acknowledged": accepted,
      "releases acknowledged": released,
      "rejections acknowledged": rejected,
      "sends accounted for": accountedFor,
    };
  }
}

const textOf = ({ key, sequence }: Numbered): string => `${key}:${sequence}`;

/** Texts of everything that waits or is dead. */
async function drain(queues: Queues): Promise<string[]> {
  const texts = new Array<string>();
  for (;;) {
    const after = await queues.listDeadLetters(JOBS_QUEUE, { limit: 1000 });
    if (after.length === 0) break;
    texts.push(...after.map(({ message }) => textOf(parseNumbered(message))));
    await queues.discardDeadLetters(
      JOBS_QUEUE,
      after.map(({ sequence }) => sequence),
    );
  }
  const { waiting, delayed, leased } = await queues.describeQueue(JOBS_QUEUE);
  const total = texts.length + waiting + delayed + leased;
  if (texts.length === total) return texts;
  const receiver = await queues.receive(JOBS_QUEUE, { credit: 500 });
  for await (const leases of receiver) {
    texts.push(...leases.map(({ message }) => textOf(parseNumbered(message))));
    valuesOf(await queues.accept(leases));
    if (texts.length >= total) break;
  }
  await receiver.close();
  return texts;
}
