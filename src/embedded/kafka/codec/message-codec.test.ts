import assert from "node:assert/strict";
import { test } from "node:test";
import { InvariantBroken } from "../../../model/assert.ts";
import { createTopicsResponse } from "./generated/create-topics.ts";
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from "./generated/describe-topic-partitions.ts";
import { fetchRequest, fetchResponse } from "./generated/fetch.ts";
import { heartbeatRequest } from "./generated/heartbeat.ts";
import { joinGroupRequest } from "./generated/join-group.ts";
import { metadataRequest } from "./generated/metadata.ts";
import { offsetCommitRequest } from "./generated/offset-commit.ts";
import { produceRequest } from "./generated/produce.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import type { MessageTable } from "./message-table.ts";

test("fields that a version lacks have Kafka's defaults", () => {
  const request = decodeMessage(fetchRequest, 4, encodeMessage(fetchRequest, 4, {}));
  assert.deepEqual(request, {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 2 ** 31 - 1,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [],
    forgottenTopicsData: [],
    rackId: "",
  });
});

test("what is left out of a draft is written as its default", () => {
  const partition = { partitionIndex: 3, errorCode: 0, highWatermark: 9, records: null };
  const draft = { responses: [{ topic: "orders", partitions: [partition] }] };
  const full = decodeMessage(fetchResponse, 12, encodeMessage(fetchResponse, 12, draft));
  assert.deepEqual(full.responses[0]!.partitions[0], {
    ...partition,
    lastStableOffset: -1,
    logStartOffset: -1,
    divergingEpoch: { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1, epoch: -1 },
    abortedTransactions: [],
    preferredReadReplica: -1,
  });
  assert.deepEqual(encodeMessage(fetchResponse, 12, full), encodeMessage(fetchResponse, 12, draft));
});

test("the defaults that messages share cannot be changed", () => {
  const request = decodeMessage(fetchRequest, 4, encodeMessage(fetchRequest, 4, {}));
  assert.ok(Object.isFrozen(request.replicaState) && Object.isFrozen(request.forgottenTopicsData));
});

test("a value that the version has no field for is refused, unless it may be ignored", () => {
  assert.throws(
    () => encodeMessage(fetchResponse, 6, { sessionId: 5 }),
    (error) => error instanceof InvariantBroken && /FetchResponse v6.sessionId/.test(error.message),
  );
  assert.throws(
    () => encodeMessage(fetchRequest, 12, { replicaState: { replicaId: 1 } }),
    InvariantBroken,
  );
  assert.doesNotThrow(() =>
    encodeMessage(fetchRequest, 12, { replicaState: { replicaId: -1, replicaEpoch: -1 } }),
  );
  const ignored = encodeMessage(fetchRequest, 4, { rackId: "west", sessionId: 3 });
  assert.deepEqual(ignored, encodeMessage(fetchRequest, 4, {}));
});

test("null is only for fields and versions that have a form for it", () => {
  assert.equal(
    decodeMessage(metadataRequest, 1, encodeMessage(metadataRequest, 1, { topics: null })).topics,
    null,
  );
  assert.throws(() => encodeMessage(metadataRequest, 0, { topics: null }), InvariantBroken);
  assert.throws(
    () => decodeMessage(metadataRequest, 0, Buffer.from("ffffffff", "hex")),
    (error) => error instanceof MalformedFrame && /null/.test(error.what),
  );
});

test("a count of 2^31 - 1 is refused before any element is read", () => {
  const asked = [
    [1, "7fffffff", 4],
    [9, "ffffffff0f", 5],
  ] as const;
  for (const [version, hex, at] of asked) {
    const bytes = Buffer.concat([Buffer.from(hex, "hex"), Buffer.alloc(1000)]);
    assert.throws(
      () => decodeMessage(metadataRequest, version, bytes),
      (error) =>
        error instanceof MalformedFrame && error.at === at && /cannot stand in/.test(error.what),
    );
  }
});

test("a struct may be null", () => {
  const cursor = { topicName: "orders", partitionIndex: 4 };
  for (const given of [null, cursor]) {
    const bytes = encodeMessage(describeTopicPartitionsRequest, 0, { cursor: given });
    assert.deepEqual(decodeMessage(describeTopicPartitionsRequest, 0, bytes).cursor, given);
  }
  const bytes = encodeMessage(describeTopicPartitionsResponse, 0, {});
  assert.equal(decodeMessage(describeTopicPartitionsResponse, 0, bytes).nextCursor, null);
});

test("a tagged field is written only where it differs from its default", () => {
  const size = (topicConfigErrorCode: number): number =>
    encodeMessage(createTopicsResponse, 5, { topics: [{ name: "a", topicConfigErrorCode }] })
      .length;
  const tagSizeAndTwoBytes = 4;
  assert.equal(size(29) - size(0), tagSizeAndTwoBytes);
});

test("unknown tags are skipped, and may not be longer than the message", () => {
  const plain = encodeMessage(heartbeatRequest, 4, { groupId: "g", memberId: "m" });
  assert.equal(plain.at(-1), 0);
  const withTags = (hex: string): Buffer =>
    Buffer.concat([plain.subarray(0, -1), Buffer.from(hex.replaceAll(" ", ""), "hex")]);
  const skipped = withTags("02 05 03 616263 06 00");
  assert.equal(decodeMessage(heartbeatRequest, 4, skipped).memberId, "m");
  for (const hex of ["01 05 7f", "ffffffff0f 05 00", "01 05 ffffffff0f"]) {
    assert.throws(() => decodeMessage(heartbeatRequest, 4, withTags(hex)), MalformedFrame);
  }
});

test("a tagged field that is longer or shorter than it says is malformed", () => {
  const bytes = encodeMessage(fetchRequest, 12, { clusterId: "abc" });
  const at = bytes.indexOf("04616263", 0, "hex") - 1;
  assert.equal(bytes[at], 4);
  bytes[at] = 3;
  assert.throws(
    () => decodeMessage(fetchRequest, 12, bytes),
    (error) => error instanceof MalformedFrame && /clusterId/.test(error.field),
  );
});

test("tagged fields are written by rising tag, and read in any order", () => {
  interface Tagged {
    readonly late: number;
    readonly early: number;
  }
  const tagged: MessageTable<Tagged> = {
    name: "Tagged",
    validVersions: "0",
    flexibleVersions: "0+",
    fields: {
      late: { type: "int8", versions: "0+", tag: 1 },
      early: { type: "int8", versions: "0+", tag: 0 },
    },
  };
  const message = { late: 7, early: 6 };
  assert.equal(encodeMessage(tagged, 0, message).toString("hex"), "02000106010107");
  assert.deepEqual(decodeMessage(tagged, 0, Buffer.from("02010107000106", "hex")), message);
});

test("an error names the message, its version, the field below its structs, and the byte", () => {
  const partitions = [{ partitionIndex: 1, highWatermark: 2 }];
  const bytes = encodeMessage(fetchResponse, 4, { responses: [{ topic: "orders", partitions }] });
  const highWatermarkAt = 26;
  bytes.writeBigInt64BE(2n ** 53n, highWatermarkAt);
  assert.throws(() => decodeMessage(fetchResponse, 4, bytes), {
    name: "MalformedFrame",
    message:
      "FetchResponse v4.responses.partitions.highWatermark at byte 34: 9007199254740992 is beyond 2^53 - 1",
  });
});

test("bytes behind a message are malformed", () => {
  const bytes = Buffer.concat([encodeMessage(fetchRequest, 4, {}), Buffer.from([0])]);
  assert.throws(
    () => decodeMessage(fetchRequest, 4, bytes),
    (error) => error instanceof MalformedFrame && error.at === bytes.length - 1,
  );
});

test("an endless retention is the greatest safe number, and endless again when written", () => {
  const retentionTimeMs = Number.MAX_SAFE_INTEGER;
  const bytes = encodeMessage(offsetCommitRequest, 2, { retentionTimeMs });
  assert.ok(bytes.includes(Buffer.from("7fffffffffffffff", "hex")));
  assert.equal(decodeMessage(offsetCommitRequest, 2, bytes).retentionTimeMs, retentionTimeMs);
});

test("records are views and may come in pieces; other bytes are copies", () => {
  const records = [Buffer.from("one"), Buffer.alloc(0), Buffer.from("two")];
  const topicData = [{ name: "t", partitionData: [{ index: 0, records }] }];
  const frame = encodeMessage(produceRequest, 3, { topicData });
  const read = decodeMessage(produceRequest, 3, frame).topicData[0]!.partitionData[0]!.records!;
  assert.equal(read.toString(), "onetwo");
  assert.equal(read.buffer, frame.buffer);

  const protocols = [{ name: "range", metadata: Buffer.from("meta") }];
  const join = encodeMessage(joinGroupRequest, 5, { groupId: "g", protocols });
  const { metadata } = decodeMessage(joinGroupRequest, 5, join).protocols[0]!;
  join.fill(0);
  assert.equal(metadata.toString(), "meta");
});

test("types that no API here has yet are read and written as well", () => {
  interface Numbers {
    readonly port: number;
    readonly crc: number;
    readonly rate: number;
    readonly nested: readonly (readonly number[])[];
  }
  const numbers: MessageTable<Numbers> = {
    name: "Numbers",
    validVersions: "0-1",
    flexibleVersions: "1+",
    fields: {
      port: { type: "uint16", versions: "0+" },
      crc: { type: "uint32", versions: "0+" },
      rate: { type: "float64", versions: "0+" },
      nested: { type: { arrayOf: { arrayOf: "uint16" } }, versions: "0+" },
    },
  };
  const message = { port: 65_535, crc: 2 ** 32 - 1, rate: 0.25, nested: [[1, 2], [], [3]] };
  for (const version of [0, 1]) {
    const bytes = encodeMessage(numbers, version, message);
    assert.deepEqual(decodeMessage(numbers, version, bytes), message);
  }
});

test("a version that the message does not have is a broken invariant", () => {
  assert.throws(() => encodeMessage(produceRequest, 2, {}), InvariantBroken);
  assert.throws(() => decodeMessage(produceRequest, 14, Buffer.alloc(9)), InvariantBroken);
});
