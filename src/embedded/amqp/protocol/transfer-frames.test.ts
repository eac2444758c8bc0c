import assert from "node:assert/strict";
import { test } from "node:test";
import { OVERHEAD_BYTES, TransferWriter, readTransfer } from "./transfer-frames.ts";

/** Gathers what is written. */
function stage(): { readonly writer: TransferWriter; readonly pieces: Buffer[] } {
  const pieces: Buffer[] = [];
  return { writer: new TransferWriter((bytes) => pieces.push(bytes)), pieces };
}

/** A frame of a transfer on channel 3 with these fields, as they lie, and this payload. */
function frame(fields: readonly number[], payload = ""): Buffer {
  const list = [0xc0, fields.length, 0, ...fields];
  list[1] = fields.length + 1;
  list[2] = 11;
  const body = Buffer.concat([
    Buffer.from([0, 0, 0, 0, 2, 0, 0, 3, 0, 0x53, 0x14, ...list]),
    Buffer.from(payload),
  ]);
  body.writeUInt32BE(body.length, 0);
  return body;
}

const NULLS = (count: number): number[] => Array.from({ length: count }, () => 0x40);

test("what is written is read again, however long, in pieces that are whole frames", () => {
  const { writer, pieces } = stage();
  const sizes = [0, 1, 255, 70_000, 1_000, 64 * 1024 - OVERHEAD_BYTES, 64 * 1024, 5];
  for (const [index, size] of sizes.entries()) {
    const payload = Buffer.alloc(size, index + 1);
    const numbers = { channel: index, handle: index * 200, id: index * 70_000, format: index };
    writer.add({ ...numbers, settled: index % 2 === 0, more: index % 3 === 0, payload });
    if (index % 2 === 1) writer.flush();
  }
  writer.flush();
  let count = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; count++) {
      const size = piece.readUInt32BE(at);
      const read = readTransfer(piece, at, size);
      assert.ok(read !== undefined);
      const { performative, channel, payload } = read;
      assert.equal(channel, count);
      assert.equal(performative.handle, count * 200);
      assert.equal(performative.delivery_id, count * 70_000);
      assert.equal(performative.message_format, count);
      assert.equal(performative.settled, count % 2 === 0);
      assert.equal(performative.more, count % 3 === 0);
      assert.deepEqual(payload ?? Buffer.alloc(0), Buffer.alloc(sizes[count]!, count + 1));
      at += size;
    }
  }
  assert.equal(count, sizes.length);
});

test("fields that are null or missing are undefined", () => {
  const bytes = frame([0x52, 7, ...NULLS(10)], "content");
  const read = readTransfer(bytes, 0, bytes.length);
  assert.equal(read?.channel, 3);
  assert.equal(read.performative.handle, 7);
  assert.equal(read.performative.delivery_id, undefined);
  assert.equal(read.performative.more, undefined);
  assert.equal(read.payload?.toString(), "content");
});

test("a transfer with a state, and any other frame, is left to rhea", () => {
  const accepted = [0x00, 0x53, 0x24, 0x45];
  const withState = frame([0x43, 0x43, 0xa0, 1, 9, ...NULLS(4), ...accepted, ...NULLS(3)]);
  assert.equal(readTransfer(withState, 0, withState.length), undefined);
  const plain = frame([0x43, 0x43, 0xa0, 1, 9, ...NULLS(8)]);
  assert.ok(readTransfer(plain, 0, plain.length) !== undefined);
  const flow = Buffer.from(plain);
  flow[10] = 0x13;
  assert.equal(readTransfer(flow, 0, flow.length), undefined);
  const extended = Buffer.from(plain);
  extended[4] = 3;
  assert.equal(readTransfer(extended, 0, extended.length), undefined);
});
