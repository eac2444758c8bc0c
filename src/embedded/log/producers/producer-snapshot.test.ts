import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSnapshot, encodeSnapshot, type ProducerSnapshot } from "./producer-snapshot.ts";

const snapshot: ProducerSnapshot = {
  offset: 2 ** 40 + 5,
  stable: {
    visibleEnd: 2 ** 40,
    open: [
      { producerId: 7, firstOffset: 2 ** 40, visibleEnd: 0, ends: new Map([[7, 2 ** 40 + 3]]) },
      { producerId: 8, firstOffset: 2 ** 40 + 3, visibleEnd: 2 ** 40 + 5, ends: new Map() },
    ],
  },
  aborted: [{ producerId: 9, firstOffset: 12, lastOffset: 2 ** 39, stableEnd: 13 }],
  entries: () => [
    {
      id: 2 ** 45,
      epoch: 32_766,
      coordinatorEpoch: -1,
      batches: [
        { firstSequence: 2 ** 31 - 2, lastSequence: 1, firstOffset: 4, lastOffset: 7 },
        { firstSequence: 2, lastSequence: 2, firstOffset: 8, lastOffset: 8 },
      ],
      openFrom: 4,
      lastMs: -1,
      heardMs: 1_735_689_600_000,
    },
    {
      id: 0,
      epoch: 0,
      coordinatorEpoch: 3,
      batches: [],
      openFrom: undefined,
      lastMs: 0,
      heardMs: 0,
    },
  ],
};

const plain = (of: ProducerSnapshot | undefined): unknown =>
  of === undefined ? undefined : { ...of, entries: of.entries() };

test("a snapshot reads as what was written", () => {
  assert.deepEqual(plain(decodeSnapshot(encodeSnapshot(snapshot))), plain(snapshot));
});

test("a snapshot with a flipped bit, or cut short, is none", () => {
  const bytes = encodeSnapshot(snapshot);
  let tried = 0;
  for (let at = 0; at < bytes.length; at++) {
    assert.equal(decodeSnapshot(bytes.subarray(0, at)), undefined);
    for (let bit = 0; bit < 8; bit++, tried++) {
      bytes[at]! ^= 1 << bit;
      assert.equal(decodeSnapshot(bytes), undefined);
      bytes[at]! ^= 1 << bit;
    }
  }
  assert.ok(tried > 2_000);
  assert.deepEqual(plain(decodeSnapshot(bytes)), plain(snapshot));
});
