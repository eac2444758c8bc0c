import assert from "node:assert/strict";
import { test } from "node:test";
import { MalformedFrame } from "./malformed-frame.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

function reader(hex: string): WireReader {
  const wire = new WireReader(Buffer.from(hex, "hex"));
  wire.field = "Test v1.field";
  return wire;
}

function malformed(what: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof MalformedFrame && error.field === "Test v1.field" && what.test(error.what);
}

test("integers are read at both ends of their range", () => {
  assert.deepEqual([reader("7f").int8(), reader("80").int8()], [127, -128]);
  assert.deepEqual([reader("7fff").int16(), reader("8000").int16()], [32767, -32768]);
  assert.deepEqual([reader("0000").uint16(), reader("ffff").uint16()], [0, 65535]);
  assert.deepEqual(
    [reader("7fffffff").int32(), reader("80000000").int32()],
    [2 ** 31 - 1, -(2 ** 31)],
  );
  assert.deepEqual([reader("00000000").uint32(), reader("ffffffff").uint32()], [0, 2 ** 32 - 1]);
  assert.equal(reader("001fffffffffffff").int64(), Number.MAX_SAFE_INTEGER);
  assert.equal(reader("ffe0000000000001").int64(), Number.MIN_SAFE_INTEGER);
  assert.equal(reader("c009000000000000").float64(), -3.125);
});

test("an int64 that a number cannot hold is refused, or becomes the nearest where that is meant", () => {
  for (const hex of [
    "0020000000000000",
    "7fffffffffffffff",
    "ffe0000000000000",
    "8000000000000000",
  ]) {
    assert.throws(() => reader(hex).int64(), malformed(/beyond 2\^53/));
    const nearest = hex < "8" ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
    assert.equal(reader(hex).saturatedInt64(), nearest);
  }
});

test("a varint has at most 32 bits in five bytes", () => {
  assert.equal(reader("00").unsignedVarint(), 0);
  assert.equal(reader("ac02").unsignedVarint(), 300);
  assert.equal(reader("ffffffff0f").unsignedVarint(), 2 ** 32 - 1);
  for (const hex of ["ffffffff10", "ffffffffff", "ffffffffffff01"]) {
    assert.throws(() => reader(hex).unsignedVarint(), malformed(/32 bits/));
  }
  assert.throws(() => reader("ffff").unsignedVarint(), malformed(/1 bytes are needed, 0 are left/));
});

test("varints of every size come back", () => {
  for (const value of [
    0,
    127,
    128,
    16_383,
    16_384,
    2 ** 21 - 1,
    2 ** 21,
    2 ** 28,
    2 ** 31,
    2 ** 32 - 1,
  ]) {
    const wire = new WireWriter();
    wire.unsignedVarint(value);
    assert.equal(new WireReader(Buffer.concat(wire.finish())).unsignedVarint(), value);
  }
});

test("a length may be -1 and no less", () => {
  assert.equal(reader("ffff").length16(), -1);
  assert.equal(reader("ffffffff").length32(), -1);
  assert.equal(reader("00").compactLength(), -1);
  assert.throws(() => reader("fffe").length16(), malformed(/a length of -2/));
  assert.throws(() => reader("80000000").length32(), malformed(/a length of -2147483648/));
});

test("nothing is read beyond the end", () => {
  assert.throws(() => reader("00").int16(), malformed(/2 bytes are needed, 1 are left/));
  assert.throws(() => reader("0000").view(3), malformed(/3 bytes are needed/));
  assert.throws(() => reader("0000").skip(2 ** 32 - 1), malformed(/4294967295 bytes are needed/));
});

test("bytes that are not UTF-8 are refused; a replacement character that was sent is not", () => {
  for (const hex of ["ff", "c328", "eda080", "f8888080", "61c3"]) {
    assert.throws(() => reader(hex).text(hex.length / 2), malformed(/not UTF-8/));
  }
  assert.equal(reader("efbfbd61").text(4), "\ufffda");
});

test("a string is at most 32767 bytes long, whatever its length could say", () => {
  const wire = new WireReader(Buffer.alloc(40_000, "a"));
  assert.throws(() => wire.text(32_768), MalformedFrame);
  assert.equal(wire.text(32_767).length, 32_767);
});

test("a count that its elements' least size cannot fit is refused, and so are too many in all", () => {
  assert.throws(
    () => reader("00000000").expectElements(3, 2),
    malformed(/3 elements cannot stand in 4/),
  );
  assert.throws(() => reader("00").expectElements(2 ** 31 - 1, 4), malformed(/cannot stand/));
  const wire = new WireReader(Buffer.alloc(2_000_000));
  wire.expectElements(1_000_000, 1);
  assert.throws(() => wire.expectElements(100_000, 1), /more than 1048576 elements/);
});

test("a view is a window on the frame, a copy is not", () => {
  const bytes = Buffer.from([1, 2, 3, 4]);
  const wire = new WireReader(bytes);
  const [view, copy] = [wire.view(2), wire.copy(2)];
  bytes.fill(9);
  assert.deepEqual([...view], [9, 9]);
  assert.deepEqual([...copy], [3, 4]);
});
