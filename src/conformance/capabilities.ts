/**
 * What a broker says of itself, and what it does when it is asked for more: a capability declared
 * absent is refused by name, never half done.
 */

import assert from "node:assert/strict";
import { has, type BrokerCapabilities, type Capability } from "../broker/capabilities.ts";
import { valuesOf } from "../model/outcome.ts";
import { refusal, type BrokerContext, type BrokerTopic } from "./broker-case.ts";
import { message } from "./messages.ts";
import { makeQueue, openReceiver } from "./queues/receiver.ts";

type Probe = (context: BrokerContext) => Promise<unknown>;

async function streamWith(
  { streams, name }: BrokerContext,
  settings: object = {},
): Promise<string> {
  const stream = name("probe");
  await streams().ensureStream({ name: stream, partitions: 1, ...settings });
  return stream;
}

/** The call that asks for the capability. What has no call of its own is absent here. */
const STREAM_PROBES: Readonly<Partial<Record<Capability, Probe>>> = {
  timeLookup: async (context) => context.streams().offsetAt(await streamWith(context), 0, 0),
  retentionByAge: (context) => streamWith(context, { retention: { ageMs: 60_000 } }),
  retentionBySize: (context) => streamWith(context, { retention: { bytes: 1_000_000 } }),
  retentionByCount: (context) => streamWith(context, { retention: { count: 1000 } }),
  dedupeById: (context) => streamWith(context, { dedupe: { count: 100, ms: 60_000 } }),
  compaction: (context) => streamWith(context, { compaction: { minLagMs: 60_000 } }),
};

const QUEUE_PROBES: Readonly<Partial<Record<Capability, Probe>>> = {
  keyOrder: (context) => makeQueue(context, { keyOrder: true }),
  delay: async (context) =>
    context.queues().send(await makeQueue(context), [{ message: message("m"), delayMs: 1000 }]),
  leaseExtension: async (context) => {
    const queue = await makeQueue(context);
    valuesOf(await context.queues().send(queue, [{ message: message("m") }]));
    const receiver = await openReceiver(context.queues(), queue);
    const lease = await receiver.take();
    try {
      return await context.queues().extend(lease, 60_000);
    } finally {
      await receiver.close();
    }
  },
  deadLetters: async (context) => context.queues().listDeadLetters(await makeQueue(context)),
  dedupeById: (context) => makeQueue(context, { dedupe: { count: 100, ms: 60_000 } }),
};

export const capabilityCases: BrokerTopic = {
  topic: "capabilities",
  cases: [
    {
      title: "a face is there exactly when its capability is",
      run: ({ broker, capabilities }) => {
        assert.equal(broker().streams !== undefined, has(capabilities, "streams"));
        assert.equal(broker().queues !== undefined, has(capabilities, "queues"));
        return Promise.resolve();
      },
    },
    {
      title: "an emulated capability names its cost, an absent one its reason",
      run: ({ capabilities, note }) => {
        const levels = Object.entries(capabilities.levels);
        assert.ok(levels.length > 0 && capabilities.adapter.length > 0);
        for (const [capability, level] of levels) {
          if (level.level === "emulated")
            assert.ok(level.cost.length > 0, `${capability}: no cost`);
          if (level.level === "absent")
            assert.ok(level.reason.length > 0, `${capability}: no reason`);
        }
        note(`${levels.length} capabilities declared`);
        return Promise.resolve();
      },
    },
    {
      title: "what is absent is refused by name, what is there is not",
      run: async (context) => {
        let probed = 0;
        for (const [face, probes] of [
          ["streams", STREAM_PROBES],
          ["queues", QUEUE_PROBES],
        ] as const) {
          if (!has(context.capabilities, face)) continue;
          for (const [capability, probe] of Object.entries(probes)) {
            await runProbe(context, capability, probe);
            probed++;
          }
        }
        assert.ok(probed > 0);
        context.note(`${probed} capabilities probed`);
      },
    },
  ],
};

async function runProbe(context: BrokerContext, capability: string, probe: Probe): Promise<void> {
  if (isPresent(context.capabilities, capability)) {
    await probe(context);
    return;
  }
  const error = await refusal(() => probe(context), "CAPABILITY_MISSING");
  assert.ok(
    error.message.includes(context.capabilities.adapter),
    `the text names the adapter: ${error.message}`,
  );
  context.note(`${capability} is absent and refused: ${error.message}`);
}

function isPresent(capabilities: BrokerCapabilities, capability: string): boolean {
  return Object.entries(capabilities.levels).some(
    ([name, { level }]) => name === capability && level !== "absent",
  );
}
