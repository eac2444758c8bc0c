import assert from "node:assert/strict";
import { test } from "node:test";
import { InvariantBroken } from "../../../model/assert.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

function written(write: (wire: WireWriter) => void): Buffer {
  const wire = new WireWriter();
  wire.field = "Test v1.field";
  write(wire);
  return Buffer.concat(wire.finish());
}

test("a value that its type cannot carry is a broken invariant that names the field", () => {
  const refused: readonly ((wire: WireWriter) => void)[] = [
    (wire) => wire.int8(128),
    (wire) => wire.int16(-32_769),
    (wire) => wire.uint16(-1),
    (wire) => wire.uint16(65_536),
    (wire) => wire.int32(2 ** 31),
    (wire) => wire.int32(0.5),
    (wire) => wire.int32(NaN),
    (wire) => wire.uint32(-1),
    (wire) => wire.uint32(2 ** 32),
    (wire) => wire.int64(2 ** 53),
    (wire) => wire.saturatedInt64(NaN),
    (wire) => wire.saturatedInt64(2 ** 60),
    (wire) => wire.text("x".repeat(32_768)),
    (wire) => wire.compactText("x".repeat(32_768)),
    (wire) => wire.compactText("é".repeat(16_384)),
    (wire) => wire.uuid("short"),
    (wire) => wire.uuid("AAAAAAAAAAAAAAAAAAAAAAAA"),
  ];
  for (const write of refused) {
    assert.throws(
      () => written(write),
      (error) => error instanceof InvariantBroken && error.message.startsWith("Test v1.field: "),
    );
  }
});

test("numbers come back from both ends of their range", () => {
  const bytes = written((wire) => {
    for (const value of [127, -128]) wire.int8(value);
    for (const value of [32_767, -32_768]) wire.int16(value);
    for (const value of [0, 65_535]) wire.uint16(value);
    for (const value of [2 ** 31 - 1, -(2 ** 31)]) wire.int32(value);
    for (const value of [0, 2 ** 32 - 1]) wire.uint32(value);
    for (const value of [Number.MAX_SAFE_INTEGER, -1, Number.MIN_SAFE_INTEGER]) wire.int64(value);
    wire.float64(-0.1);
  });
  const wire = new WireReader(bytes);
  assert.deepEqual([wire.int8(), wire.int8()], [127, -128]);
  assert.deepEqual([wire.int16(), wire.int16()], [32_767, -32_768]);
  assert.deepEqual([wire.uint16(), wire.uint16()], [0, 65_535]);
  assert.deepEqual([wire.int32(), wire.int32()], [2 ** 31 - 1, -(2 ** 31)]);
  assert.deepEqual([wire.uint32(), wire.uint32()], [0, 2 ** 32 - 1]);
  assert.equal(wire.int64(), Number.MAX_SAFE_INTEGER);
  assert.equal(wire.int64(), -1);
  assert.equal(wire.int64(), Number.MIN_SAFE_INTEGER);
  assert.equal(wire.float64(), -0.1);
  assert.equal(wire.remaining, 0);
});

test("the ends of the safe range are written as the ends of 64 bits, where that is meant", () => {
  const hex = (value: number): string =>
    written((wire) => wire.saturatedInt64(value)).toString("hex");
  assert.equal(hex(Number.MAX_SAFE_INTEGER), "7fffffffffffffff");
  assert.equal(hex(Number.MIN_SAFE_INTEGER), "8000000000000000");
  assert.equal(hex(-1), "ffffffffffffffff");
});

test("a piece is not copied, and what stands around it keeps its order", () => {
  const records = Buffer.from("records");
  const wire = new WireWriter();
  wire.int8(1);
  wire.piece(records);
  wire.piece(Buffer.alloc(0));
  wire.int8(2);
  assert.equal(wire.length, 9);
  const pieces = wire.finish();
  assert.equal(pieces[1], records);
  assert.deepEqual(
    pieces.map((piece) => piece.toString("latin1")),
    ["\x01", "records", "\x02"],
  );
});

test("the buffer grows under pieces that were closed before", () => {
  const parts = Array.from({ length: 300 }, (_, index) => `part ${index} ${"x".repeat(index * 7)}`);
  const wire = new WireWriter();
  for (const part of parts) {
    wire.text(part);
    wire.piece(Buffer.from("|"));
    wire.compactText(part);
    wire.raw(Buffer.from("!"));
  }
  const { length } = wire;
  const bytes = Buffer.concat(wire.finish());
  assert.equal(bytes.length, length);
  const reader = new WireReader(bytes);
  for (const part of parts) {
    assert.equal(reader.text(reader.length16()), part);
    assert.equal(reader.view(1).toString(), "|");
    assert.equal(reader.text(reader.compactLength()), part);
    assert.equal(reader.view(1).toString(), "!");
  }
  assert.equal(reader.remaining, 0);
});

test("a compact string is the same whether its length was known beforehand or not", () => {
  for (const text of [
    "",
    "a",
    "é".repeat(42),
    "a".repeat(126),
    "a".repeat(127),
    "é".repeat(9000),
  ]) {
    const reader = new WireReader(written((wire) => wire.compactText(text)));
    assert.equal(reader.text(reader.compactLength()), text);
    assert.equal(reader.remaining, 0);
  }
});

test("a size stands before what it measures, also where it takes more than one byte", () => {
  for (const length of [0, 1, 127, 128, 5000, 20_000]) {
    const bytes = written((wire) => {
      wire.int8(7);
      wire.sized(() => wire.raw(Buffer.alloc(length, 9)));
      wire.int8(8);
    });
    const reader = new WireReader(bytes);
    assert.equal(reader.int8(), 7);
    assert.equal(reader.unsignedVarint(), length);
    assert.deepEqual(reader.copy(length), Buffer.alloc(length, 9));
    assert.equal(reader.int8(), 8);
    assert.equal(reader.remaining, 0);
  }
});
