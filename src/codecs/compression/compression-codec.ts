/** What each codec of a record batch can do. */

export interface CompressionCodec {
  readonly name: "gzip" | "snappy" | "lz4" | "zstd";
  compress(bytes: Uint8Array): Buffer;
  /** Throws `DecompressionFailed`: malformed, too-large. */
  decompress(bytes: Uint8Array, limits: { readonly bytesMax: number }): Buffer;
}
