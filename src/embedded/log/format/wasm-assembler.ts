/** The few pieces of WebAssembly's binary format that the checksum's modules consist of. */

export const I32 = 0x7f;
export const V128 = 0x7b;

export interface ModuleParts {
  /** Of each function; all are 32-bit integers, as its result is. */
  readonly parameters: number;
  /** By the names of their exports: the declarations of their locals, then their code. */
  readonly functions: Readonly<Record<string, readonly number[]>>;
}

/** "\0asm" and version 1. */
const MARK = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** A module that imports the memory `host.memory` of so many pages. */
export function assemble(
  pages: number,
  { parameters, functions }: ModuleParts,
): Uint8Array<ArrayBuffer> {
  const names = Object.keys(functions);
  const count = names.length;
  const types = [1, 0x60, parameters, ...Array.from({ length: parameters }, () => I32), 1, I32];
  const limits = [...unsigned(pages), ...unsigned(pages)];
  return Uint8Array.from([
    ...MARK,
    // Types, imports, functions, exports, code.
    ...section(1, types),
    // A shared memory would have other limits: 1 says that there is a maximum.
    ...section(2, [1, ...name("host"), ...name("memory"), 2, 1, ...limits]),
    ...section(3, [count, ...names.map(() => 0)]),
    ...section(7, [count, ...names.flatMap((each, index) => [...name(each), 0, index])]),
    ...section(10, [count, ...Object.values(functions).flatMap((body) => sized(body))]),
  ]);
}

export function get(local: number): number[] {
  return [0x20, local];
}

export function set(local: number): number[] {
  return [0x21, local];
}

export function constant(value: number): number[] {
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

export function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128 of a number from 0 on: the sign bit of the last byte must be free. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
