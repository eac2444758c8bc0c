/**
 * The laws of the runtime on a whole stack, a broker and a store, ours or a stranger's: each of the
 * thirteen laws with every half of it that can be seen from outside.
 *
 * ```ts
 * import { test } from "node:test";
 * await runLawConformance({
 *   name: "mine on sqlite",
 *   test: (title, run, options) => test(title, options, (t) => run((text) => t.diagnostic(text))),
 *   open: async () => ({ broker: mine(), store: sqlite({ … }), environment, time, faults: {}, … }),
 * });
 * ```
 */

import type { BrokerCapabilities } from "../broker/capabilities.ts";
import { assert } from "../model/assert.ts";
import { runTopics, type Note, type TestFunction } from "./case.ts";
import type { Law, LawContext, LawNeed, LawPlace } from "./law-case.ts";
import { bounds } from "./laws/bounds.ts";
import { capabilities } from "./laws/capabilities.ts";
import { commitFirst } from "./laws/commit-first.ts";
import { contracts } from "./laws/contracts.ts";
import { decoding } from "./laws/decoding.ts";
import { envelope } from "./laws/envelope.ts";
import { failures } from "./laws/failures.ts";
import { keyOrder } from "./laws/key-order.ts";
import { once } from "./laws/once.ts";
import { parking } from "./laws/parking.ts";
import { replay } from "./laws/replay.ts";
import { stopping } from "./laws/stopping.ts";
import { timers } from "./laws/timers.ts";
import { versions } from "./laws/versions.ts";

export const LAWS: readonly Law[] = [
  commitFirst,
  keyOrder,
  failures,
  parking,
  decoding,
  stopping,
  once,
  envelope,
  timers,
  versions,
  replay,
  capabilities,
  bounds,
  contracts,
];

export interface LawConformanceOptions {
  readonly test: TestFunction;
  /** Stands before every title. */
  readonly name: string;
  /** Sets up a stack with data of its own. Called once for each case, and once before all of them. */
  readonly open: () => Promise<LawPlace>;
  readonly laws?: readonly Law[];
}

/** Looks at the stack's capabilities, then registers every case with the runner. */
export async function runLawConformance(options: LawConformanceOptions): Promise<void> {
  const { test, name, open, laws = LAWS } = options;
  const { capabilities, faults } = await lookAt(open);
  const missing = (need: LawNeed): string | undefined => {
    if (need === "restart" || need === "fullDisk") {
      return faults.includes(need) ? undefined : `${name} cannot be put through a ${need} here`;
    }
    const level = capabilities.levels[need];
    return level.level === "absent" ? `${name} lacks ${need}: ${level.reason}` : undefined;
  };
  const prepare = async (note: Note) => {
    const place = await open();
    return {
      context: contextOf(place, capabilities, note),
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  };
  runTopics(test, { name, missing, prepare }, laws);
}

async function lookAt(open: () => Promise<LawPlace>): Promise<{
  readonly capabilities: BrokerCapabilities;
  readonly faults: readonly string[];
}> {
  await using place = await open();
  await using broker = await place.broker.open(place.environment);
  const capabilities = broker.streams?.capabilities;
  assert(capabilities !== undefined, "the laws are about services that have streams");
  return { capabilities, faults: Object.keys(place.faults) };
}

function contextOf(place: LawPlace, capabilities: BrokerCapabilities, note: Note): LawContext {
  const { broker, store, environment, time, faults } = place;
  const { restart, fullDisk } = faults;
  return {
    broker,
    store,
    environment,
    time,
    note,
    capabilities,
    restart: async () => {
      assert(restart !== undefined, "the case names restart among its needs");
      await restart();
    },
    fullDisk: async (full) => {
      assert(fullDisk !== undefined, "the case names fullDisk among its needs");
      await fullDisk(full);
    },
  };
}
