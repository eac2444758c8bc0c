/**
 * Our server over the network, alone or in turn with a real broker: one process drives, another serves.
 *
 * `npm run bench -- wire [--against kafka|kfake|rabbitmq] [--only TEXT]`. With a peer each case runs on
 * both, the first one first in every other round, and its ratios are ours divided by the peer's in the
 * same round; of partitions it has six only. The servers live through all rounds, so the warming round
 * warms them too.
 */

import type { Benchmark, Case, Figure } from "./harness.ts";
import { measureRoundTrips } from "./wire/amqp-round-trips.ts";
import { measureJavaProducer } from "./wire/java-producer.ts";
import {
  measureConsume,
  measureProduce,
  type WireLoad,
  type WireResult,
} from "./wire/produce-consume.ts";
import { startOurs, startPeer, type PeerName, type Target } from "./wire/target.ts";

export interface WireOptions {
  readonly against: PeerName | undefined;
  /** Only cases whose name has this text. */
  readonly only: string;
}

interface WireCase {
  readonly name: string;
  readonly measure: (target: Target, isOurs: boolean) => Promise<WireResult>;
  /** Of our megabytes, and of the ratio to the peer's. */
  readonly megabytesMin?: number;
  readonly ratioMin?: number;
  readonly recordsMin?: number;
  readonly synced: boolean;
}

/** Our acknowledgements are synced unless a topic says otherwise; Kafka's, only if it says so. */
const SYNCED = { "flush.messages": "1" };
/** Acknowledged before the sync, which comes within the second. */
const UNSYNCED = { "flush.messages": "9223372036854775807", "flush.ms": "1000" };

const SIZES = [1024, 100] as const;
const LAYOUTS = [
  { partitions: 1, connections: 1 },
  { partitions: 6, connections: 1 },
  { partitions: 1, connections: 64 },
  { partitions: 6, connections: 64 },
] as const;

/** Beside a peer every case takes twice as long. */
const LAYOUTS_AGAINST = LAYOUTS.filter(({ partitions }) => partitions === 6);
type Layouts = readonly (typeof LAYOUTS)[number][];

/** With one to warm up, some six minutes where nothing else runs. */
const ROUNDS = 3;

const layoutText = (partitions: number, connections: number): string =>
  `${partitions} partition${partitions > 1 ? "s" : ""}, ${connections} connection${connections > 1 ? "s" : ""}`;

function produceCases(layouts: Layouts): readonly WireCase[] {
  return SIZES.flatMap((recordBytes) =>
    layouts.flatMap((layout) =>
      [true, false].map((synced): WireCase => {
        const { partitions, connections } = layout;
        const mode = synced ? "synced" : "unsynced";
        const load: WireLoad = { ...layout, recordBytes, configs: synced ? SYNCED : UNSYNCED };
        return {
          name: `produce ${mode}, ${recordBytes} B, ${layoutText(partitions, connections)}`,
          measure: (target) => measureProduce(target, load),
          synced,
          ...(synced && connections === 1 && partitions === 6
            ? recordBytes === 1024
              ? { megabytesMin: 500 }
              : { recordsMin: 1_500_000 }
            : {}),
        };
      }),
    ),
  );
}

function consumeCases(layouts: Layouts): readonly WireCase[] {
  return SIZES.flatMap((recordBytes) =>
    layouts.map((layout): WireCase => {
      const { partitions, connections } = layout;
      return {
        name: `consume, ${recordBytes} B, ${layoutText(partitions, connections)}`,
        measure: (target) => measureConsume(target, { ...layout, recordBytes, configs: SYNCED }),
        synced: false,
        ...(recordBytes === 1024 && connections === 1 && { megabytesMin: 1000 }),
      };
    }),
  );
}

/** Ours is always synced. Kafka comes twice: as it is by default, and with a sync for each append. */
function javaCases(against: PeerName | undefined): readonly WireCase[] {
  const make = (what: string, ratioMin: number, configs: WireLoad["configs"]): WireCase => ({
    name: `Java producer, 1024 B, 6 partitions, ${what}`,
    ratioMin,
    synced: true,
    measure: (target, isOurs) =>
      measureJavaProducer(target, {
        recordBytes: 1024,
        partitions: 6,
        connections: 1,
        configs: isOurs ? SYNCED : configs,
      }),
  });
  if (against === "kafka") {
    return [make("Kafka unsynced", 1, {}), make("Kafka flush.messages=1", 4, SYNCED)];
  }
  return [make(against === "kfake" ? "kfake synced" : "synced", 3, {})];
}

const AMQP: WireCase = {
  name: "AMQP send, receive and accept, 1024 B",
  measure: (target) => measureRoundTrips(target, 1024),
  ratioMin: 1.5,
  synced: true,
};

function casesFor(against: PeerName | undefined): readonly WireCase[] {
  if (against === "rabbitmq") return [AMQP];
  const layouts = against === undefined ? LAYOUTS : LAYOUTS_AGAINST;
  const kafka = [...produceCases(layouts), ...consumeCases(layouts), ...javaCases(against)];
  if (against === undefined) return [...kafka, AMQP];
  // kfake syncs or not as it was started.
  return against === "kfake" ? kafka.filter(({ name }) => !name.includes("unsynced")) : kafka;
}

export function createBenchmark({ against, only }: WireOptions): Benchmark {
  const running = new AsyncDisposableStack();
  let ours: Target | undefined;
  let peer: Target | undefined;
  let rounds = 0;
  return {
    name: against === undefined ? "wire" : `wire against ${against}`,
    rounds: ROUNDS,
    prepare: async () => {
      ours = running.use(await startOurs());
      if (against !== undefined) peer = running.use(await startPeer(against));
    },
    cases: casesFor(against)
      .filter(({ name }) => name.includes(only))
      .map((one): Case => {
        const figures = [
          ...figuresOf(one, "millrace"),
          ...(against === undefined ? [] : [...figuresOf(one, against), ...ratiosOf(one, against)]),
        ];
        return {
          figures,
          run: async () => {
            const measureOurs = async (): Promise<readonly number[]> =>
              numbersOf(await one.measure(ours!, true));
            if (peer === undefined) return measureOurs();
            const there = peer;
            const measurePeer = async (): Promise<readonly number[]> =>
              numbersOf(await one.measure(there, false));
            const oursFirst = rounds++ % 2 === 0;
            const first = await (oursFirst ? measureOurs() : measurePeer());
            const second = await (oursFirst ? measurePeer() : measureOurs());
            const [here, beside] = oursFirst ? [first, second] : [second, first];
            return [...here, ...beside, here[0]! / beside[0]!, here[2]! / beside[2]!];
          },
        };
      }),
    close: () => running.disposeAsync(),
  };
}

function figuresOf(one: WireCase, target: string): readonly Figure[] {
  const { name, megabytesMin, recordsMin, synced } = one;
  const isOurs = target === "millrace";
  const goal = (min: number | undefined): Pick<Figure, "goal"> =>
    isOurs && min !== undefined ? { goal: { atLeast: min } } : {};
  const titled = (unit: string): Figure => ({ name: `${target}: ${name}`, unit });
  return [
    { ...titled("MB/s"), ...goal(megabytesMin) },
    { ...titled("records/s"), ...goal(recordsMin), ...(isOurs && synced && { synced }) },
    titled("CPU s/GB"),
    titled("ms p50"),
    titled("ms p99"),
  ];
}

function ratiosOf({ name, ratioMin }: WireCase, against: string): readonly Figure[] {
  return [
    {
      name: `millrace / ${against}: ${name}`,
      unit: "x MB/s",
      ...(ratioMin !== undefined && { goal: { atLeast: ratioMin } }),
    },
    {
      name: `millrace / ${against}: ${name}`,
      unit: "x CPU s/GB",
      ...(against === "kafka" && { goal: { atMost: 0.5 } }),
    },
  ];
}

function numbersOf(result: WireResult): readonly number[] {
  const { megabytesPerSecond, recordsPerSecond, processorSecondsPerGigabyte } = result;
  return [
    megabytesPerSecond,
    recordsPerSecond,
    processorSecondsPerGigabyte,
    result.p50Ms,
    result.p99Ms,
  ];
}
