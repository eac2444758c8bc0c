/**
 * The journal's bytes: its head, and the entries behind it. `docs/formats/directory.md` gives the
 * grammar.
 *
 * An entry is a table (which bytes belong where, and how far each segment reaches with them) and then
 * the batches as they stand in their segments. The table has a checksum of its own; the batches have
 * theirs already, and what those do not cover, the base offset and the leader epoch, the table tells.
 * So no byte is summed twice.
 *
 * Entries begin at multiples of 512 bytes, so those behind a damaged one can be found. Each bears the
 * id that the journal was given when it was made, which nobody outside has seen: bytes in a record
 * that look like an entry are not taken for one.
 */

import { crc32c } from "../format/crc32c.ts";
import { isIntact, readBatchHeader } from "../format/batch-decoder.ts";
import { readInt64, writeInt64 } from "../format/int64.ts";

export const ALIGNED_BYTES = 512;
/** "MRJF", Millrace journal file. */
const FILE_MARK = 0x4d524a46;
/** "MRJE", Millrace journal entry. */
const ENTRY_MARK = 0x4d524a45;
const FORMAT = 1;
const ID_BYTES = 16;
const FILE_HEAD = { format: 4, halfBytes: 8, id: 12, crc: 28, bytes: 32 } as const;
const ENTRY_HEAD = { tableBytes: 4, id: 8, sequence: 24, neededFrom: 32, count: 40, bytes: 44 };
const PART = {
  pathBytes: 0,
  flags: 2,
  bytes: 4,
  baseOffset: 8,
  position: 16,
  firstOffset: 24,
  nextOffset: 32,
  oldestMs: 40,
  newestMs: 48,
  path: 56,
} as const;
const CRC_BYTES = 4;
/** Flags. */
const PRODUCERS = 1;

export interface JournalHead {
  readonly id: Buffer;
  readonly halfBytes: number;
}

/** The batches of one partition's group, and where its segment ends with them. */
export interface JournalPart {
  /** Of the log, relative to the data directory, parted by `/`. */
  readonly path: string;
  /** Of the segment. */
  readonly baseOffset: number;
  /** In the segment, of the first batch. */
  readonly position: number;
  readonly bytes: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
  /** Of the whole segment, as are the next two. */
  readonly oldestMs: number;
  readonly newestMs: number;
  readonly producers: boolean;
}

export interface JournalEntry {
  /** Grows by one with every entry of a journal. */
  readonly sequence: number;
  /** The oldest entry that the segments may lack when this one was written. */
  readonly neededFrom: number;
  /** Each with its batches, as far as they are there. */
  readonly parts: readonly (JournalPart & { readonly batches: Buffer })[];
}

export function encodeHead({ id, halfBytes }: JournalHead): Buffer {
  const head = Buffer.alloc(FILE_HEAD.bytes);
  head.writeUInt32BE(FILE_MARK, 0);
  head.writeUInt16BE(FORMAT, FILE_HEAD.format);
  head.writeUInt32BE(halfBytes, FILE_HEAD.halfBytes);
  id.copy(head, FILE_HEAD.id);
  head.writeUInt32BE(crc32c(head, 0, FILE_HEAD.crc), FILE_HEAD.crc);
  return head;
}

/** Undefined where it is not what was written. */
export function readHead(journal: Buffer): JournalHead | undefined {
  if (journal.length < FILE_HEAD.bytes || journal.readUInt32BE(0) !== FILE_MARK) return undefined;
  if (journal.readUInt16BE(FILE_HEAD.format) !== FORMAT) return undefined;
  if (crc32c(journal, 0, FILE_HEAD.crc) !== journal.readUInt32BE(FILE_HEAD.crc)) return undefined;
  return {
    id: journal.subarray(FILE_HEAD.id, FILE_HEAD.id + ID_BYTES),
    halfBytes: journal.readUInt32BE(FILE_HEAD.halfBytes),
  };
}

/** A UUID's sixteen bytes. */
export function idBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll("-", ""), "hex");
}

/** Of the table that so many paths of so many bytes together need. */
export function tableBytes(count: number, pathBytes: number): number {
  return ENTRY_HEAD.bytes + count * PART.path + pathBytes + CRC_BYTES;
}

/** The table alone: the batches follow it in the order of the parts. */
export function encodeTable(
  id: Buffer,
  entry: {
    readonly sequence: number;
    readonly neededFrom: number;
    readonly parts: readonly JournalPart[];
  },
): Buffer {
  const paths = entry.parts.map(({ path }) => Buffer.from(path));
  const pathBytes = paths.reduce((sum, path) => sum + path.length, 0);
  const table = Buffer.alloc(tableBytes(paths.length, pathBytes));
  table.writeUInt32BE(ENTRY_MARK, 0);
  table.writeUInt32BE(table.length, ENTRY_HEAD.tableBytes);
  id.copy(table, ENTRY_HEAD.id);
  writeInt64(table, ENTRY_HEAD.sequence, entry.sequence);
  writeInt64(table, ENTRY_HEAD.neededFrom, entry.neededFrom);
  table.writeUInt32BE(paths.length, ENTRY_HEAD.count);
  let at = ENTRY_HEAD.bytes;
  for (const [index, part] of entry.parts.entries()) {
    const path = paths[index]!;
    table.writeUInt16BE(path.length, at + PART.pathBytes);
    table.writeUInt16BE(part.producers ? PRODUCERS : 0, at + PART.flags);
    table.writeUInt32BE(part.bytes, at + PART.bytes);
    writeInt64(table, at + PART.baseOffset, part.baseOffset);
    writeInt64(table, at + PART.position, part.position);
    writeInt64(table, at + PART.firstOffset, part.firstOffset);
    writeInt64(table, at + PART.nextOffset, part.nextOffset);
    writeInt64(table, at + PART.oldestMs, part.oldestMs);
    writeInt64(table, at + PART.newestMs, part.newestMs);
    path.copy(table, at + PART.path);
    at += PART.path + path.length;
  }
  table.writeUInt32BE(crc32c(table, 0, at), at);
  return table;
}

/** The entry whose table stands whole at `at`; undefined where none does. */
export function readEntry(journal: Buffer, at: number, id: Buffer): JournalEntry | undefined {
  if (journal.length - at < ENTRY_HEAD.bytes + CRC_BYTES) return undefined;
  if (journal.readUInt32BE(at) !== ENTRY_MARK) return undefined;
  const end = at + journal.readUInt32BE(at + ENTRY_HEAD.tableBytes);
  const idAt = at + ENTRY_HEAD.id;
  if (end > journal.length || end < at + ENTRY_HEAD.bytes + CRC_BYTES) return undefined;
  if (!journal.subarray(idAt, idAt + ID_BYTES).equals(id)) return undefined;
  if (crc32c(journal, at, end - CRC_BYTES) !== journal.readUInt32BE(end - CRC_BYTES)) {
    return undefined;
  }
  const parts: (JournalPart & { batches: Buffer })[] = [];
  let partAt = at + ENTRY_HEAD.bytes;
  let batchesAt = end;
  for (let left = journal.readUInt32BE(at + ENTRY_HEAD.count); left > 0; left--) {
    const part = readPart(journal, partAt);
    const batches = journal.subarray(batchesAt, batchesAt + part.bytes);
    parts.push({ ...part, batches });
    partAt += PART.path + journal.readUInt16BE(partAt + PART.pathBytes);
    batchesAt += part.bytes;
  }
  return {
    sequence: readInt64(journal, at + ENTRY_HEAD.sequence),
    neededFrom: readInt64(journal, at + ENTRY_HEAD.neededFrom),
    parts,
  };
}

function readPart(journal: Buffer, at: number): JournalPart {
  const pathEnd = at + PART.path + journal.readUInt16BE(at + PART.pathBytes);
  return {
    path: journal.toString("utf8", at + PART.path, pathEnd),
    baseOffset: readInt64(journal, at + PART.baseOffset),
    position: readInt64(journal, at + PART.position),
    bytes: journal.readUInt32BE(at + PART.bytes),
    firstOffset: readInt64(journal, at + PART.firstOffset),
    nextOffset: readInt64(journal, at + PART.nextOffset),
    oldestMs: readInt64(journal, at + PART.oldestMs),
    newestMs: readInt64(journal, at + PART.newestMs),
    producers: (journal.readUInt16BE(at + PART.flags) & PRODUCERS) !== 0,
  };
}

/** Whether the batches of the part are all there, and what was written. */
export function isPartIntact(part: JournalEntry["parts"][number]): boolean {
  const { batches, bytes } = part;
  if (batches.length !== bytes) return false;
  let offset = part.firstOffset;
  for (let at = 0; at < bytes;) {
    const header = readBatchHeader(batches, at);
    if (header === undefined || header.baseOffset !== offset || header.leaderEpoch !== 0) {
      return false;
    }
    if (!isIntact(batches, at, header)) return false;
    at += header.bytes;
    offset = header.nextOffset;
  }
  return offset === part.nextOffset;
}
