/** Writers to a stream: nothing acknowledged is lost, nothing is there twice, each key in order. */

import type { Streams } from "../../../src/broker/streams.ts";
import { valuesOf } from "../../../src/model/outcome.ts";
import type { ComponentRecord, Driver, Opened, Violation } from "../driver.ts";
import { startSenders, SenderRecord } from "./keyed-sequences.ts";
import { encodeNumbered, LEDGER_PARTITIONS, LEDGER_STREAM, parseNumbered } from "./names.ts";

const NAME = "append";

export const appendDriver: Driver = {
  name: NAME,
  start: ({ broker, control, tell, resume }) => {
    const streams = broker.streams!;
    startSenders({
      tell,
      resume,
      prefix: "w",
      callsInFlight: 6,
      acknowledgeFirst: control === "ack-before-write",
      send: async (messages) => {
        valuesOf(await streams.append(LEDGER_STREAM, messages.map(encodeNumbered)));
      },
    });
    return Promise.resolve();
  },
  createRecord: () => new AppendRecord(),
};

/** The stream that writers, groups and views share; every component may make it. */
export async function ensureLedger(streams: Streams): Promise<void> {
  await streams.ensureStream({
    name: LEDGER_STREAM,
    partitions: LEDGER_PARTITIONS,
    durability: { mode: "fsync" },
    dedupe: { count: 1_000_000, ms: 3_600_000 },
  });
}

class AppendRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #senders = new SenderRecord("w");
  #acknowledged = 0;
  #found = 0;

  take(report: Parameters<ComponentRecord["take"]>[0]): void {
    const error = this.#senders.take(report);
    if (error !== undefined) this.violations.push({ kind: "wrong", text: error });
  }

  died(): ReturnType<ComponentRecord["died"]> {
    return { append: this.#senders.died() };
  }

  resume(): ReturnType<ComponentRecord["resume"]> {
    return this.#senders.resume();
  }

  // proves: durable-broker
  /** Reads every partition whole: each key must count 0, 1, 2, … and hold all that was acknowledged. */
  async verify({ broker }: Opened): Promise<void> {
    const streams = broker.streams!;
    const next = new Map<string, number>();
    this.#found = 0;
    for (let partition = 0; partition < LEDGER_PARTITIONS; partition++) {
      for await (const batch of streams.read(LEDGER_STREAM, { partition, from: "earliest" })) {
        for (const record of batch) this.#check(record, next);
      }
    }
    const acknowledged = this.#senders.acknowledged();
    this.#acknowledged = acknowledged.length;
    for (const { key, sequence } of acknowledged) {
      if (sequence >= (next.get(key) ?? 0)) this.#report("lost", `${key}:${sequence} is not there`);
    }
  }

  #check(record: Parameters<typeof parseNumbered>[0], next: Map<string, number>): void {
    const { key, sequence } = parseNumbered(record);
    const expected = next.get(key) ?? 0;
    this.#found++;
    if (sequence === expected) {
      next.set(key, expected + 1);
    } else if (sequence < expected) {
      this.#report("twice", `${key}:${sequence} comes again after ${expected - 1}`);
    } else {
      this.#report("lost", `${key}:${sequence} follows ${expected - 1}`);
      next.set(key, sequence + 1);
    }
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text: `${LEDGER_STREAM}: ${text}` });
  }

  get totals(): ComponentRecord["totals"] {
    return { "messages acknowledged": this.#acknowledged, "messages found": this.#found };
  }
}
