/**
 * Where the fields of a Kafka v2 record batch stand ("RecordBatch", KIP-98). Big-endian. The
 * checksum covers everything from the attributes on, so the offset and the leader epoch can be
 * written by a broker without touching the rest. `docs/formats/log.md` shows a worked example.
 */
export const AT = {
  baseOffset: 0,
  /** Bytes after this field. */
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const;

export const MAGIC = 2;

/** What the length field does not count: the offset and itself. */
export const LENGTH_OVERHEAD = 12;

/** Bits of the attributes. */
export const COMPRESSION_MASK = 0x07;
/** All records bear the batch's `maxTimestamp`, the time at which a broker took it. */
export const LOG_APPEND_TIME = 0x08;
/** Records of a transaction, or a marker that ends one. */
export const TRANSACTIONAL = 0x10;
/** A transaction marker, not records of anybody. */
export const CONTROL = 0x20;
/** The base timestamp is the time from which on compaction may remove deletions (KIP-534). */
export const DELETE_HORIZON = 0x40;

/** The largest batch that is written or believed when read. */
export const BATCH_BYTES_MAX: number = 8 * 1024 * 1024;
