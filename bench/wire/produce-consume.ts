/** Closed loops of pre-encoded requests over one or many connections. */

import type { FetchResponse } from "../../src/embedded/kafka/codec/generated/fetch.ts";
import type { ProduceResponse } from "../../src/embedded/kafka/codec/generated/produce.ts";
import { processorSeconds } from "../../scripts/brokers/processes.ts";
import { percentile } from "../harness.ts";
import { RUN_MS } from "../load.ts";
import { offsetBehind, prepareBatch } from "./batches.ts";
import { KafkaConnection, requestFrame } from "./kafka-connection.ts";
import { withTopic, type Target } from "./target.ts";

export interface WireLoad {
  readonly recordBytes: number;
  readonly partitions: number;
  readonly connections: number;
  /** Of a request, for each partition; what a busy producer sends unless said. */
  readonly batchBytes?: number;
  /** The topic's settings, which say when it syncs. */
  readonly configs: Readonly<Record<string, string>>;
}

export interface WireResult {
  readonly megabytesPerSecond: number;
  readonly recordsPerSecond: number;
  /** Of the server's process, all threads. */
  readonly processorSecondsPerGigabyte: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Requests under way in all; a single connection has at least as many as a client of today. */
const IN_FLIGHT = 64;
const IN_FLIGHT_MAX = 8;
const PREFILL_BYTES = 128 * 1024 * 1024;
const FETCH_BYTES_MAX = 4 * 1024 * 1024;

/** Each request has one batch for each partition, as a producer's would. */
export function measureProduce(target: Target, load: WireLoad): Promise<WireResult> {
  const { recordBytes, partitions, connections, batchBytes } = load;
  const batch = prepareBatch(recordBytes, batchBytes);
  return withTopic(target, load, (topic) => {
    const frame = produceFrame(topic, batch.bytes, partitions);
    return closedLoops(target, connections, recordBytes, () => async (connection) => {
      await connection.send("Produce", frame, checkProduced);
      return partitions * batch.records;
    });
  });
}

/** Each connection reads one partition from its start, again and again. */
export function measureConsume(target: Target, load: WireLoad): Promise<WireResult> {
  const { recordBytes, partitions, connections } = load;
  const batch = prepareBatch(recordBytes);
  return withTopic(target, load, async (topic) => {
    await fill(
      target,
      produceFrame(topic, batch.bytes, partitions),
      partitions * batch.bytes.length,
    );
    return closedLoops(target, connections, recordBytes, (index) => {
      const partition = index % partitions;
      let offset = 0;
      return async (connection) => {
        const frame = fetchFrame(topic, partition, offset);
        const next = await connection.send("Fetch", frame, offsetFetched);
        const read = next === undefined ? 0 : next - offset;
        offset = next ?? 0;
        return read;
      };
    });
  });
}

type Request = (connection: KafkaConnection) => Promise<number>;

/** `open` makes a connection's request, which resolves with the records that it carried. */
async function closedLoops(
  target: Target,
  connections: number,
  recordBytes: number,
  open: (index: number) => Request,
): Promise<WireResult> {
  const opened = await Promise.all(
    Array.from({ length: connections }, () => KafkaConnection.open(target.kafka)),
  );
  const latenciesMs: number[] = [];
  let records = 0;
  const usedBefore = processorSeconds(target.pid);
  const startedMs = performance.now();
  const endMs = startedMs + RUN_MS;
  const loop = async (connection: KafkaConnection, request: Request): Promise<void> => {
    for (let beganMs = performance.now(); beganMs < endMs;) {
      const carried = await request(connection);
      records += carried;
      const nowMs = performance.now();
      latenciesMs.push(nowMs - beganMs);
      beganMs = nowMs;
    }
  };
  try {
    const each = Math.max(1, Math.min(IN_FLIGHT_MAX, Math.floor(IN_FLIGHT / connections)));
    await Promise.all(
      opened.flatMap((connection, index) =>
        Array.from({ length: each }, () => loop(connection, open(index))),
      ),
    );
  } finally {
    for (const connection of opened) connection.close();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const gigabytes = (records * recordBytes) / 1e9;
  if (records === 0) throw new Error(`${target.name} carried no record`);
  return {
    megabytesPerSecond: (gigabytes * 1000) / seconds,
    recordsPerSecond: records / seconds,
    processorSecondsPerGigabyte: (processorSeconds(target.pid) - usedBefore) / gigabytes,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
  };
}

async function fill(target: Target, frame: Buffer, bytesEach: number): Promise<void> {
  const connection = await KafkaConnection.open(target.kafka);
  try {
    const requests = Math.ceil(PREFILL_BYTES / bytesEach);
    const writer = async (count: number): Promise<void> => {
      for (let sent = 0; sent < count; sent++) {
        await connection.send("Produce", frame, checkProduced);
      }
    };
    await Promise.all(
      Array.from({ length: IN_FLIGHT_MAX }, () => writer(Math.ceil(requests / IN_FLIGHT_MAX))),
    );
  } finally {
    connection.close();
  }
}

function produceFrame(topic: string, records: Buffer, partitions: number): Buffer {
  return requestFrame("Produce", {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [
      {
        name: topic,
        partitionData: Array.from({ length: partitions }, (_, index) => ({ index, records })),
      },
    ],
  });
}

function fetchFrame(topic: string, partition: number, fetchOffset: number): Buffer {
  return requestFrame("Fetch", {
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 0,
    maxBytes: FETCH_BYTES_MAX,
    sessionEpoch: -1,
    topics: [
      {
        topic,
        partitions: [{ partition, fetchOffset, partitionMaxBytes: FETCH_BYTES_MAX }],
      },
    ],
  });
}

function checkProduced({ responses }: ProduceResponse): void {
  checkCodes(responses.flatMap((each) => each.partitionResponses));
}

/** The offset behind what came; undefined where nothing did. */
function offsetFetched({ responses }: FetchResponse): number | undefined {
  const found = responses.flatMap((each) => each.partitions);
  checkCodes(found);
  return offsetBehind(found[0]?.records ?? NOTHING);
}

const NOTHING = Buffer.alloc(0);

function checkCodes(answers: readonly { readonly errorCode: number }[]): void {
  const failed = answers.find(({ errorCode }) => errorCode !== 0);
  if (failed !== undefined || answers.length === 0) {
    throw new Error(`the server answered with error ${failed?.errorCode ?? "nothing"}`);
  }
}
