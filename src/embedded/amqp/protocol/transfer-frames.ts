/**
 * The frames of transfers (OASIS AMQP 1.0, part 2.7.5), read and written without rhea: nearly all frames
 * of a busy connection are transfers, and rhea makes an object of each field.
 *
 * What is read here was walked before by `frame-guard.ts`.
 */

import type { TransferFields } from "./rhea.ts";

const TRANSFER = 0x14;
const HEADER_BYTES = 8;
/** From the beginning of the frame: a described type, its descriptor, and where the list begins. */
const LIST_AT = HEADER_BYTES + 3;
const DATA_OFFSET = HEADER_BYTES / 4;
const SMALL_ULONG = 0x53;

/** Fields by their places. */
type Name = Exclude<keyof TransferFields, "value">;
const NAMES: readonly (Name | undefined)[] = [
  "handle",
  "delivery_id",
  "delivery_tag",
  "message_format",
  "settled",
  "more",
  // The receiver's settle mode.
  undefined,
  "state",
  // Whether it resumes, which one with a state does.
  undefined,
  "aborted",
];

export interface TransferFrame {
  readonly channel: number;
  readonly performative: TransferFields;
  payload: Buffer | undefined;
}

/**
 * The transfer that the whole frame at `at` is; undefined for any other frame, and for one with a field that
 * is not of the usual kinds.
 */
export function readTransfer(bytes: Buffer, at: number, size: number): TransferFrame | undefined {
  const isTransfer =
    size > LIST_AT &&
    bytes[at + 4] === DATA_OFFSET &&
    bytes[at + 5] === 0 &&
    bytes[at + HEADER_BYTES] === 0 &&
    bytes[at + HEADER_BYTES + 1] === SMALL_ULONG &&
    bytes[at + HEADER_BYTES + 2] === TRANSFER;
  if (!isTransfer) return undefined;
  const list = listAt(bytes, at + LIST_AT);
  if (list === undefined || list.count > NAMES.length + 1) return undefined;
  const performative: Writable = {
    handle: undefined,
    delivery_id: undefined,
    delivery_tag: undefined,
    message_format: undefined,
    settled: undefined,
    more: undefined,
    state: undefined,
    aborted: undefined,
  };
  let from = list.from;
  for (let index = 0; index < list.count; index++) {
    const name = NAMES[index];
    const code = bytes[from]!;
    const data = from + 1;
    let value: unknown;
    switch (code) {
      case 0x40:
        from = data;
        continue;
      case 0x41:
      case 0x42:
        value = code === 0x41;
        from = data;
        break;
      case 0x43:
        value = 0;
        from = data;
        break;
      case 0x50:
      case 0x52:
        value = bytes[data];
        from = data + 1;
        break;
      case 0x56:
        value = bytes[data] !== 0;
        from = data + 1;
        break;
      case 0x70:
        value = bytes.readUInt32BE(data);
        from = data + 4;
        break;
      case 0xa0:
        from = data + 1 + bytes[data]!;
        value = bytes.subarray(data + 1, from);
        break;
      default:
        return undefined;
    }
    if (name !== undefined) performative[name] = value;
  }
  const end = at + size;
  return {
    channel: bytes.readUInt16BE(at + 6),
    performative,
    payload: list.to < end ? bytes.subarray(list.to, end) : undefined,
  };
}

type Writable = { -readonly [Key in Name]: TransferFields[Key] };

function listAt(
  bytes: Buffer,
  at: number,
): { readonly from: number; readonly to: number; readonly count: number } | undefined {
  switch (bytes[at]) {
    case 0x45:
      return { from: at + 1, to: at + 1, count: 0 };
    case 0xc0:
      return { from: at + 3, to: at + 2 + bytes[at + 1]!, count: bytes[at + 2]! };
    case 0xd0:
      return {
        from: at + 9,
        to: at + 5 + bytes.readUInt32BE(at + 1),
        count: bytes.readUInt32BE(at + 5),
      };
    case undefined:
    default:
      return undefined;
  }
}

export interface TransferParts {
  readonly channel: number;
  readonly handle: number;
  readonly id: number;
  readonly format: number;
  readonly settled: boolean;
  readonly more: boolean;
  readonly payload: Buffer;
}

const TAG_BYTES = 4;
/** Of a frame beside its payload, at most: its header, the descriptor, the list's header and the fields. */
export const OVERHEAD_BYTES: number = HEADER_BYTES + 3 + 3 + 5 + 5 + (2 + TAG_BYTES) + 5 + 1 + 1;
const FIELDS = 6;
/** What is gathered before it is written; a longer frame is written by itself. */
const GATHERED_BYTES = 64 * 1024;

/**
 * Gathers frames, which leave in pieces that lie in one memory each. A delivery's tag is its id: unique in
 * the session, as it must be on its link.
 */
export class TransferWriter {
  readonly #write: (bytes: Buffer) => void;
  #memory: Buffer = Buffer.alloc(0);
  /** What is gathered stands between them. */
  #from = 0;
  #at = 0;

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  add(parts: TransferParts): void {
    const { channel, handle, id, format, settled, more, payload } = parts;
    const memory = this.#memoryFor(OVERHEAD_BYTES + payload.length);
    const start = this.#at;
    memory[start + 4] = DATA_OFFSET;
    memory[start + 5] = 0;
    memory.writeUInt16BE(channel, start + 6);
    memory[start + HEADER_BYTES] = 0;
    memory[start + HEADER_BYTES + 1] = SMALL_ULONG;
    memory[start + HEADER_BYTES + 2] = TRANSFER;
    let at = start + LIST_AT;
    memory[at++] = 0xc0;
    const sizeAt = at++;
    memory[at++] = FIELDS;
    at = writeUint(memory, at, handle);
    at = writeUint(memory, at, id);
    memory[at++] = 0xa0;
    memory[at++] = TAG_BYTES;
    at = memory.writeUInt32BE(id, at);
    at = writeUint(memory, at, format);
    memory[at++] = settled ? 0x41 : 0x42;
    memory[at++] = more ? 0x41 : 0x42;
    memory[sizeAt] = at - sizeAt - 1;
    at += payload.copy(memory, at);
    memory.writeUInt32BE(at - start, start);
    this.#at = at;
  }

  /** Writes what is gathered. */
  flush(): void {
    if (this.#at === this.#from) return;
    this.#write(this.#memory.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }

  /** With room for so many bytes from `#at` on. What has been written is the socket's. */
  #memoryFor(bytes: number): Buffer {
    if (this.#at + bytes > this.#memory.length) {
      this.flush();
      this.#memory = Buffer.allocUnsafeSlow(Math.max(GATHERED_BYTES, bytes));
      this.#from = this.#at = 0;
    }
    return this.#memory;
  }
}

function writeUint(memory: Buffer, at: number, value: number): number {
  if (value === 0) {
    memory[at] = 0x43;
    return at + 1;
  }
  if (value < 256) {
    memory[at] = 0x52;
    memory[at + 1] = value;
    return at + 2;
  }
  memory[at] = 0x70;
  memory.writeUInt32BE(value, at + 1);
  return at + 5;
}
