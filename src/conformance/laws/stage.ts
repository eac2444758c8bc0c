/** A service at work on the stack of a case, and what the case drives it with. */

import assert from "node:assert/strict";
import type { AssignedPartition, JoinOptions, Streams } from "../../broker/streams.ts";
import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import type { Envelope } from "../../model/envelope.ts";
import type { Environment } from "../../model/environment.ts";
import { isMillraceError, type ErrorCode, type MillraceError } from "../../model/errors.ts";
import type { Draft } from "../../model/message.ts";
import { valuesOf, type Outcome } from "../../model/outcome.ts";
import type { Channel } from "../../schema/declaration.ts";
import type { Part, Service } from "../../service/part.ts";
import { createPublisher, type Published, type PublishOptions } from "../../service/publisher.ts";
import type { PartStatus, RunningService } from "../../service/running/running-service.ts";
import { service } from "../../service/service.ts";
import { startService } from "../../service/start-service.ts";
import { eventually } from "../broker-case.ts";
import type { LawContext, LawTime, Ports } from "../law-case.ts";
import { readStream } from "../messages.ts";

export interface StageOptions {
  /** What the case publishes to beside the service's own channels. */
  readonly channels?: readonly Channel[];
  /** Puts something between the service and what it works on. The case itself is not affected. */
  readonly wrap?: (ports: Ports) => Ports;
  /** Handles everything twice; see `startService`. */
  readonly handleTwice?: boolean;
  /** The stack's own unless said. */
  readonly environment?: Environment;
}

export interface LawStage extends AsyncDisposable, Ports {
  readonly running: RunningService;
  readonly time: LawTime;
  /** Publishes as a stranger without an outbox; throws what an item failed with. */
  publish(
    drafts: Draft | readonly Draft[],
    options?: PublishOptions,
  ): Promise<readonly Published[]>;
  /** The same, with the outcome of each. */
  attempt(drafts: readonly Draft[]): Promise<readonly Outcome<Published>[]>;
  settled(): Promise<void>;
  readonly until: LawTime["until"];
  /** The status of the service's only part, or of the one named. */
  status(part?: string): Promise<PartStatus>;
  /** Lets time pass until the check holds. */
  eventually(what: string, check: () => boolean | Promise<boolean>): Promise<void>;
  /** The envelopes of all that the stream keeps. */
  envelopes(stream: string): Promise<readonly Envelope[]>;
  /** Stops the service and closes broker and store. Idempotent. */
  close(stop?: { readonly deadlineMs?: number }): Promise<void>;
}

/** A service of these parts, or the service itself, started. Throws what a start is refused with. */
export async function openStage(
  context: LawContext,
  declared: Service | Part | readonly Part[],
  options: StageOptions = {},
): Promise<LawStage> {
  const { time } = context;
  const {
    environment = context.environment,
    handleTwice = false,
    wrap = (ports) => ports,
  } = options;
  const { until } = time;
  const whole = serviceOf(declared);
  await using opened = new AsyncDisposableStack();
  const broker = await context.broker.open(environment);
  opened.defer(() => broker.close());
  const store = await context.store.open({ service: whole.name, environment });
  opened.defer(() => store.close());
  const ports = wrap({ broker, store });
  const running = await until(
    startService({
      service: whole,
      streams: ports.broker.streams,
      queues: ports.broker.queues,
      store: ports.store,
      environment,
      handleTwice,
    }),
  );
  const kept = opened.move();
  const channels = whole.parts.flatMap(({ from, publishes, sends }) => [
    ...from,
    ...publishes,
    ...sends,
  ]);
  const { streams, queues } = broker;
  const publisher = createPublisher({
    source: "outside",
    channels: [...new Set([...channels, ...(options.channels ?? [])])],
    streams,
    queues,
    environment,
  });
  const close: LawStage["close"] = async (stop) => {
    await until(running.stop(stop));
    await kept.disposeAsync();
  };
  return {
    broker,
    store,
    running,
    time,
    until,
    publish: async (drafts, how) => {
      const list = "type" in drafts ? [drafts] : drafts;
      return valuesOf(await until(publisher.publish(list, how)));
    },
    attempt: (drafts) => until(publisher.publish(drafts)),
    settled: () => until(running.settled()),
    status: async (name) => {
      const all = await until(running.status());
      const found = name === undefined ? all[0] : all.find((part) => part.name === name);
      assert.ok(found !== undefined, `the service runs ${name ?? "a part"}`);
      return found;
    },
    eventually: (what, check) => eventually({ time }, what, check, { stepMs: 20 }),
    envelopes: async (stream) => {
      const records = await until(readStream(broker.streams!, stream));
      return records.map((each) => decodeEnvelope(each, { receivedMs: each.appendedMs }));
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

function serviceOf(declared: Service | Part | readonly Part[]): Service {
  if ("parts" in declared) return declared;
  const parts = "createWorker" in declared ? [declared] : declared;
  return service("laws", Object.fromEntries(parts.map((part) => [part.name, part])));
}

/** Why inputs are paused, a line each; empty where none is. */
export function pausedOf({ inputs }: PartStatus): string {
  return inputs.flatMap(({ paused }) => paused ?? []).join("\n");
}

/** Demands that the work is refused with the code, and returns the error. */
export async function refused(code: ErrorCode, work: Promise<unknown>): Promise<MillraceError> {
  const error: unknown = await work.then(
    (value) => assert.fail(`expected ${code}, but it succeeded with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(isMillraceError(error, code), `expected ${code}, got ${String(error)}`);
  return error;
}

/** The port with some of its methods replaced. */
export function overlay<Port extends object>(port: Port, replaced: Partial<Port>): Port {
  return new Proxy(port, {
    get(target, name) {
      const from = name in replaced ? replaced : target;
      const member: unknown = Reflect.get(from, name, from);
      return typeof member === "function" ? member.bind(from) : member;
    },
  });
}

/** Ports whose groups tell how many records they gave out. */
export function countingReads(took: (count: number) => void): (ports: Ports) => Ports {
  const counted = (assigned: AssignedPartition): AssignedPartition =>
    overlay(assigned, {
      read: async function* (from, options) {
        for await (const batch of assigned.read(from, options)) {
          took(batch.length);
          yield batch;
        }
      },
    });
  return ({ broker, store }) => {
    const streams: Streams = overlay(broker.streams!, {
      joinGroup: (options: JoinOptions) =>
        broker.streams!.joinGroup({ ...options, run: (one) => options.run(counted(one)) }),
    });
    return { store, broker: overlay(broker, { streams }) };
  };
}
