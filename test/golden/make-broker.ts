/**
 * Makes a broker directory with a little of everything, as a killed process leaves it.
 *
 * Two lives on a disk in memory: the first ends in order (sealed segments, a checkpoint, messages
 * copied forward, producers' snapshots), the second never ends (an open tail, leases without a
 * settlement, an open transaction). Between the two the directory is fenced as by the restore of a
 * backup. What is expected is noted from what was put in and acknowledged, not read back.
 */

import { openTestKafka, type TestKafka } from "../../src/embedded/kafka/broker-stage.test.ts";
import { DIRECTORY_FORMAT } from "../../src/embedded/log/directory/description.ts";
import { createMemoryDisk } from "../../src/embedded/log/open-log.ts";
import { fenceLostLife } from "../../src/embedded/restore.ts";
import { JOURNAL_LIMITS } from "../../src/embedded/queue/journal-limits.ts";
import type { StreamInfo, Streams } from "../../src/broker/streams.ts";
import { valuesOf } from "../../src/model/outcome.ts";
import { createTestEnvironment, type TestEnvironment } from "../../src/testing/environment.ts";
import type { BrokerState, RecordState, StreamState } from "./broker-state.ts";
import { bulkCommands, goldenEvents, CANCELS, DESK, ORDERS } from "./broker-contents.ts";
import { KafkaLedger } from "./make-kafka.ts";
import { toForm } from "./message-form.ts";
import { QueueLedger } from "./queue-ledger.ts";

const ROOT = "/golden";
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** What a restore leaps over, at least; see `fenceLostLife`. */
const RESTORED_IDS = 1_000_000_000;
const RESTORED_GENERATION = 65_536;
/** Small, so that a few dozen records already lead to a checkpoint and to copies. */
const LIMITS = { ...JOURNAL_LIMITS, checkpointRecords: 20 };

export interface GoldenBroker {
  /** By path within the directory. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly state: BrokerState;
}

export async function makeGoldenBroker(): Promise<GoldenBroker> {
  const environment = createTestEnvironment({ seed: 7 });
  const { clock } = environment;
  const disk = createMemoryDisk();
  const lock = () => ({ release: () => undefined });
  const options = { environment, directory: ROOT, segmentBytesMax: 4096, limits: LIMITS };
  const open = (): Promise<TestKafka> => openTestKafka(disk, {}, options);
  const events = goldenEvents();
  const records: RecordState[] = [];
  const cancels = new QueueLedger(CANCELS, clock);
  const desk = new QueueLedger(DESK, clock);
  const kafka = new KafkaLedger();

  const first = await open();
  await kafka.firstLife(first);
  await first.streams.ensureStream(ORDERS);
  records.push(...(await appendAll(first.streams, events.slice(0, 15), environment)));
  await commitGroup(first.streams, [4, undefined]);
  await settleInEveryWay(cancels.of(first.queues), environment);
  await copyForward(desk.of(first.queues));
  await first[Symbol.asyncDispose]();

  await clock.advance(SECOND_MS);
  await fenceLostLife(environment, { directory: ROOT, disk, lock });
  const second = await open();
  records.push(...(await appendAll(second.streams, events.slice(15), environment)));
  await commitGroup(second.streams, [6, 3]);
  await kafka.lastLife(second);
  await dieHolding({ cancels: cancels.of(second.queues), desk: desk.of(second.queues) });
  await clock.settle();

  const state: BrokerState = {
    format: DIRECTORY_FORMAT,
    nowMs: clock.now(),
    streams: [streamState(await second.streams.describeStream(ORDERS.name), records)],
    groups: [...kafka.groups(), { group: "totals", stream: ORDERS.name, committed: [6, 3] }],
    queues: [cancels.state(), desk.state()],
    kafka: kafka.state(RESTORED_IDS, RESTORED_GENERATION),
  };
  const files = new Map(
    [...disk.files].map(([path, file]) => [path.slice(ROOT.length + 1), file.bytes.slice()]),
  );
  return { files, state };
}

/** Each command meets the fate that its name says. */
async function settleInEveryWay(queue: QueueLedger, { clock }: TestEnvironment): Promise<void> {
  const unknown = { code: "BAD_MESSAGE", message: "the order is unknown – naïve" };
  const bug = { code: "TypeError", message: "total is not a number" };
  await queue.ensure();
  await queue.send("rejected");
  await queue.reject("rejected", unknown);
  await queue.send("accepted");
  await queue.accept("accepted");
  await clock.advance(SECOND_MS);
  await queue.send("exhausted");
  for (let attempt = 1; attempt <= CANCELS.attempts!; attempt++) {
    await queue.release("exhausted", { cause: bug });
  }
  await queue.send("redriven");
  await queue.reject("redriven", bug);
  await queue.send("discarded");
  await queue.reject("discarded", bug);
  await queue.send("postponed");
  await queue.release("postponed", { delayMs: 2 * HOUR_MS });
  await queue.send("delayed", HOUR_MS);
}

/** A dead letter stays while all that came behind it goes, so it is copied to the log's end. */
async function copyForward(queue: QueueLedger): Promise<void> {
  await queue.ensure();
  await queue.send("copied");
  await queue.reject("copied", { code: "BAD_JSON", message: "byte 7" });
  await queue.pass(bulkCommands());
}

/** What the second life leaves behind: open leases, and operations that no checkpoint holds. */
async function dieHolding(queues: {
  readonly cancels: QueueLedger;
  readonly desk: QueueLedger;
}): Promise<void> {
  await queues.cancels.send("crashed");
  await queues.cancels.lease("crashed");
  await queues.cancels.send("not-counted");
  await queues.cancels.release("not-counted", { countAttempt: false });
  await queues.cancels.discard("discarded");
  await queues.cancels.redrive("redriven");
  await queues.cancels.send("waiting");
  await queues.desk.send("first");
  await queues.desk.send("second");
  await queues.desk.lease("first");
}

function streamState(
  { cluster, incarnation, partitions }: StreamInfo,
  records: readonly RecordState[],
): StreamState {
  return {
    spec: ORDERS,
    cluster,
    incarnation,
    ends: partitions.map(({ partition: own }) =>
      records.reduce((count, { partition }) => count + (partition === own ? 1 : 0), 0),
    ),
    records: records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset),
  };
}

async function appendAll(
  streams: Streams,
  messages: ReturnType<typeof goldenEvents>,
  { clock }: TestEnvironment,
): Promise<RecordState[]> {
  const records: RecordState[] = [];
  for (let from = 0; from < messages.length; from += 3) {
    await clock.advance(SECOND_MS);
    const group = messages.slice(from, from + 3);
    const places = valuesOf(await streams.append(ORDERS.name, group));
    for (const [index, { partition, offset }] of places.entries()) {
      records.push({ partition, offset, appendedMs: clock.now(), ...toForm(group[index]!) });
    }
  }
  return records;
}

/** Commits the offset of each partition that has one, then leaves. */
async function commitGroup(
  streams: Streams,
  offsets: readonly (number | undefined)[],
): Promise<void> {
  const committed = offsets.map(() => Promise.withResolvers<void>());
  const member = await streams.joinGroup({
    group: "totals",
    streams: [ORDERS.name],
    member: "one",
    run: async (assigned) => {
      const offset = offsets[assigned.partition];
      if (offset !== undefined) await assigned.commit(offset);
      committed[assigned.partition]!.resolve();
    },
  });
  await Promise.all(committed.map(({ promise }) => promise));
  await member.close();
}
