/**
 * The sidecar of a segment: how far the segment is known to be synced.
 *
 * A sidecar is two slots of 4,096 bytes, written in turn, so that a power cut in the middle of one
 * write leaves the other whole, and so that the file never grows: overwriting in place needs no
 * change of metadata. The newer valid slot counts. `docs/format-log.md` gives the grammar.
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
/** The one flag there is. */
const PRODUCERS = 1;

export function slotOf(boundary: GroupBoundary): number {
  return (boundary.sequence % 2) * SLOT_BYTES;
}

export function encodeBoundary(boundary: GroupBoundary): Buffer {
  const slot = Buffer.alloc(ENCODED_BYTES);
  slot.writeUInt32BE(MARK, 0);
  slot.writeUInt16BE(FORMAT, 4);
  slot.writeUInt16BE(STATES.indexOf(boundary.state), 6);
  slot.writeBigUInt64BE(BigInt(boundary.sequence), 8);
  slot.writeBigUInt64BE(BigInt(boundary.bytes), 16);
  slot.writeBigUInt64BE(BigInt(boundary.nextOffset), 24);
  slot.writeBigInt64BE(BigInt(boundary.oldestMs), 32);
  slot.writeBigInt64BE(BigInt(boundary.newestMs), 40);
  slot.writeUInt16BE(boundary.producers ? PRODUCERS : 0, 48);
  // Bytes 50 to 55 are reserved.
  slot.writeUInt32BE(crc32c(slot, 0, ENCODED_BYTES - 4), ENCODED_BYTES - 4);
  return slot;
}

/** The newest boundary of a sidecar; undefined where neither slot is valid. */
export function readSidecar(sidecar: Uint8Array): GroupBoundary | undefined {
  const bytes = Buffer.from(sidecar.buffer, sidecar.byteOffset, sidecar.length);
  const first = decodeSlot(bytes, 0);
  const second = decodeSlot(bytes, SLOT_BYTES);
  if (first === undefined || second === undefined) return first ?? second;
  return first.sequence > second.sequence ? first : second;
}

function decodeSlot(bytes: Buffer, at: number): GroupBoundary | undefined {
  if (bytes.length < at + ENCODED_BYTES) return undefined;
  const crcAt = at + ENCODED_BYTES - 4;
  if (bytes.readUInt32BE(at) !== MARK || bytes.readUInt16BE(at + 4) !== FORMAT) return undefined;
  if (crc32c(bytes, at, crcAt) !== bytes.readUInt32BE(crcAt)) return undefined;
  const state = STATES[bytes.readUInt16BE(at + 6)];
  if (state === undefined) return undefined;
  return {
    sequence: Number(bytes.readBigUInt64BE(at + 8)),
    bytes: Number(bytes.readBigUInt64BE(at + 16)),
    nextOffset: Number(bytes.readBigUInt64BE(at + 24)),
    oldestMs: Number(bytes.readBigInt64BE(at + 32)),
    newestMs: Number(bytes.readBigInt64BE(at + 40)),
    state,
    producers: (bytes.readUInt16BE(at + 48) & PRODUCERS) !== 0,
  };
}
