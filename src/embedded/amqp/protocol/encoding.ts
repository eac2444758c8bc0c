/**
 * The bytes of AMQP 1.0 values (OASIS AMQP 1.0, part 1): where one ends, and what a simple one says.
 *
 * A value is a constructor (one byte, or 0x00, a descriptor and a constructor) and its data. The upper
 * half of the byte tells the data's width. Values of strangers are walked before anything else looks at
 * them: counts that no data backs, sizes beyond their container and deep nesting end here, and cost no
 * memory.
 */

/** What came is no AMQP 1.0. */
export class MalformedAmqp extends Error {
  override readonly name = "MalformedAmqp";
}

/** Values within one another. */
const DEPTH_MAX = 32;
/** Elements of an array that take no bytes. */
const EMPTY_ELEMENTS_MAX = 4096;

const FIXED_WIDTHS: Readonly<Record<number, number>> = { 4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16 };
const CODES: ReadonlySet<number> = new Set([
  0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x60, 0x61, 0x70,
  0x71, 0x72, 0x73, 0x74, 0x80, 0x81, 0x82, 0x83, 0x84, 0x94, 0x98, 0xa0, 0xa1, 0xa3, 0xb0, 0xb1,
  0xb3, 0xc0, 0xc1, 0xd0, 0xd1, 0xe0, 0xf0,
]);

/** Where the value that begins at `at` ends. Throws MalformedAmqp where it is none, or passes `end`. */
export function skipValue(bytes: Buffer, at: number, end: number, depth = 0): number {
  if (depth > DEPTH_MAX) throw new MalformedAmqp(`values nest deeper than ${DEPTH_MAX}`);
  const code = byteAt(bytes, at, end);
  if (code !== 0) return skipData(bytes, { code, at: at + 1, end, depth });
  const value = skipValue(bytes, at + 1, end, depth + 1);
  return skipValue(bytes, value, end, depth + 1);
}

interface Data {
  readonly code: number;
  readonly at: number;
  readonly end: number;
  readonly depth: number;
}

function skipData(bytes: Buffer, { code, at, end, depth }: Data): number {
  if (!CODES.has(code)) throw new MalformedAmqp(`0x${code.toString(16)} is no type`);
  const kind = code >>> 4;
  const width = FIXED_WIDTHS[kind];
  if (width !== undefined) return within(at + width, end);
  const wide = kind % 2 === 1;
  const sizeBytes = wide ? 4 : 1;
  within(at + sizeBytes, end);
  const size = wide ? bytes.readUInt32BE(at) : bytes.readUInt8(at);
  const from = at + sizeBytes;
  const to = within(from + size, end);
  if (kind <= 0xb) return to;
  within(from + sizeBytes, to);
  const count = wide ? bytes.readUInt32BE(from) : bytes.readUInt8(from);
  const items = { from: from + sizeBytes, to, count, depth: depth + 1 };
  const after = kind <= 0xd ? skipItems(bytes, items) : skipElements(bytes, items);
  if (after !== to) throw new MalformedAmqp("a container's items do not fill its size");
  const isMap = code === 0xc1 || code === 0xd1;
  if (isMap && count % 2 === 1) throw new MalformedAmqp("a map has a key without a value");
  return to;
}

interface Items {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly depth: number;
}

function skipItems(bytes: Buffer, { from, to, count, depth }: Items): number {
  if (count > to - from) throw new MalformedAmqp("a container counts more items than it has bytes");
  let at = from;
  for (let i = 0; i < count; i++) at = skipValue(bytes, at, to, depth);
  return at;
}

function skipElements(bytes: Buffer, { from, to, count, depth }: Items): number {
  let at = from;
  let code = byteAt(bytes, at++, to);
  for (let descriptors = 0; code === 0; descriptors++) {
    if (descriptors > DEPTH_MAX) throw new MalformedAmqp("an array has too many descriptors");
    at = skipValue(bytes, at, to, depth);
    code = byteAt(bytes, at++, to);
  }
  const perElement = FIXED_WIDTHS[code >>> 4] ?? 1;
  const countMax = perElement === 0 ? EMPTY_ELEMENTS_MAX : (to - at) / perElement;
  if (count > countMax) throw new MalformedAmqp("an array counts more elements than it has bytes");
  if (count === 0 && !CODES.has(code)) throw new MalformedAmqp("an array of no known type");
  for (let i = 0; i < count; i++) at = skipData(bytes, { code, at, end: to, depth });
  return at;
}

function within(at: number, end: number): number {
  if (at <= end) return at;
  throw new MalformedAmqp("a value passes the end of what holds it");
}

function byteAt(bytes: Buffer, at: number, end: number): number {
  within(at + 1, end);
  return bytes.readUInt8(at);
}

/** A simple value; a uuid is its text. Whole numbers beyond 2⁵³ are bigints. */
export type Scalar = null | boolean | number | bigint | string | Date | Uint8Array;

/**
 * The value at `at`, which was walked before; undefined for decimals, lists, maps, arrays and described
 * values.
 */
export function scalarAt(bytes: Buffer, at: number): Scalar | undefined {
  const code = bytes.readUInt8(at);
  const data = at + 1;
  switch (code) {
    case 0x40:
      return null;
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x43:
    case 0x44:
      return 0;
    case 0x56:
      return bytes.readUInt8(data) !== 0;
    case 0x50:
    case 0x52:
    case 0x53:
      return bytes.readUInt8(data);
    case 0x51:
    case 0x54:
    case 0x55:
      return bytes.readInt8(data);
    case 0x60:
      return bytes.readUInt16BE(data);
    case 0x61:
      return bytes.readInt16BE(data);
    case 0x70:
      return bytes.readUInt32BE(data);
    case 0x71:
      return bytes.readInt32BE(data);
    case 0x72:
      return bytes.readFloatBE(data);
    case 0x73:
      return characterOf(bytes.readUInt32BE(data));
    case 0x80:
      return wholeOf(bytes.readBigUInt64BE(data));
    case 0x81:
      return wholeOf(bytes.readBigInt64BE(data));
    case 0x82:
      return bytes.readDoubleBE(data);
    case 0x83:
      return new Date(Number(bytes.readBigInt64BE(data)));
    case 0x98:
      return uuidText(bytes.subarray(data, data + 16));
    default:
      return variableAt(bytes, at);
  }
}

function variableAt(bytes: Buffer, at: number): string | Uint8Array | undefined {
  const found = variableContent(bytes, at);
  if (found === undefined) return undefined;
  const content = bytes.subarray(found.from, found.to);
  const isBinary = found.code === 0xa0 || found.code === 0xb0;
  return isBinary ? content : content.toString("utf8");
}

/** Where the content of a binary, text or symbol stands; undefined for other types. */
export function variableContent(
  bytes: Buffer,
  at: number,
): { readonly code: number; readonly from: number; readonly to: number } | undefined {
  const code = bytes.readUInt8(at);
  const kind = code >>> 4;
  if (kind === 0xa) return { code, from: at + 2, to: at + 2 + bytes.readUInt8(at + 1) };
  if (kind === 0xb) return { code, from: at + 5, to: at + 5 + bytes.readUInt32BE(at + 1) };
  return undefined;
}

/** Where the items of a list or map stand; undefined for other types. */
export function itemsAt(
  bytes: Buffer,
  at: number,
): { readonly from: number; readonly count: number } | undefined {
  switch (bytes.readUInt8(at)) {
    case 0x45:
      return { from: at + 1, count: 0 };
    case 0xc0:
    case 0xc1:
      return { from: at + 3, count: bytes.readUInt8(at + 2) };
    case 0xd0:
    case 0xd1:
      return { from: at + 9, count: bytes.readUInt32BE(at + 5) };
    default:
      return undefined;
  }
}

function wholeOf(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function characterOf(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
