/**
 * Batches with a part of their records.
 *
 * What is left of a batch keeps everything that its offsets and its producer's sequence rest on: base
 * offset, last offset delta, producer, base sequence. Records are copied byte for byte, unless a delete
 * horizon is set (KIP-534): it takes the place of the base timestamp, so each record's time is counted
 * from it anew.
 */

import { compressionCodec } from "../../../codecs/compression/compression.ts";
import {
  AT,
  COMPRESSION_MASK,
  DELETE_HORIZON,
  LENGTH_OVERHEAD,
  LOG_APPEND_TIME,
} from "../format/batch-layout.ts";
import type { BatchContents, RecordPlace } from "../format/batch-contents.ts";
import type { BatchHeader } from "../format/batch-decoder.ts";
import { crc32c } from "../format/crc32c.ts";
import { writeInt64 } from "../format/int64.ts";

export type KeptRecord = Pick<RecordPlace, "start" | "restStart" | "end" | "timeDelta">;

export interface Rewrite {
  /** The original, whole. */
  readonly batch: Buffer;
  readonly header: BatchHeader;
  readonly contents: BatchContents;
  readonly kept: readonly KeptRecord[];
  /** Set now; undefined leaves what is there. */
  readonly horizonMs: number | undefined;
}

export function rewriteBatch({ batch, header, contents, kept, horizonMs }: Rewrite): Buffer {
  const { buffer } = contents;
  const parts: Buffer[] = [];
  if (horizonMs === undefined) copySpans(buffer, kept, parts);
  else for (const record of kept) parts.push(...moved(buffer, record, header.baseMs - horizonMs));
  const records = Buffer.concat(parts);
  const codec =
    kept.length === 0 ? undefined : compressionCodec(header.attributes & COMPRESSION_MASK);
  const body = codec === undefined ? records : codec.compress(records);

  const written = Buffer.allocUnsafe(AT.records + body.length);
  batch.copy(written, 0, 0, AT.records);
  body.copy(written, AT.records);
  let { attributes } = header;
  if (kept.length === 0) attributes &= ~COMPRESSION_MASK;
  if (horizonMs !== undefined) {
    attributes |= DELETE_HORIZON;
    writeInt64(written, AT.baseTimestamp, horizonMs);
  }
  if ((attributes & LOG_APPEND_TIME) === 0 && kept.length > 0) {
    const newestDelta = kept.reduce(
      (newest, { timeDelta }) => Math.max(newest, timeDelta),
      -Infinity,
    );
    writeInt64(written, AT.maxTimestamp, header.baseMs + newestDelta);
  }
  written.writeInt32BE(written.length - LENGTH_OVERHEAD, AT.length);
  written.writeInt16BE(attributes, AT.attributes);
  written.writeInt32BE(kept.length, AT.count);
  written.writeUInt32BE(crc32c(written, AT.attributes), AT.crc);
  return written;
}

/** Neighbours are copied together. */
function copySpans(buffer: Buffer, kept: readonly KeptRecord[], parts: Buffer[]): void {
  for (let index = 0; index < kept.length; index++) {
    const { start } = kept[index]!;
    while (kept[index + 1]?.start === kept[index]!.end) index++;
    parts.push(buffer.subarray(start, kept[index]!.end));
  }
}

/** The record with its time counted from another base, which lies `byMs` earlier. */
function moved(buffer: Buffer, record: KeptRecord, byMs: number): readonly Buffer[] {
  const time = varlong(record.timeDelta + byMs);
  const rest = buffer.subarray(record.restStart, record.end);
  const attributes = Buffer.of(0);
  return [varlong(1 + time.length + rest.length), attributes, time, rest];
}

function varlong(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}
