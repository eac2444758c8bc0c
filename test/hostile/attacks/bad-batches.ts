/** Record batches that no honest client makes, each as all that a partition is sent. */

import { AT, LENGTH_OVERHEAD } from "../../../src/embedded/log/format/batch-layout.ts";
import { crc32c } from "../../../src/embedded/log/format/crc32c.ts";
import { text, wireBytes } from "../../../src/embedded/log/log-stage.test.ts";
import type { Chance } from "./frames.ts";

interface BadBatch {
  readonly make: (chance: Chance) => Buffer;
  /** The header and the checksum hold, so it is kept as it is: only who reads it can tell. */
  readonly stored?: boolean;
}

/** Changes the batch, and makes its length and checksum right again. */
export function sealed(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  batch.writeInt32BE(batch.length - LENGTH_OVERHEAD, AT.length);
  change(batch);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

const honest = (): Buffer => wireBytes([text("one", "a"), text("two", "b"), text("three", "c")]);
const changed = (change: (batch: Buffer, chance: Chance) => void): BadBatch => ({
  make: (chance) => sealed(honest(), (batch) => change(batch, chance)),
});

const CONTROL = 0x20;
const TRANSACTIONAL = 0x10;
const UNKNOWN_CODEC = 7;

export const BAD_BATCHES: Readonly<Record<string, BadBatch>> = {
  "wrong checksum": {
    make(chance) {
      const batch = honest();
      batch[AT.attributes + Math.floor(chance() * (batch.length - AT.attributes))]! ^= 1;
      return batch;
    },
  },
  "more records than offsets": changed((batch) => batch.writeInt32BE(9, AT.count)),
  "no records": changed((batch) => batch.writeInt32BE(0, AT.count)),
  "2^31-1 records": changed((batch) => {
    batch.writeInt32BE(2 ** 31 - 1, AT.count);
    batch.writeInt32BE(2 ** 31 - 2, AT.lastOffsetDelta);
  }),
  "negative count": changed((batch) => batch.writeInt32BE(-3, AT.count)),
  "negative last offset": changed((batch) => batch.writeInt32BE(-1, AT.lastOffsetDelta)),
  "a length beyond what was sent": changed((batch) => batch.writeInt32BE(2 ** 20, AT.length)),
  "a length of 2^31-1": changed((batch) => batch.writeInt32BE(2 ** 31 - 1, AT.length)),
  "a negative length": changed((batch) => batch.writeInt32BE(-100, AT.length)),
  "a length short of the header": changed((batch) => batch.writeInt32BE(20, AT.length)),
  "format 0": changed((batch) => batch.writeInt8(0, AT.magic)),
  "format 1": changed((batch) => batch.writeInt8(1, AT.magic)),
  "format 3": changed((batch) => batch.writeInt8(3, AT.magic)),
  "a control batch": changed((batch) => batch.writeInt16BE(CONTROL, AT.attributes)),
  "a transaction of nobody": changed((batch) => batch.writeInt16BE(TRANSACTIONAL, AT.attributes)),
  "a producer without an epoch": changed((batch) => batch.writeBigInt64BE(7n, AT.producerId)),
  "half a header": { make: () => honest().subarray(0, AT.records - 5) },
  nothing: { make: () => Buffer.alloc(0) },
  "two batches": { make: () => Buffer.concat([honest(), honest()]) },
  "bytes behind the batch": { make: () => Buffer.concat([honest(), Buffer.from("behind")]) },
  "records that are none": {
    stored: true,
    make: (chance) =>
      sealed(honest(), (batch) => {
        for (let at = AT.records; at < batch.length; at++) batch[at] = Math.floor(chance() * 256);
      }),
  },
  "an unknown compression": {
    stored: true,
    make: () => sealed(honest(), (batch) => batch.writeInt16BE(UNKNOWN_CODEC, AT.attributes)),
  },
};
