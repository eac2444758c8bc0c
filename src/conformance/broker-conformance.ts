/**
 * The suites of the broker port, for every implementation, ours or a stranger's.
 *
 * ```ts
 * import { test } from "node:test";
 * await runBrokerConformance({
 *   name: "mine",
 *   test: (title, run, options) => test(title, options, (t) => run((text) => t.diagnostic(text))),
 *   open: async () => ({ broker: await mine().open(environment), time, faults: {}, … }),
 * });
 * ```
 */

import { has, type Capability } from "../broker/capabilities.ts";
import { assert } from "../model/assert.ts";
import type { BrokerContext, BrokerNeed, BrokerPlace, BrokerTopic } from "./broker-case.ts";
import { capabilityCases } from "./capabilities.ts";
import { runTopics, type TestFunction } from "./case.ts";
import { deadLetters } from "./queues/dead-letters.ts";
import { leases } from "./queues/leases.ts";
import { life as queueLife } from "./queues/life.ts";
import { keyOrder } from "./queues/order.ts";
import { sending } from "./queues/sending.ts";
import { appending } from "./streams/append.ts";
import { dedupe } from "./streams/dedupe.ts";
import { groups } from "./streams/groups.ts";
import { life as streamLife } from "./streams/life.ts";
import { lossless } from "./streams/lossless.ts";
import { offsets } from "./streams/offsets.ts";
import { reading } from "./streams/read.ts";
import { compaction } from "./streams/compaction.ts";
import { retention } from "./streams/retention.ts";
import { seeking } from "./streams/seek.ts";

const STREAM_TOPICS: readonly BrokerTopic[] = [
  appending,
  reading,
  offsets,
  groups,
  seeking,
  retention,
  compaction,
  dedupe,
  lossless,
  streamLife,
];

const QUEUE_TOPICS: readonly BrokerTopic[] = [leases, sending, keyOrder, deadLetters, queueLife];

/** Every topic, each case asking for the face it works on. */
export const BROKER_TOPICS: readonly BrokerTopic[] = [
  capabilityCases,
  ...STREAM_TOPICS.map((topic) => needing(topic, "streams")),
  ...QUEUE_TOPICS.map((topic) => needing(topic, "queues")),
];

function needing({ topic, cases }: BrokerTopic, face: "streams" | "queues"): BrokerTopic {
  return {
    topic,
    cases: cases.map((one) => ({ ...one, needs: [face, ...(one.needs ?? [])] })),
  };
}

export interface BrokerConformanceOptions {
  readonly test: TestFunction;
  /** Stands before every title. */
  readonly name: string;
  /** Opens a broker on data of its own. Called once for each case, and once before all of them. */
  readonly open: () => Promise<BrokerPlace>;
  readonly topics?: readonly BrokerTopic[];
}

/** Looks at the broker's capabilities, then registers every case with the runner. */
export async function runBrokerConformance(options: BrokerConformanceOptions): Promise<void> {
  const { test, name, open, topics = BROKER_TOPICS } = options;
  const { levels, faults } = await lookAt(open);
  const missing = (need: BrokerNeed): string | undefined => {
    if (need === "restart" || need === "kill") {
      return faults.includes(need) ? undefined : `${name} cannot be put through a ${need} here`;
    }
    const level = levels[need];
    return level.level === "absent" ? `${name} lacks ${need}: ${level.reason}` : undefined;
  };
  const prepare = async (note: BrokerContext["note"]) => {
    const place = await open();
    return {
      context: contextOf(place, note),
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  };
  runTopics(test, { name, missing, prepare }, topics);
}

async function lookAt(open: () => Promise<BrokerPlace>): Promise<{
  readonly levels: BrokerContext["capabilities"]["levels"];
  readonly faults: readonly string[];
}> {
  await using place = await open();
  return { levels: capabilitiesOf(place).levels, faults: Object.keys(place.faults) };
}

function capabilitiesOf({ broker }: BrokerPlace): BrokerContext["capabilities"] {
  const capabilities = broker.streams?.capabilities ?? broker.queues?.capabilities;
  assert(capabilities !== undefined, "a broker has at least one face");
  return capabilities;
}

let names = 0;

function contextOf(place: BrokerPlace, note: BrokerContext["note"]): BrokerContext {
  const capabilities = capabilitiesOf(place);
  const face = <Face>(found: Face | undefined, capability: Capability): Face => {
    assert(found !== undefined && has(capabilities, capability), `the broker has ${capability}`);
    return found;
  };
  return {
    broker: () => place.broker,
    streams: () => face(place.broker.streams, "streams"),
    queues: () => face(place.broker.queues, "queues"),
    capabilities,
    time: place.time,
    suffer: async (fault) => {
      const apply = place.faults[fault];
      assert(apply !== undefined, `the case names ${fault} among its needs`);
      await apply();
    },
    name: (stem) => `${stem}-${place.time.now().toString(36)}-${(names++).toString(36)}`,
    note,
  };
}
