import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isIntact, readBatchHeader } from "./batch-decoder.ts";
import { CONTROL } from "./batch-layout.ts";
import { BatchRecords } from "./batch-records.ts";
import { encodeMarker, readMarkerEnd, type TransactionMarker } from "./transaction-marker.ts";
import { placeBatch } from "./wire-batch.ts";

const golden: Readonly<Record<"commit" | "abort", string>> = JSON.parse(
  readFileSync(new URL("transaction-marker.golden.json", import.meta.url), "utf8"),
);
const TIME_MS = 1_735_689_600_000;
const COMMIT: TransactionMarker = {
  producerId: 4711,
  producerEpoch: 3,
  kind: "commit",
  coordinatorEpoch: 7,
};
const ABORT: TransactionMarker = {
  producerId: 5_000_000_000,
  producerEpoch: 32_766,
  kind: "abort",
  coordinatorEpoch: 0,
};

function markerAt(marker: TransactionMarker, offset: number): Buffer {
  const bytes = encodeMarker(marker, TIME_MS);
  placeBatch({ bytes, header: readBatchHeader(bytes, 0)! }, offset);
  return bytes;
}

test("a marker is byte for byte what Kafka's own library writes", () => {
  assert.equal(markerAt(COMMIT, 1_234_567_890_123).toString("hex"), golden.commit);
  assert.equal(markerAt(ABORT, 0).toString("hex"), golden.abort);
});

test("what Kafka's own library wrote is read as what it says", () => {
  for (const [hex, { producerId, producerEpoch, kind, coordinatorEpoch }] of [
    [golden.commit, COMMIT],
    [golden.abort, ABORT],
  ] as const) {
    const bytes = Buffer.concat([Buffer.alloc(5), Buffer.from(hex, "hex")]);
    const header = readBatchHeader(bytes, 5)!;
    assert.ok(isIntact(bytes, 5, header));
    assert.deepEqual([header.producerId, header.producerEpoch], [producerId, producerEpoch]);
    assert.ok(header.attributes & CONTROL);
    assert.deepEqual(readMarkerEnd(bytes, 5), { kind, coordinatorEpoch });
    assert.deepEqual(
      new BatchRecords(bytes, 5, header).read(0, 10).records,
      [],
      "no record for a reader",
    );
  }
});

test("a control record of another kind ends nothing", () => {
  const bytes = encodeMarker(ABORT, TIME_MS);
  bytes.writeInt16BE(2, 68);
  assert.equal(readMarkerEnd(bytes, 0), undefined);
});
