/** A service at work: events in, a document and an outgoing event committed together, events out. */

import { join } from "node:path";
import { z } from "zod";
import { encodeMessage } from "../src/codecs/cloudevents.ts";
import {
  consumer,
  document,
  event,
  openApp,
  service,
  stream,
  type App,
  type Envelope,
  valuesOf,
} from "../src/index.ts";
import { embedded } from "../src/embedded/embedded.ts";
import { sqlite } from "../src/stores/sqlite/sqlite.ts";
import type { Benchmark, Figure } from "./harness.ts";
import { environment, openEmbedded, processorTime, RUN_MS } from "./load.ts";

const KEYS = 1000;
const BACKLOG = 60_000;
const CHUNK = 1000;
const PARTITIONS = 4;

const Paid = event("bench.paid", z.object({ account: z.string(), cents: z.number().int() }), {
  key: ({ account }) => account,
});
const Booked = event("bench.booked", z.object({ account: z.string(), balance: z.number().int() }), {
  key: ({ account }) => account,
});
const payments = stream("payments", { Paid }, { partitions: PARTITIONS });
const bookings = stream("bookings", { Booked }, { partitions: PARTITIONS });
const balances = document<number>("balances");

const book = consumer("book", { from: payments, publishes: bookings, docs: { balances } }).handle({
  Paid: async ({ account, cents }, { docs, emit }) => {
    const balance = ((await docs.balances.get(account)) ?? 0) + cents;
    docs.balances.put(account, balance);
    emit(Booked({ account, balance }));
  },
});
const bench = service("bench", { book });

function open(directory: string): Promise<App> {
  return openApp({
    services: [bench],
    broker: embedded({ directory: join(directory, "broker") }),
    store: sqlite({ directory: join(directory, "stores") }),
    log: { level: "error" },
  });
}

/** Fills the log as another service's relay would: each message with its place in that service's output. */
async function fill(directory: string): Promise<void> {
  await using broker = await openEmbedded(join(directory, "broker"));
  await broker.streams.ensureStream({ name: "payments", partitions: PARTITIONS });
  const text = new TextEncoder();
  for (let first = 0; first < BACKLOG; first += CHUNK) {
    const messages = Array.from({ length: CHUNK }, (_, index) => {
      const sequence = first + index;
      const account = `account-${sequence % KEYS}`;
      const envelope: Envelope = {
        id: environment.ids.newId(),
        type: Paid.type,
        kind: "event",
        version: 1,
        source: "till",
        key: account,
        time: environment.clock.now(),
        place: { epoch: 1, lane: "till", sequence },
      };
      return encodeMessage(envelope, text.encode(JSON.stringify({ account, cents: 1 })));
    });
    valuesOf(await broker.streams.append("payments", messages));
  }
}

/** Throws unless the outcome is right: a fast wrong answer is no figure. */
async function checkBookings(app: App, expected: number): Promise<void> {
  const { partitions } = await app.admin.describeStream("bookings");
  const booked = partitions.reduce((sum, { end }) => sum + end, 0);
  if (booked !== expected) throw new Error(`${booked} bookings were published, not ${expected}`);
}

async function inBatches(directory: string): Promise<readonly number[]> {
  await fill(directory);
  const processor = processorTime();
  const startedMs = performance.now();
  await using app = await open(directory);
  await app.settled();
  const seconds = (performance.now() - startedMs) / 1000;
  const processorMicroseconds = processor();
  await checkBookings(app, BACKLOG);
  return [BACKLOG / seconds, processorMicroseconds / BACKLOG];
}

/** The next payment is published when the booking of the one before is in the log. */
async function oneByOne(directory: string): Promise<readonly number[]> {
  await using app = await open(directory);
  await app.settled();
  const processor = processorTime();
  const startedMs = performance.now();
  let count = 0;
  while (performance.now() - startedMs < RUN_MS) {
    await app.publish(Paid({ account: `account-${count++ % KEYS}`, cents: 1 }));
    await app.settled();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const processorMicroseconds = processor();
  await checkBookings(app, count);
  return [count / seconds, processorMicroseconds / count];
}

/** The harness tells figures apart by their object, so each case has its own. */
const processorFigure = (): Figure => ({ name: "the same, processor time", unit: "µs/message" });

export const benchmark: Benchmark = {
  name: "service",
  cases: [
    {
      figures: [
        {
          name: `event in, document and event out, backlog of ${BACKLOG}`,
          unit: "messages/s",
          goal: { atLeast: 100_000 },
          synced: true,
        },
        processorFigure(),
      ],
      run: inBatches,
    },
    {
      figures: [
        {
          name: "event in, document and event out, one by one",
          unit: "messages/s",
          goal: { atLeast: 2000 },
          synced: true,
        },
        processorFigure(),
      ],
      run: oneByOne,
    },
  ],
};
