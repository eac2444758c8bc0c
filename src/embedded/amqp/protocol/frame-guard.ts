/**
 * Bytes of a client in, whole and well-formed frames out: what rhea is never shown cannot break it.
 *
 * rhea believes the sizes and counts of what it reads: an array of two thousand million nulls fills the
 * memory, a frame of 4 GiB is gathered. So every frame is bounded and walked here first. Bytes are
 * gathered in chunks, which are joined when the frame is whole or when there are many: a client that sends
 * one byte at a time costs little more than one that does not.
 *
 * Frames that lie one behind another in what came are given out together, as they lie: rhea sets its
 * timers anew for each piece that it is handed, not for each frame in it.
 *
 * The guard knows no socket: `push` takes bytes, `next` gives what they hold.
 */

import { MalformedAmqp, scalarAt, skipValue } from "./encoding.ts";

export const AMQP_HEADER: Buffer = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0]);
export const SASL_HEADER: Buffer = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]);

export const OPEN = 0x10;
export const ATTACH = 0x12;
export const SASL_INIT = 0x41;
export const SASL_CHALLENGE = 0x42;
export const SASL_RESPONSE = 0x43;
export const SASL_OUTCOME = 0x44;

const CHUNKS_MAX = 256;
const HEADER_BYTES = 8;
const FRAME_BYTES_MIN = 8;
const SIZE_BYTES = 4;
const SASL_FRAME = 1;
/** Before a connection is open (OASIS AMQP 1.0, part 2.3.1, gives sign-in 512). */
const SASL_FRAME_BYTES_MAX = 4096;
const AMQP_CODES: readonly [number, number] = [OPEN, 0x18];
/** What a client sends: init and response. */
const SASL_CODES: readonly [number, number] = [SASL_INIT, SASL_RESPONSE];

/** The first bytes are those of another protocol, or of another version of this one. */
export class OtherProtocol extends MalformedAmqp {}

/** Of a performative after which nothing may be read until it is decided what it means. */
const DECISIVE: ReadonlySet<number | undefined> = new Set([ATTACH, SASL_INIT, SASL_RESPONSE]);

export interface GuardedFrames {
  readonly bytes: Buffer;
  readonly count: number;
  /** Of the last performative; undefined for a protocol header, and for a mere sign of life. */
  readonly code: number | undefined;
}

export class FrameGuard {
  readonly #frameBytesMax: number;
  #chunks: Buffer[] = [];
  #have = 0;
  /** What must be there before anything can be said. */
  #need = HEADER_BYTES;
  #stage: "start" | "sasl" | "amqp" = "start";

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes that are kept. */
  get pending(): number {
    return this.#have;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    // Bytes that come one by one take a hundred times their memory.
    if (this.#chunks.length > CHUNKS_MAX) this.#joined();
  }

  /** The next protocol header, or the next frames, as far as they are whole. Throws MalformedAmqp. */
  next(): GuardedFrames | undefined {
    if (this.#have < this.#need) return undefined;
    const bytes = this.#joined();
    if (this.#stage === "start") return this.#header(bytes);
    if (this.#stage === "sasl" && bytes.readUInt32BE(0) === AMQP_HEADER.readUInt32BE(0)) {
      this.#need = HEADER_BYTES;
      return this.#have < HEADER_BYTES ? undefined : this.#header(bytes);
    }
    const { end, code, count } = this.#run(bytes);
    if (end === 0) return undefined;
    this.#need = SIZE_BYTES;
    return { bytes: this.#take(bytes, end), count, code };
  }

  /** How far frames are whole, up to one that decides what may follow. */
  #run(bytes: Buffer): { readonly end: number } & Omit<GuardedFrames, "bytes"> {
    let end = 0;
    let count = 0;
    let code: number | undefined;
    try {
      while (bytes.length - end >= SIZE_BYTES && !DECISIVE.has(code)) {
        const size = this.#sizeAt(bytes, end);
        this.#need = size;
        if (bytes.length - end < size) break;
        code = this.#codeOf(bytes.subarray(end, end + size));
        end += size;
        count++;
      }
    } catch (error) {
      // Those before it are as good as any; it is found again behind them.
      if (end === 0) throw error;
    }
    return { end, count, code };
  }

  #sizeAt(bytes: Buffer, offset: number): number {
    const size = bytes.readUInt32BE(offset);
    const sizeMax = this.#stage === "sasl" ? SASL_FRAME_BYTES_MAX : this.#frameBytesMax;
    if (size >= FRAME_BYTES_MIN && size <= sizeMax) return size;
    throw new MalformedAmqp(`a frame has ${size} bytes; frames have 8 to ${sizeMax}`);
  }

  #header(bytes: Buffer): GuardedFrames {
    const header = this.#take(bytes, HEADER_BYTES);
    const isSasl = this.#stage === "start" && header.equals(SASL_HEADER);
    if (!isSasl && !header.equals(AMQP_HEADER)) {
      throw new OtherProtocol("the first bytes are not those of AMQP 1.0");
    }
    this.#stage = isSasl ? "sasl" : "amqp";
    this.#need = SIZE_BYTES;
    return { bytes: header, count: 1, code: undefined };
  }

  /** Checks the frame, and tells its performative. */
  #codeOf(frame: Buffer): number | undefined {
    const from = frame.readUInt8(4) * 4;
    const isSasl = frame.readUInt8(5) === SASL_FRAME;
    const known = frame.readUInt8(5) <= SASL_FRAME;
    if (!known || isSasl !== (this.#stage === "sasl")) {
      throw new MalformedAmqp("a frame is of another type than this stage of a connection has");
    }
    if (from < FRAME_BYTES_MIN || from > frame.length) {
      throw new MalformedAmqp("a frame's data offset lies outside of it");
    }
    if (from === frame.length) {
      if (isSasl) throw new MalformedAmqp("a sign-in frame is empty");
      return undefined;
    }
    if (frame.readUInt8(from) !== 0) throw new MalformedAmqp("a frame has no performative");
    const list = skipValue(frame, from + 1, frame.length);
    const to = skipValue(frame, list, frame.length);
    const code = scalarAt(frame, from + 1);
    const [first, last] = isSasl ? SASL_CODES : AMQP_CODES;
    if (typeof code !== "number" || code < first || code > last) {
      throw new MalformedAmqp("a frame has a performative that this stage does not have");
    }
    const type = frame.readUInt8(list);
    if (type !== 0x45 && type !== 0xc0 && type !== 0xd0) {
      throw new MalformedAmqp("a performative is no list");
    }
    if (isSasl && to !== frame.length) throw new MalformedAmqp("a sign-in frame has a payload");
    return code;
  }

  #joined(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks, this.#have)];
    return this.#chunks[0]!;
  }

  #take(bytes: Buffer, count: number): Buffer {
    const rest = bytes.subarray(count);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#have = rest.length;
    return bytes.subarray(0, count);
  }
}
