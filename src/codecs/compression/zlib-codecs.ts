/** gzip and zstd, by Node's own bindings. */

import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { CompressionCodec } from "./compression-codec.ts";
import { malformed, tooLarge } from "./decompression-failed.ts";

interface Binding {
  readonly name: "gzip" | "zstd";
  readonly compress: (bytes: Uint8Array) => Buffer;
  readonly decompress: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer;
}

function codecOf({ name, compress, decompress }: Binding): CompressionCodec {
  return {
    name,
    compress,
    decompress(bytes, { bytesMax }) {
      if (bytes.length === 0) throw malformed(name, "it is empty");
      try {
        return decompress(bytes, { maxOutputLength: bytesMax });
      } catch (error) {
        if (isTooLarge(error)) throw tooLarge(name, bytesMax);
        throw malformed(name, error instanceof Error ? error.message : String(error), error);
      }
    },
  };
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

export const gzip: CompressionCodec = codecOf({
  name: "gzip",
  compress: (bytes) => gzipSync(bytes),
  decompress: gunzipSync,
});

export const zstd: CompressionCodec = codecOf({
  name: "zstd",
  compress: (bytes) => zstdCompressSync(bytes),
  decompress: zstdDecompressSync,
});
