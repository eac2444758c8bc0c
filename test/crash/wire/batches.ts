/** Record batches as the suite's own Kafka clients write and read them. */

import { compressionCodec } from "../../../src/codecs/compression/compression.ts";
import { readBatchHeader } from "../../../src/embedded/log/format/batch-decoder.ts";
import { BatchEncoder, recordBytesMax } from "../../../src/embedded/log/format/batch-encoder.ts";
import {
  AT,
  CONTROL,
  LENGTH_OVERHEAD,
  TRANSACTIONAL,
} from "../../../src/embedded/log/format/batch-layout.ts";
import { BatchRecords } from "../../../src/embedded/log/format/batch-records.ts";
import { crc32c } from "../../../src/embedded/log/format/crc32c.ts";
import { writeInt64 } from "../../../src/embedded/log/format/int64.ts";
import type { Random } from "../../../src/model/ids.ts";
import type { PlacedRecord } from "./history.ts";

export interface ProducerIdentity {
  readonly producerId: number;
  readonly epoch: number;
}

export interface BatchOptions {
  readonly producer: ProducerIdentity;
  readonly baseSequence: number;
  readonly transactional: boolean;
  /** The number of a codec; 0 for none. */
  readonly compression: number;
}

/** None half of the time, else gzip, snappy, lz4 or zstd. */
export function compressionOf(random: Random): number {
  return random.next() < 0.5 ? 0 : 1 + Math.floor(random.next() * 4);
}

const TIME_MS = 1_735_689_600_000;
const PADDING_FROM = "|";

export function encodeBatch(
  records: readonly string[],
  { producer, baseSequence, transactional, compression }: BatchOptions,
): Buffer {
  const contents = records.map((record, index) => ({
    key: record.slice(0, record.lastIndexOf(":")),
    headers: [],
    // Of different lengths, and enough for segments to roll.
    value: Buffer.from(
      record + PADDING_FROM + "x".repeat((record.length * 37 + index * 101) % 400),
    ),
  }));
  const bytesMax = contents.reduce<number>((sum, each) => sum + recordBytesMax(each), AT.records);
  const encoder = new BatchEncoder(Buffer.alloc(bytesMax), 0, TIME_MS);
  for (const each of contents) encoder.add(each, TIME_MS);
  const plain = encoder.seal();
  const codec = compressionCodec(compression);
  const batch =
    codec === undefined
      ? plain
      : Buffer.concat([plain.subarray(0, AT.records), codec.compress(plain.subarray(AT.records))]);
  batch.writeInt32BE(batch.length - LENGTH_OVERHEAD, AT.length);
  batch.writeInt16BE((transactional ? TRANSACTIONAL : 0) | compression, AT.attributes);
  writeInt64(batch, AT.producerId, producer.producerId);
  batch.writeInt16BE(producer.epoch, AT.producerEpoch);
  batch.writeInt32BE(baseSequence, AT.baseSequence);
  batch.writeUInt32BE(crc32c(batch, AT.attributes, batch.length), AT.crc);
  return batch;
}

export interface AbortedFrom {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface DecodedRun {
  readonly records: readonly PlacedRecord[];
  /** Where the next fetch begins. */
  readonly next: number;
}

/**
 * The records from `from` on. With `aborted`, the records of those transactions are left out as a
 * reader of committed records leaves them out: from where each began up to its marker.
 */
export function decodeRun(
  bytes: Buffer,
  from: number,
  aborted: readonly AbortedFrom[] | null,
): DecodedRun {
  const waiting = (aborted ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<number>();
  const found: PlacedRecord[] = [];
  let next = from;
  for (let at = 0; at < bytes.length;) {
    const header = readBatchHeader(bytes, at);
    // The last batch may be cut off by the limit of bytes.
    if (header === undefined || at + header.bytes > bytes.length) break;
    while (waiting[0] !== undefined && waiting[0].firstOffset <= header.baseOffset) {
      aborting.add(waiting.shift()!.producerId);
    }
    const isTransactional = (header.attributes & TRANSACTIONAL) !== 0;
    if (header.attributes & CONTROL) aborting.delete(header.producerId);
    else if (!(isTransactional && aborting.has(header.producerId))) {
      for (const { offset, value } of new BatchRecords(bytes, at, header).read(from, Infinity)
        .records) {
        const text = Buffer.from(value ?? []).toString();
        found.push({ offset, record: text.slice(0, text.indexOf(PADDING_FROM)) });
      }
    }
    next = header.nextOffset;
    at += header.bytes;
  }
  return { records: found, next };
}
