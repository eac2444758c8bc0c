/**
 * CRC-32C of sixteen pieces side by side, in WebAssembly's vectors of sixteen bytes.
 *
 * A block is sixteen pieces of `stride` bytes, one behind the other; lane `n` of each vector belongs to
 * piece `n`. The checksums stand in four vectors, one for each of their bytes. A step takes one byte of
 * every piece: it is looked up by its two halves in tables of sixteen bytes, which a vector holds (the
 * checksum is linear, so a table of 256 is the xor of two of sixteen), eight look-ups for the four
 * bytes of sixteen results. Sixteen bytes of each piece are loaded at a time, and transposed by four
 * rounds that interleave the first half of the vectors with the second.
 *
 * Exports one function for each stride, `lanes1024(from)` for one of 1,024: it leaves the checksums,
 * begun with zero and without their final inversion, at `statesAt`, the lowest bytes of all lanes first.
 */

import { assemble, constant, get, set, unsigned, V128, I32 } from "./wasm-assembler.ts";

export const LANES = 16;
export const STATES_BYTES: number = 4 * LANES;

const PLANES = [0, 1, 2, 3] as const;
const ROWS = Array.from({ length: LANES }, (_, row) => row);

// Locals: the parameter, then integers, then vectors.
const FROM = 0;
const END = 1;
const STATE = 2;
const LOW_TABLE = STATE + PLANES.length;
const HIGH_TABLE = LOW_TABLE + PLANES.length;
const LOW_HALF = HIGH_TABLE + PLANES.length;
const HIGH_HALF = LOW_HALF + 1;
const ROW = HIGH_HALF + 1;
const ROUND = ROW + LANES;
const VECTORS = ROUND + LANES - STATE;

const OP = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  againIf: [0x0d, 0],
  add: [0x6a],
  below: [0x49],
  load: (offset: number) => vector(0x00, 4, ...unsigned(offset)),
  store: (offset: number) => vector(0x0b, 4, ...unsigned(offset)),
  bytes: (values: readonly number[]) => vector(0x0c, ...values),
  interleave: (from: number) =>
    vector(0x0d, ...ROWS.map((lane) => from + (lane >> 1) + (lane & 1 ? LANES : 0))),
  /** Relaxed, so that it is one instruction: its indices are below sixteen. */
  lookUp: vector(0x100),
  and: vector(0x4e),
  xor: vector(0x51),
  /** In pairs of bytes. */
  shiftRight: vector(0x8d),
} as const;

export interface LanesOptions {
  readonly pages: number;
  /** The checksum's change by one byte. */
  readonly table: Int32Array;
  readonly strides: readonly number[];
  readonly statesAt: number;
}

export function assembleLanes(options: LanesOptions): Uint8Array<ArrayBuffer> {
  const functions = options.strides.map(
    (stride) => [`lanes${stride}`, body(stride, options)] as const,
  );
  return assemble(options.pages, { parameters: 1, functions: Object.fromEntries(functions) });
}

function body(stride: number, { table, statesAt }: LanesOptions): number[] {
  const byteOf = (index: number, plane: number): number => (table[index]! >>> (8 * plane)) & 0xff;
  const tables = PLANES.flatMap((plane) => [
    ...OP.bytes(ROWS.map((half) => byteOf(half, plane))),
    ...set(LOW_TABLE + plane),
    ...OP.bytes(ROWS.map((half) => byteOf(half << 4, plane))),
    ...set(HIGH_TABLE + plane),
  ]);
  return [
    2,
    1,
    I32,
    VECTORS,
    V128,
    ...tables,
    ...get(FROM),
    ...constant(stride),
    ...OP.add,
    ...set(END),
    ...OP.loop,
    ...ROWS.flatMap((row) => [...get(FROM), ...OP.load(row * stride), ...set(ROW + row)]),
    ...transpose(),
    ...ROWS.flatMap((row) => step(ROW + row)),
    ...get(FROM),
    ...constant(LANES),
    ...OP.add,
    ...set(FROM),
    ...get(FROM),
    ...get(END),
    ...OP.below,
    ...OP.againIf,
    ...OP.end,
    ...PLANES.flatMap((plane) => [
      ...constant(statesAt),
      ...get(STATE + plane),
      ...OP.store(plane * LANES),
    ]),
    ...constant(0),
    ...OP.end,
  ];
}

/** An even number of rounds, so the rows end where they began. */
function transpose(): number[] {
  const rounds = [
    [ROW, ROUND],
    [ROUND, ROW],
    [ROW, ROUND],
    [ROUND, ROW],
  ] as const;
  return rounds.flatMap(([from, to]) =>
    ROWS.flatMap((row) => {
      const pair = row >> 1;
      return [
        ...get(from + pair),
        ...get(from + pair + LANES / 2),
        ...OP.interleave(row & 1 ? LANES / 2 : 0),
        ...set(to + row),
      ];
    }),
  );
}

/** Takes one byte of every piece. */
function step(row: number): number[] {
  return [
    ...get(STATE),
    ...get(row),
    ...OP.xor,
    ...set(LOW_HALF),
    ...get(LOW_HALF),
    ...OP.bytes(ROWS.map(() => 0xf0)),
    ...OP.and,
    ...constant(4),
    ...OP.shiftRight,
    ...set(HIGH_HALF),
    ...get(LOW_HALF),
    ...OP.bytes(ROWS.map(() => 0x0f)),
    ...OP.and,
    ...set(LOW_HALF),
    ...PLANES.flatMap((plane) => [
      ...get(LOW_TABLE + plane),
      ...get(LOW_HALF),
      ...OP.lookUp,
      ...get(HIGH_TABLE + plane),
      ...get(HIGH_HALF),
      ...OP.lookUp,
      ...OP.xor,
      ...(plane === 3 ? [] : [...get(STATE + plane + 1), ...OP.xor]),
      ...set(STATE + plane),
    ]),
  ];
}

function vector(code: number, ...operands: readonly number[]): number[] {
  return [0xfd, ...unsigned(code), ...operands];
}
