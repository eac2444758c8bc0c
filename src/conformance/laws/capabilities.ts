/**
 * Law 11: a capability that the program needs and the broker lacks is refused at start, with the
 * adapter, the capability, the part that needs it, and the remedy.
 */

import assert from "node:assert/strict";
import { has, type BrokerCapabilities, type Capability } from "../../broker/capabilities.ts";
import type { Part } from "../../service/part.ts";
import type { RunningService } from "../../service/running/running-service.ts";
import { service } from "../../service/service.ts";
import { startService } from "../../service/start-service.ts";
import { view } from "../../sourcing/view.ts";
import type { Law, LawContext, Ports } from "../law-case.ts";
import { counts, ordered, queueKeeper, streamKeeper, work } from "./declarations.ts";
import { overlay, refused } from "./stage.ts";

/** A part for each capability that parts can need. */
const NEEDY: readonly (readonly [Capability, readonly Capability[], Part])[] = [
  ["streams", [], streamKeeper(counts)],
  ["queues", ["deadLetters", "delay"], queueKeeper(work)],
  ["deadLetters", ["queues", "delay"], queueKeeper(work)],
  ["delay", ["queues", "deadLetters"], queueKeeper(work)],
  ["keyOrder", ["queues"], queueKeeper(ordered)],
  [
    "replay",
    [],
    view("keeper", { from: counts, initial: { n: 0 } }).evolve({
      Counted: (s) => ({ n: s.n + 1 }),
    }),
  ],
];

/** The same broker, which says that it lacks something. */
function lacking(missing: Capability, { broker, store }: Ports): Ports {
  const level = { level: "absent", reason: "it never learned to" } as const;
  const poor = ({ levels }: BrokerCapabilities): BrokerCapabilities => ({
    adapter: "poor",
    levels: { ...levels, [missing]: level },
  });
  const { streams, queues } = broker;
  return {
    store,
    broker: overlay(broker, {
      ...(streams && {
        streams: overlay(streams, { capabilities: poor(streams.capabilities) }),
      }),
      ...(queues && { queues: overlay(queues, { capabilities: poor(queues.capabilities) }) }),
    }),
  };
}

/** The start of a service of this part, refused or not, on what is open already. */
async function start(
  { environment, time }: LawContext,
  part: Part,
  { broker, store }: Ports,
): Promise<RunningService> {
  const whole = service("laws", { part });
  const { streams, queues } = broker;
  return time.until(startService({ service: whole, streams, queues, store, environment }));
}

export const capabilities: Law = {
  topic: "law 11",
  cases: [
    {
      title:
        "what a part needs and the broker lacks is refused by name, before anything is touched",
      run: async (context) => {
        const { environment, time } = context;
        await using broker = await context.broker.open(environment);
        await using store = await context.store.open({ service: "laws", environment });
        const there = async (): Promise<readonly unknown[]> => [
          ...((await broker.streams?.listStreams()) ?? []),
          ...((await broker.queues?.listQueues()) ?? []),
        ];
        const possible = NEEDY.filter(([capability, needs]) =>
          [capability, ...needs].every((need) => has(context.capabilities, need)),
        );
        for (const [capability, , part] of possible) {
          const starting = start(context, part, lacking(capability, { broker, store }));
          const { message, details } = await refused("CAPABILITY_MISSING", starting);
          assert.deepEqual(details, { part: "keeper", capability, adapter: "poor" });
          const text = `^${part.partKind} "keeper" needs ${capability}, which poor lacks: it never learned to; .*(use|configure) a broker`;
          assert.match(message, new RegExp(text));
          assert.deepEqual(await time.until(there()), []);
        }
        for (const [, , part] of possible) {
          const running = await start(context, part, { broker, store });
          await time.until(running.stop());
        }
        assert.ok((await time.until(there())).length > 0, "with everything there, all start");
        context.note(`${possible.length} capabilities were taken away, one after another`);
      },
    },
    {
      title: "what the stack itself lacks is refused in the same way",
      run: async (context) => {
        const { environment } = context;
        const lacked = NEEDY.filter(([capability]) => !has(context.capabilities, capability));
        context.note(`${lacked.length} of ${NEEDY.length} capabilities are missing`);
        if (lacked.length === 0) return;
        await using broker = await context.broker.open(environment);
        await using store = await context.store.open({ service: "laws", environment });
        for (const [, , part] of lacked) {
          const starting = start(context, part, { broker, store });
          const { details } = await refused("CAPABILITY_MISSING", starting);
          assert.equal(details["part"], "keeper");
        }
      },
    },
  ],
};
