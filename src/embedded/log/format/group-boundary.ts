/**
 * The sidecar of a segment: how far the segment is known to be synced.
 *
 * A sidecar is two slots of 4,096 bytes, written in turn, so that a power cut in the middle of one
 * write leaves the other whole, and so that the file never grows: overwriting in place needs no
 * change of metadata. The newer valid slot counts. `docs/formats/log.md` gives the grammar.
 */

import { crc32c } from "./crc32c.ts";

/** What stands before this place was synced when the boundary was written. */
export interface GroupBoundary {
  /** Grows by one with every boundary of the segment; its parity names the slot. */
  readonly sequence: number;
  /** Of the segment file. */
  readonly bytes: number;
  readonly nextOffset: number;
  /** The newest time of appending; 0 in an empty segment. */
  readonly newestMs: number;
  /** The oldest; 0 in an empty segment. */
  readonly oldestMs: number;
  readonly state: SegmentState;
  /** Whether producers with ids have written to the log up to here. */
  readonly producers: boolean;
  /** Of a sealed segment that compaction has gone over. */
  readonly compacted?: Compacted;
  /** Of a sealed segment: the next one was made, so where it is missing its records are lost. */
  readonly followed?: boolean;
  /**
   * The first offset of the log's oldest segment; what stood before was removed on purpose. Of the last
   * segment all but the first releases tell it.
   */
  readonly logStart?: number | undefined;
}

export interface Compacted {
  /** From when on more of the segment may go: a deletion, or a marker; 0 where there is none. */
  readonly horizonMs: number;
}

/**
 * `open`: more may follow. `clean`: the process stopped in order, nothing follows. `sealed`: the log
 * went on in the next segment, for ever.
 */
export type SegmentState = "open" | "clean" | "sealed";

const STATES: readonly SegmentState[] = ["open", "clean", "sealed"];

export const SLOT_BYTES = 4096;
export const SIDECAR_BYTES: number = SLOT_BYTES * 2;
/** "MRGB", Millrace group boundary. */
const MARK = 0x4d524742;
const FORMAT = 1;
const ENCODED_BYTES = 60;
/**
 * Where the log begins stands behind that, with a checksum of its own over all before it: the first
 * releases neither read nor write it, and one of theirs behind which an older one is left is told by it.
 */
export const EXTENDED_BYTES = 72;
/** Flags. */
const PRODUCERS = 1;
const COMPACTED = 2;
const FOLLOWED = 4;
/** Where the log begins is not told. */
const UNTOLD = -1;
/** Strangers may write any time. */
const HORIZON_MS_MAX = 2 ** 48 - 1;

export function slotOf(boundary: GroupBoundary): number {
  return (boundary.sequence % 2) * SLOT_BYTES;
}

export function encodeBoundary(boundary: GroupBoundary): Buffer {
  const slot = Buffer.alloc(EXTENDED_BYTES);
  slot.writeUInt32BE(MARK, 0);
  slot.writeUInt16BE(FORMAT, 4);
  slot.writeUInt16BE(STATES.indexOf(boundary.state), 6);
  slot.writeBigUInt64BE(BigInt(boundary.sequence), 8);
  slot.writeBigUInt64BE(BigInt(boundary.bytes), 16);
  slot.writeBigUInt64BE(BigInt(boundary.nextOffset), 24);
  slot.writeBigInt64BE(BigInt(boundary.oldestMs), 32);
  slot.writeBigInt64BE(BigInt(boundary.newestMs), 40);
  const { producers, compacted, followed = false, logStart = UNTOLD } = boundary;
  const flags =
    (producers ? PRODUCERS : 0) |
    (compacted === undefined ? 0 : COMPACTED) |
    (followed ? FOLLOWED : 0);
  slot.writeUInt16BE(flags, 48);
  slot.writeUIntBE(Math.min(Math.max(0, compacted?.horizonMs ?? 0), HORIZON_MS_MAX), 50, 6);
  slot.writeUInt32BE(crc32c(slot, 0, ENCODED_BYTES - 4), ENCODED_BYTES - 4);
  slot.writeBigInt64BE(BigInt(logStart), ENCODED_BYTES);
  slot.writeUInt32BE(crc32c(slot, 0, EXTENDED_BYTES - 4), EXTENDED_BYTES - 4);
  return slot;
}

/** The newest boundary of a sidecar; undefined where neither slot is valid. */
export function readSidecar(sidecar: Uint8Array): GroupBoundary | undefined {
  return readSlots(sidecar)[0];
}

/** The valid boundaries of a sidecar, the newest first. */
export function readSlots(sidecar: Uint8Array): readonly GroupBoundary[] {
  const bytes = Buffer.from(sidecar.buffer, sidecar.byteOffset, sidecar.length);
  return [decodeSlot(bytes, 0), decodeSlot(bytes, SLOT_BYTES)]
    .filter((slot) => slot !== undefined)
    .toSorted((a, b) => b.sequence - a.sequence);
}

function decodeSlot(bytes: Buffer, at: number): GroupBoundary | undefined {
  if (bytes.length < at + ENCODED_BYTES) return undefined;
  const crcAt = at + ENCODED_BYTES - 4;
  if (bytes.readUInt32BE(at) !== MARK || bytes.readUInt16BE(at + 4) !== FORMAT) return undefined;
  if (crc32c(bytes, at, crcAt) !== bytes.readUInt32BE(crcAt)) return undefined;
  const state = STATES[bytes.readUInt16BE(at + 6)];
  if (state === undefined) return undefined;
  const flags = bytes.readUInt16BE(at + 48);
  const logStart = logStartIn(bytes, at);
  return {
    sequence: Number(bytes.readBigUInt64BE(at + 8)),
    bytes: Number(bytes.readBigUInt64BE(at + 16)),
    nextOffset: Number(bytes.readBigUInt64BE(at + 24)),
    oldestMs: Number(bytes.readBigInt64BE(at + 32)),
    newestMs: Number(bytes.readBigInt64BE(at + 40)),
    state,
    producers: (flags & PRODUCERS) !== 0,
    ...(flags & COMPACTED && { compacted: { horizonMs: bytes.readUIntBE(at + 50, 6) } }),
    ...(flags & FOLLOWED && { followed: true }),
    ...(logStart !== UNTOLD && { logStart }),
  };
}

function logStartIn(bytes: Buffer, at: number): number {
  const crcAt = at + EXTENDED_BYTES - 4;
  if (bytes.length < crcAt + 4) return UNTOLD;
  const isWhole = crc32c(bytes, at, crcAt) === bytes.readUInt32BE(crcAt);
  return isWhole ? Number(bytes.readBigInt64BE(at + ENCODED_BYTES)) : UNTOLD;
}
