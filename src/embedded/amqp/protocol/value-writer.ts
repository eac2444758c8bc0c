/** Writes AMQP 1.0 values, as bytes that are put together. */

const NULL = Buffer.of(0x40);
const TRUE = Buffer.of(0x41);
const FALSE = Buffer.of(0x42);

export function nullValue(): Buffer {
  return NULL;
}

export function booleanValue(value: boolean): Buffer {
  return value ? TRUE : FALSE;
}

export function ubyteValue(value: number): Buffer {
  return Buffer.of(0x50, value);
}

export function uintValue(value: number): Buffer {
  if (value === 0) return Buffer.of(0x43);
  if (value < 256) return Buffer.of(0x52, value);
  const bytes = Buffer.allocUnsafe(5);
  bytes.writeUInt8(0x70, 0);
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

export function longValue(value: number): Buffer {
  return eightBytes(0x81, value);
}

export function timestampValue(ms: number): Buffer {
  return eightBytes(0x83, ms);
}

function eightBytes(code: number, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  bytes.writeUInt8(code, 0);
  bytes.writeBigInt64BE(BigInt(value), 1);
  return bytes;
}

export function textValue(value: string): Buffer {
  return variable(0xa1, Buffer.from(value, "utf8"));
}

export function symbolValue(value: string): Buffer {
  return variable(0xa3, Buffer.from(value, "utf8"));
}

export function binaryValue(value: Uint8Array): Buffer {
  return variable(0xa0, value);
}

/** The wide form of each type is its narrow code plus 0x10. */
function variable(narrowCode: number, content: Uint8Array): Buffer {
  if (content.length < 256) return Buffer.concat([Buffer.of(narrowCode, content.length), content]);
  const head = Buffer.allocUnsafe(5);
  head.writeUInt8(narrowCode + 0x10, 0);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

export function listValue(items: readonly Buffer[]): Buffer {
  return compound(0xd0, items.length, items);
}

/** Keys and values in turn. */
export function mapValue(items: readonly Buffer[]): Buffer {
  return compound(0xd1, items.length, items);
}

/** A map of so many keys and values, whose bytes are given as they are. */
export function compound(code: number, count: number, items: readonly Uint8Array[]): Buffer {
  const length = items.reduce((sum, item) => sum + item.length, 0);
  const head = Buffer.allocUnsafe(9);
  head.writeUInt8(code, 0);
  head.writeUInt32BE(length + 4, 1);
  head.writeUInt32BE(count, 5);
  return Buffer.concat([head, ...items], 9 + length);
}

/** A section of a message, or anything else that is described by a small number. */
export function describedValue(descriptor: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0x00, 0x53, descriptor), value]);
}
