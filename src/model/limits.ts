/** The bounds that hold on every broker (law 12). Too large is refused before it is sent. */
export const LIMITS = {
  /** Key, value and headers of one message together. */
  messageBytesMax: 1_048_576,
  headersMax: 64,
  headerBytesMax: 16_384,
  keyBytesMax: 1024,
  /** Messages of one append or send call. */
  batchCountMax: 10_000,
  /** Letters, digits, dot, underscore and hyphen; what Kafka allows for a topic. */
  nameLengthMax: 249,
  partitionsMax: 1024,
  /** Objects and arrays within one another in a payload. */
  jsonDepthMax: 64,
} as const;
