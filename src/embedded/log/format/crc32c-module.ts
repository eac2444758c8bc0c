/**
 * The WebAssembly module of `crc32c.ts`, assembled at load from the few instructions that it needs:
 * 500 bytes that a reader can follow, instead of a blob that nobody can.
 *
 * It imports `host.memory`, with the sixteen tables at `TABLES_AT`, and exports
 * `steps(crc, from, to)`: the checksum (without its final inversion) carried over the bytes from
 * `from` to `to`, a multiple of sixteen.
 */

export const TABLES_AT = 0;

const I32 = 0x7f;
const OP = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  again: [0x0c, 0],
  leaveIf: [0x0d, 1],
  greaterOrEqual: [0x4f],
  add: [0x6a],
  and: [0x71],
  xor: [0x73],
  shiftLeft: [0x74],
  shiftRight: [0x76],
} as const;

const CRC = 0;
const FROM = 1;
const TO = 2;
const WORD = 3;
const NEXT = 4;

export function assembleSlicing(pages: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    // The mark "\0asm" and version 1; then types, imports, functions, exports, code.
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [1, 0x60, 3, I32, I32, I32, 1, I32]),
    ...section(2, [
      1,
      ...name("host"),
      ...name("memory"),
      2,
      1,
      ...unsigned(pages),
      ...unsigned(pages),
    ]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("steps"), 0, 0]),
    ...section(10, [1, ...sized(body())]),
  ]);
}

function body(): number[] {
  const step = [
    ...get(FROM),
    ...get(TO),
    ...OP.greaterOrEqual,
    ...OP.leaveIf,
    ...load(0),
    ...get(CRC),
    ...OP.xor,
    ...set(WORD),
    ...lookUps(15),
    ...set(NEXT),
    ...[1, 2, 3].flatMap((word) => [
      ...load(word * 4),
      ...set(WORD),
      ...lookUps(15 - word * 4),
      ...get(NEXT),
      ...OP.xor,
      ...set(NEXT),
    ]),
    ...get(NEXT),
    ...set(CRC),
    ...get(FROM),
    ...constant(16),
    ...OP.add,
    ...set(FROM),
    ...OP.again,
  ];
  const locals = [1, 2, I32];
  return [
    ...locals,
    ...OP.block,
    ...OP.loop,
    ...step,
    ...OP.end,
    ...OP.end,
    ...get(CRC),
    ...OP.end,
  ];
}

/** The xor of four look-ups: the word's lowest byte in `table`, the next in the table below, … */
function lookUps(table: number): number[] {
  return [0, 1, 2, 3].flatMap((byte) => [
    ...get(WORD),
    ...(byte === 0 ? [] : [...constant(byte * 8), ...OP.shiftRight]),
    ...(byte === 3 ? [] : [...constant(0xff), ...OP.and]),
    ...constant(2),
    ...OP.shiftLeft,
    ...loadAt(TABLES_AT + (table - byte) * 1024),
    ...(byte === 0 ? [] : OP.xor),
  ]);
}

function load(offset: number): number[] {
  return [...get(FROM), ...loadAt(offset)];
}

/** `i32.load` at the address on the stack plus `offset`. */
function loadAt(offset: number): number[] {
  return [0x28, 2, ...unsigned(offset)];
}

function get(local: number): number[] {
  return [0x20, local];
}

function set(local: number): number[] {
  return [0x21, local];
}

function constant(value: number): number[] {
  return [0x41, ...signed(value)];
}

function section(id: number, contents: readonly number[]): number[] {
  return [id, ...sized(contents)];
}

function sized(contents: readonly number[]): number[] {
  return [...unsigned(contents.length), ...contents];
}

function name(text: string): number[] {
  return sized([...Buffer.from(text)]);
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128 of a number from 0 on: the sign bit of the last byte must be free. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
