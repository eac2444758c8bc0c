/**
 * The WebAssembly module of `crc32c.ts`, assembled at load from the few instructions that it needs:
 * 500 bytes that a reader can follow, instead of a blob that nobody can.
 *
 * It imports `host.memory`, with the sixteen tables at `TABLES_AT`, and exports
 * `steps(crc, from, to)`: the checksum (without its final inversion) carried over the bytes from
 * `from` to `to`, a multiple of sixteen.
 */

import { assemble, constant, get, I32, set, unsigned } from "./wasm-assembler.ts";

export const TABLES_AT = 0;

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
  return assemble(pages, { parameters: 3, functions: { steps: body() } });
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
