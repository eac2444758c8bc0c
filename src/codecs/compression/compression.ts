/**
 * The compression codecs of Kafka's record batches, in the forms in which its clients write them.
 *
 * Nothing here trusts its input: output is bounded, time is linear in input and output, and whatever
 * is wrong is a `DecompressionFailed`. Checksums inside the formats are not looked at, for a batch has
 * its own over all of them.
 */

import type { CompressionCodec } from "./compression-codec.ts";
import { gzip, zstd } from "./zlib-codecs.ts";
import { lz4 } from "./lz4.ts";
import { snappy } from "./snappy.ts";

/** By their number in the attributes of a batch; 0 is none. */
const BY_NUMBER: readonly (CompressionCodec | undefined)[] = [undefined, gzip, snappy, lz4, zstd];

/** The codec of that number in the attributes of a batch; undefined for one that is unknown. */
export function compressionCodec(number: number): CompressionCodec | undefined {
  return BY_NUMBER[number];
}
