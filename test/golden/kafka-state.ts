/**
 * What Kafka clients left in a golden broker directory, and how to look for it: transactions in every
 * state, producers, compaction, compressed batches, offsets with what was said of them.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { TestKafka } from "../../src/embedded/kafka/broker-stage.test.ts";

/** `partition:offset:value`. */
export type Place = string;

export interface KafkaState {
  /** Of the topic of transactions, by partition. */
  readonly ledger: {
    readonly name: string;
    readonly committed: readonly Place[];
    readonly aborted: readonly {
      readonly partition: number;
      readonly producerId: number;
      readonly firstOffset: number;
    }[];
    readonly ends: readonly { readonly end: number; readonly stable: number }[];
  };
  /** What a batch that is sent again is answered. */
  readonly repeats: readonly {
    readonly partition: number;
    readonly base64: string;
    readonly offset: number;
    readonly transactionalId: string | null;
  }[];
  readonly producers: readonly {
    readonly partition: number;
    readonly producerId: number;
    readonly producerEpoch: number;
    readonly lastSequence: number;
    readonly openFrom: number;
  }[];
  readonly transactions: readonly {
    readonly id: string;
    readonly state: string;
    readonly producerId: number;
    readonly producerEpoch: number;
  }[];
  readonly compacted: {
    readonly name: string;
    /** The newest of each key. */
    readonly newest: readonly Place[];
    /** What was overtaken, and is gone. */
    readonly gone: number;
  };
  /** One partition each, as Kafka's own library wrote them; the checksum onwards is kept as it came. */
  readonly codecs: {
    readonly name: string;
    readonly batches: readonly { readonly codec: string; readonly base64: string }[];
  };
  readonly offsets: readonly {
    readonly group: string;
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly leaderEpoch: number;
    readonly metadata: string;
    /** A transaction may still change it. */
    readonly unstable: boolean;
  }[];
  /** Each of the next ones is above it: the directory was restored from a backup once. */
  readonly producerIdMin: number;
  readonly generationMin: number;
}

export const CODECS = ["gzip", "snappy", "lz4", "zstd"] as const;

/** What Kafka's library made with a codec (test/kafka-golden), a small one. */
export function batchOfKafka(codec: string): Buffer {
  const lines: readonly {
    readonly codec: string;
    readonly count: number;
    readonly base64: string;
  }[] = gunzipSync(readFileSync("test/kafka-golden/batches.ndjson.gz"))
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const found = lines
    .filter((line) => line.codec === codec && line.count > 1)
    .toSorted((a, b) => a.base64.length - b.base64.length)[0];
  if (found === undefined) throw new Error(`there is no batch of ${codec}`);
  return Buffer.from(found.base64, "base64");
}

/** All whole batches of a partition, from its beginning. */
export async function fetchAll(
  kafka: TestKafka,
  topic: string,
  { partition, committed }: { readonly partition: number; readonly committed: boolean },
) {
  const { responses } = await kafka.tell("Fetch", 12, {
    maxBytes: 1_000_000,
    isolationLevel: committed ? 1 : 0,
    topics: [{ topic, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
  });
  const [found] = responses[0]!.partitions;
  if (found!.errorCode !== 0) throw new Error(`fetch failed with ${found!.errorCode}`);
  const records = found!.records ?? Buffer.alloc(0);
  return { ...found!, records };
}

export async function readPlaces(
  kafka: TestKafka,
  name: string,
  partitions: number,
): Promise<Place[]> {
  const places: Place[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    for await (const batch of kafka.streams.read(name, { partition, from: "earliest" })) {
      for (const { offset, value } of batch) {
        places.push(`${partition}:${offset}:${Buffer.from(value ?? []).toString()}`);
      }
    }
  }
  return places;
}
