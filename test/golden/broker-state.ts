/**
 * What a golden broker directory must be found to hold, and how to look for it.
 *
 * Looking takes leases and moves the clock, so it belongs on a copy.
 */

import type { Broker } from "../../src/broker/broker.ts";
import type { Lease, QueueSpec, Queues } from "../../src/broker/queues.ts";
import type { StreamSpec, Streams } from "../../src/broker/streams.ts";
import { valuesOf } from "../../src/model/outcome.ts";
import type { TestEnvironment } from "../../src/testing/environment.ts";
import type { KafkaState } from "./kafka-state.ts";
import { fromForm, toForm, type MessageForm } from "./message-form.ts";

export interface RecordState extends MessageForm {
  readonly partition: number;
  readonly offset: number;
  readonly appendedMs: number;
}

export interface StreamState {
  readonly spec: StreamSpec;
  readonly cluster: string;
  readonly incarnation: string;
  readonly ends: readonly number[];
  /** By partition, then offset. */
  readonly records: readonly RecordState[];
}

export interface GroupState {
  readonly group: string;
  readonly stream: string;
  readonly committed: readonly (number | null)[];
}

/** A message that waits: `attempt` is what its next lease counts. */
export interface WaitingState {
  readonly sequence: number;
  readonly attempt: number;
  readonly sentMs: number;
  /** Not to be leased earlier; the moment of the snapshot where it may be leased at once. */
  readonly dueMs: number;
}

export interface DeadState {
  readonly sequence: number;
  readonly attempts: number;
  readonly sentMs: number;
  readonly deadMs: number;
  readonly cause: { readonly code: string; readonly message: string };
}

export interface QueueState {
  readonly spec: QueueSpec;
  /** Every message of interest, the accepted ones too: their ids still count as known. */
  readonly sent: readonly (MessageForm & { readonly sequence: number })[];
  /** In the order in which they fall due. */
  readonly waiting: readonly WaitingState[];
  /** In order of their death. */
  readonly dead: readonly DeadState[];
}

export interface BrokerState {
  /** `format` of `millrace.json`. */
  readonly format: number;
  /** The moment of the snapshot: open the copy then, or windows and delays have passed. */
  readonly nowMs: number;
  readonly streams: readonly StreamState[];
  readonly groups: readonly GroupState[];
  readonly queues: readonly QueueState[];
  /** From format 2 on. */
  readonly kafka?: KafkaState;
}

export async function readStreamState(streams: Streams, name: string): Promise<StreamState> {
  const { spec, cluster, incarnation, partitions } = await streams.describeStream(name);
  const records: RecordState[] = [];
  for (const { partition } of partitions) {
    for await (const batch of streams.read(name, { partition, from: "earliest" })) {
      for (const { offset, appendedMs, ...message } of batch) {
        records.push({ partition, offset, appendedMs, ...toForm(message) });
      }
    }
  }
  return { spec, cluster, incarnation, ends: partitions.map(({ end }) => end), records };
}

export async function readGroups(streams: Streams): Promise<GroupState[]> {
  const groups = await streams.listGroups();
  return groups.flatMap(({ group, positions }) =>
    [...Map.groupBy(positions, ({ stream }) => stream)].map(([stream, found]) => ({
      group,
      stream,
      committed: found
        .toSorted((a, b) => a.partition - b.partition)
        .map(({ committed }) => committed ?? null),
    })),
  );
}

/** Leases and accepts everything as it falls due, moving the clock to each moment that `expected` names. */
export async function readQueueState(
  { queues, environment }: { readonly queues: Queues; readonly environment: TestEnvironment },
  expected: QueueState,
): Promise<QueueState> {
  const { name } = expected.spec;
  const { clock } = environment;
  const { spec } = await queues.describeQueue(name);
  const messages = new Map<number, MessageForm>();
  const letters = await queues.listDeadLetters(name);
  const dead = letters.map(({ sequence, message, attempts, sentMs, deadMs, cause }) => {
    messages.set(sequence, toForm(message));
    return { sequence, attempts, sentMs, deadMs, cause: { ...cause } };
  });
  const waiting: WaitingState[] = [];
  for (const dueMs of new Set(expected.waiting.map((message) => message.dueMs))) {
    // A moment early nothing may be leased; at the moment everything that waits.
    for (const atMs of new Set([Math.max(clock.now(), dueMs - 1), dueMs])) {
      await clock.advance(atMs - clock.now());
      for (const lease of await takeWaiting(queues, name)) {
        const { sequence, message, attempt, sentMs } = lease;
        messages.set(sequence, toForm(message));
        waiting.push({ sequence, attempt, sentMs, dueMs: clock.now() });
      }
    }
  }
  const sent = expected.sent.map(({ sequence, ...accepted }) => ({
    sequence,
    ...(messages.get(sequence) ?? accepted),
  }));
  return { spec, sent, waiting, dead };
}

/** Leases what is waiting now, in one group or several, and accepts it. */
async function takeWaiting(queues: Queues, name: string): Promise<Lease[]> {
  const taken: Lease[] = [];
  const receiver = await queues.receive(name, { credit: 100 });
  const groups = receiver[Symbol.asyncIterator]();
  while ((await queues.describeQueue(name)).waiting > 0) {
    const { value } = await groups.next();
    valuesOf(await queues.accept(value ?? []));
    taken.push(...(value ?? []));
  }
  await receiver.close();
  return taken;
}

/** Appends and sends once more everything that has an id: the answers, and what they must be. */
export async function repeatEverything(
  { streams, queues }: Required<Pick<Broker, "streams" | "queues">>,
  { streams: streamStates, queues: queueStates }: BrokerState,
): Promise<{ readonly answered: unknown[]; readonly expected: unknown[] }> {
  const answered: unknown[] = [];
  const expected: unknown[] = [];
  for (const { spec, records } of streamStates) {
    const named = records.filter(hasId);
    const outcomes = await Promise.all(
      named.map((record) =>
        streams.append(spec.name, [fromForm(record)], { partition: record.partition }),
      ),
    );
    answered.push(...outcomes.flatMap((outcome) => valuesOf(outcome)));
    expected.push(
      ...named.map(({ partition, offset }) => ({ partition, offset, duplicate: true })),
    );
  }
  for (const { spec, sent } of queueStates) {
    if (spec.dedupe === undefined) continue;
    const named = sent.filter(hasId);
    const outcomes = await queues.send(
      spec.name,
      named.map((message) => ({ message: fromForm(message) })),
    );
    answered.push(...valuesOf(outcomes));
    expected.push(...named.map(({ sequence }) => ({ sequence, duplicate: true })));
  }
  return { answered, expected };
}

function hasId({ headers }: MessageForm): boolean {
  return headers.some(([name]) => name === "ce_id");
}
