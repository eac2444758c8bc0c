import assert from "node:assert/strict";
import { test } from "node:test";
import { consumerProtocolSubscription } from "./generated/consumer-protocol.ts";
import { endTxnMarker } from "./generated/end-txn-marker.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { decodeVersioned, encodeVersioned } from "./versioned-message.ts";

test("a marker is its version and the coordinator's epoch", () => {
  const bytes = encodeVersioned(endTxnMarker, 0, { coordinatorEpoch: 5 });
  assert.equal(bytes.toString("hex"), "000000000005");
  assert.deepEqual(decodeVersioned(endTxnMarker, bytes), { coordinatorEpoch: 5 });
});

test("a version newer than any known is read as the newest known", () => {
  const subscription = { topics: ["orders"], generationId: 4, rackId: "west" };
  const bytes = encodeVersioned(consumerProtocolSubscription, 3, subscription);
  bytes.writeInt16BE(9, 0);
  const found = decodeVersioned(
    consumerProtocolSubscription,
    Buffer.concat([bytes, Buffer.from("grown")]),
  );
  assert.deepEqual(found, { ...subscription, userData: null, ownedPartitions: [] });
});

test("a negative version, and too few bytes for any, are malformed", () => {
  for (const hex of ["ffff00000000", "00", ""]) {
    assert.throws(() => decodeVersioned(endTxnMarker, Buffer.from(hex, "hex")), MalformedFrame);
  }
});
