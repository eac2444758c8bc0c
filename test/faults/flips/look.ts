/** All that a server tells of a directory: what it refuses, what it reports, what it serves. */

import { join } from "node:path";
import type { ReadOptions, StreamRecord } from "../../../src/broker/streams.ts";
import { openEmbedded } from "../../../src/embedded/embedded.ts";
import type { Disk } from "../../../src/embedded/log/disk.ts";
import { openLogEnvironment, openPartitionLog } from "../../../src/embedded/log/open-log.ts";
import { checkOptions } from "../../../src/embedded/options.ts";
import { isMillraceError, MillraceError } from "../../../src/model/errors.ts";
import { createTestEnvironment } from "../../../src/testing/environment.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import { takeWaiting } from "../calls/take-waiting.ts";
import { GROUP, QUEUE, TOPIC } from "./sample.ts";

const DIRECTORY = "/data";

export interface Look {
  /** The opening was refused, with a code and a remedy. */
  readonly refused: string | undefined;
  /** What the opening warned of. */
  readonly atOpen: readonly string[];
  /** What was warned of until all was read. */
  readonly reported: readonly string[];
  /** What `log verify` told. */
  readonly problems: readonly string[];
  /** What was refused when it was asked for. */
  readonly refusals: readonly string[];
  /** Everything that was served, by its place. */
  readonly served: ReadonlyMap<string, string>;
}

export async function lookAt(disk: Disk): Promise<Look> {
  const environment = createTestEnvironment();
  const served = new Map<string, string>();
  const refusals: string[] = [];
  const problems: string[] = [];
  const refused = (error: unknown): void => {
    if (!(error instanceof MillraceError)) throw error;
    refusals.push(error.code);
  };
  let broker: Broker;
  try {
    const options = checkOptions({ directory: DIRECTORY, freeBytesMin: 0 });
    broker = await openEmbedded(environment, options, { disk, lock: () => ({ release() {} }) });
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return { refused: error.code, atOpen: [], reported: [], problems, refusals, served };
  }
  const warnings = (): string[] =>
    environment.entries
      .filter(({ level }) => level === "error" || level === "warn")
      .map(({ text }) => text);
  const atOpen = warnings();
  const { signal } = new AbortController();
  const report = await broker.upkeep!.verify({ signal, progress: () => undefined }).catch(refused);
  for (const { file, message } of report?.problems ?? []) problems.push(`${file}: ${message}`);
  for (const { spec, cluster, incarnation } of await broker.streams!.listStreams()) {
    served.set(`stream ${spec.name}`, JSON.stringify({ spec, cluster, incarnation }));
  }
  await readStream(broker, served, refused);
  await readQueue(broker, served).catch(refused);
  await broker.close().catch(refused);
  await readWhole(disk, served, refused);
  return { refused: undefined, atOpen, reported: warnings(), problems, refusals, served };
}

async function readStream(
  { streams }: Broker,
  served: Map<string, string>,
  refused: (error: unknown) => void,
): Promise<void> {
  const take = ({ offset, key, value, appendedMs }: StreamRecord): void => {
    served.set(
      `record ${offset}`,
      `${String(key)} ${Buffer.from(value ?? []).toString()} ${appendedMs}`,
    );
  };
  for (let from: ReadOptions["from"] | undefined = "earliest"; from !== undefined;) {
    try {
      for await (const records of streams!.read(TOPIC, { partition: 0, from }))
        records.forEach(take);
      from = undefined;
    } catch (error) {
      refused(error);
      const next = isMillraceError(error, "LOG_DAMAGED") ? error.details["nextOffset"] : undefined;
      const before: number = typeof from === "object" && "offset" in from ? from.offset : -1;
      from = typeof next === "number" && next > before ? { offset: next } : undefined;
    }
  }
  const groups = await streams!.listGroups();
  for (const { group, positions } of groups) {
    if (group === GROUP) served.set(`group ${group}`, String(positions[0]?.committed));
  }
}

async function readQueue({ queues }: Broker, served: Map<string, string>): Promise<void> {
  for (const letter of await queues!.listDeadLetters(QUEUE)) {
    served.set(`dead ${letter.sequence}`, Buffer.from(letter.message.value ?? []).toString());
  }
  const leases = await takeWaiting(queues!, QUEUE);
  for (const { sequence, message, attempt } of leases) {
    served.set(`job ${sequence}`, `${Buffer.from(message.value ?? []).toString()} ${attempt}`);
  }
}

/** The batches as a Kafka client is given them. */
async function readWhole(
  disk: Disk,
  served: Map<string, string>,
  refused: (error: unknown) => void,
): Promise<void> {
  const { clock, log: facts } = createTestEnvironment();
  const logs = await openLogEnvironment({ disk, clock, log: facts, directory: DIRECTORY });
  const topic = join(DIRECTORY, "streams", TOPIC);
  const [incarnation = ""] = await disk.list(topic);
  const directory = join(topic, incarnation, "0");
  const durability = { mode: "fsync" } as const;
  let log: Awaited<ReturnType<typeof openPartitionLog>>;
  try {
    log = await openPartitionLog(logs, { directory, durability, retention: {} });
  } catch (error) {
    return refused(error);
  }
  for (let offset = log.earliest; offset < log.end;) {
    try {
      const run = await log.readBatches(offset, { bytesMax: 1, endOffset: log.end });
      const bytes = Buffer.concat(run.chunks);
      served.set(`batch ${offset}`, bytes.toString("latin1"));
      offset = run.nextOffset;
    } catch (error) {
      refused(error);
      const next = isMillraceError(error, "LOG_DAMAGED") ? error.details["nextOffset"] : undefined;
      if (typeof next !== "number" || next <= offset) break;
      offset = next;
    }
  }
  await log.close().catch(refused);
}
