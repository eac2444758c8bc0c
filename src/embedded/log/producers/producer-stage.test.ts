/** Batches as idempotent and transactional producers send them. */

import { AT, TRANSACTIONAL } from "../format/batch-layout.ts";
import { crc32c } from "../format/crc32c.ts";
import { writeInt64 } from "../format/int64.ts";
import { splitBatches, type WireBatch } from "../format/wire-batch.ts";
import { text, wireBytes } from "../log-stage.test.ts";

export interface Made {
  readonly id: number;
  readonly epoch?: number;
  readonly sequence: number;
  readonly transactional?: boolean;
}

export function producedBatches(
  { id, epoch = 0, sequence, transactional = false }: Made,
  ...values: readonly string[]
): readonly WireBatch[] {
  const bytes = wireBytes(values.map((value) => text(value)));
  bytes.writeInt16BE(transactional ? TRANSACTIONAL : 0, AT.attributes);
  writeInt64(bytes, AT.producerId, id);
  bytes.writeInt16BE(epoch, AT.producerEpoch);
  bytes.writeInt32BE(sequence, AT.baseSequence);
  bytes.writeUInt32BE(crc32c(bytes, AT.attributes), AT.crc);
  return splitBatches(bytes);
}
