/** A service at work in the child: its messages published and sent, its parts, its parked rows redriven. */

import { encodeMessage } from "../../../src/codecs/cloudevents.ts";
import { delay } from "../../../src/model/clock.ts";
import type { RawMessage } from "../../../src/model/message.ts";
import { valuesOf } from "../../../src/model/outcome.ts";
import type { MessageType } from "../../../src/schema/declaration.ts";
import type { ChildContext, Driver } from "../driver.ts";
import { type Numbered, startSenders } from "../drivers/keyed-sequences.ts";
import type { Json, Tell } from "../report.ts";
import { acceptOnReceipt, observeAppends, observeCommits } from "./observed-ports.ts";
import { runTill } from "./run-till.ts";
import { ServiceRecord } from "./service-record.ts";
import { Charge, charges, Paid, payments } from "./till.ts";

const FAILS = 0.01;
const REDRIVE_PAUSE_MS = 20;

export const serviceDriver: Driver = {
  name: "service",
  start: async (context) => {
    const { control, random, tell, environment } = context;
    const { running } = await runTill(context, {
      fails: () => random.next() < FAILS,
      wrapStore: (store) => observeCommits(store, prefixed(tell, "commit")),
      wrapStreams: (streams) => observeAppends(streams, prefixed(tell, "relay")),
      ...(control === "ack-before-commit" && { wrapQueues: acceptOnReceipt }),
      before: async (store) => {
        for (const { consumer, input, position } of await store.listProgress()) {
          tell("position", consumer, input, position);
        }
      },
    });
    running.ended.catch((error: unknown) => tell("error", String(error)));
    startPublishing(context);

    const redrive = async (): Promise<void> => {
      for (;;) {
        await delay(environment.clock, REDRIVE_PAUSE_MS);
        tell("redrive-try");
        tell("redrive-ack", await running.redriveParked("all"));
      }
    };
    redrive().catch((error: unknown) => tell("error", String(error)));
  },
  createRecord: () => new ServiceRecord(),
};

function startPublishing({ broker, tell, resume }: ChildContext): void {
  const [publishResume = null, commandResume = null]: readonly Json[] = Array.isArray(resume)
    ? resume
    : [];
  startSenders({
    tell: prefixed(tell, "publish"),
    resume: publishResume,
    prefix: "p",
    callsInFlight: 2,
    acknowledgeFirst: false,
    send: async (messages) => {
      const encoded = messages.map((each) => encode(Paid, each));
      valuesOf(await broker.streams!.append(payments.name, encoded));
    },
  });
  startSenders({
    tell: prefixed(tell, "command"),
    resume: commandResume,
    prefix: "c",
    callsInFlight: 1,
    acknowledgeFirst: false,
    send: async (messages) => {
      const items = messages.map((each) => ({ message: encode(Charge, each) }));
      valuesOf(await broker.queues!.send(charges.name, items));
    },
  });
}

const prefixed =
  (tell: Tell, prefix: string): Tell =>
  (kind, ...facts) =>
    tell(`${prefix}-${kind}`, ...facts);

const encoder = new TextEncoder();

/** As a stranger would send it: with an id, and without a place in any lane. */
function encode({ type, kind }: MessageType, { key, sequence }: Numbered): RawMessage {
  return encodeMessage(
    { id: `${key}:${sequence}`, type, kind, version: 1, source: "crash", key, time: 0 },
    encoder.encode(JSON.stringify({ account: key, nth: sequence })),
  );
}
