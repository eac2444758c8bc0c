/**
 * Small data directories that have one of everything: segments that ended and one that is written,
 * batches plain and compressed, a transaction committed and one aborted, snapshots of producers, a
 * queue with leases, a dead letter and a checkpoint, positions of groups, a note of damage.
 */

import {
  createMemoryDisk,
  MemoryContents,
  type MemoryDisk,
} from "../../../src/embedded/log/disks/memory-disk.ts";
import { message, takeGroup } from "../../../src/embedded/broker-stage.test.ts";
import { encodeBatch, type ProducerIdentity } from "../../crash/wire/batches.ts";
import { openLife, type Life } from "../calls/life.ts";

export const TOPIC = "orders";
export const QUEUE = "jobs";
export const GROUP = "readers";

export interface Sample {
  readonly name: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly directories: ReadonlySet<string>;
}

/** As an orderly stop leaves it, as a kill leaves it, and with damage that a read has met. */
export async function makeSamples(): Promise<readonly Sample[]> {
  const disk = createMemoryDisk();
  const first = await openLife({ disk });
  await fill(first);
  const killed = sampleOf("killed", disk);
  await first.stop();
  const stopped = sampleOf("stopped", disk);
  return [stopped, killed, await damaged(stopped)];
}

export function diskOf({ files, directories }: Sample): MemoryDisk {
  const disk = createMemoryDisk();
  for (const directory of directories) disk.directories.add(directory);
  for (const [path, bytes] of files) disk.files.set(path, new MemoryContents(bytes.slice()));
  return disk;
}

function sampleOf(name: string, disk: MemoryDisk): Sample {
  const files = new Map([...disk.files].map(([path, { bytes }]) => [path, bytes.slice()]));
  return { name, files, directories: new Set(disk.directories) };
}

async function fill(life: Life): Promise<void> {
  const { client, broker } = life;
  const ask: Life["client"]["ask"] = (api, body, version) =>
    life.answered(client.ask(api, body, version), api);
  const topics = [{ name: TOPIC, numPartitions: 1, replicationFactor: 1 }];
  await ask("CreateTopics", { topics, timeoutMs: 10_000 });
  const initialize = async (transactionalId: string | null): Promise<ProducerIdentity> => {
    const told = await ask("InitProducerId", { transactionalId, transactionTimeoutMs: 60_000 });
    return { producerId: told.producerId, epoch: told.producerEpoch };
  };
  const produce = async (transactionalId: string | null, records: Buffer): Promise<void> => {
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
    await ask("Produce", { transactionalId, acks: -1, timeoutMs: 10_000, topicData }, 11);
  };
  const plain = await initialize(null);
  for (const [index, compression] of [0, 1, 0, 4].entries()) {
    const baseSequence = index * 2;
    const options = { producer: plain, baseSequence, transactional: false, compression };
    await produce(null, encodeBatch([`a:${index}`, `b:${index}`], options));
  }
  for (const committed of [true, false]) {
    const producer = await initialize("writer");
    await ask(
      "AddPartitionsToTxn",
      {
        v3AndBelowTransactionalId: "writer",
        v3AndBelowProducerId: producer.producerId,
        v3AndBelowProducerEpoch: producer.epoch,
        v3AndBelowTopics: [{ name: TOPIC, partitions: [0] }],
      },
      3,
    );
    const options = { producer, baseSequence: 0, transactional: true, compression: 0 };
    await produce("writer", encodeBatch([`t:${committed ? 1 : 0}`], options));
    const { producerId, epoch: producerEpoch } = producer;
    await ask("EndTxn", { transactionalId: "writer", producerId, producerEpoch, committed }, 4);
  }
  const partitions = [{ partitionIndex: 0, committedOffset: 3, committedMetadata: "" }];
  await ask(
    "OffsetCommit",
    {
      groupId: GROUP,
      generationIdOrMemberEpoch: -1,
      memberId: "",
      topics: [{ name: TOPIC, partitions }],
    },
    9,
  );
  await fillQueue(broker.queues!);
}

async function fillQueue(queues: NonNullable<Life["broker"]["queues"]>): Promise<void> {
  await queues.ensureQueue({ name: QUEUE, attempts: 5 });
  await queues.send(
    QUEUE,
    ["one", "two", "three"].map((text) => ({ message: message(text) })),
  );
  const [one, two] = await takeGroup(queues, QUEUE, 2);
  await queues.accept([one!]);
  await queues.reject(two!, { code: "BAD", message: "no" });
}

/** A bit of the first segment is flipped and met by a read; its note is what this is about. */
async function damaged(from: Sample): Promise<Sample> {
  const disk = diskOf(from);
  const [first] = [...disk.files.keys()].filter((path) => /orders.*0{20}\.log$/.test(path));
  disk.files.get(first!)!.bytes[80]! ^= 1;
  const life = await openLife({ disk });
  await drain(life);
  await life.stop();
  return sampleOf("damaged", disk);
}

async function drain({ broker }: Life): Promise<void> {
  try {
    for await (const _ of broker.streams!.read(TOPIC, { partition: 0, from: "earliest" }));
  } catch {
    // It is why this is done.
  }
}
