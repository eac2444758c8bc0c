import assert from "node:assert/strict";
import { test } from "node:test";
import { apiNames, apiOfKey, SERVED } from "./api-keys.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  UnsupportedRequest,
} from "./frames.ts";
import { API_TABLES } from "./generated/apis.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { createRandom, randomMessage } from "./random-message-stage.test.ts";
import { requestHeaderVersion, responseHeaderVersion } from "./request-header.ts";
import { includesVersion, versionRange } from "./struct-plan.ts";

/** Without its length, which is checked. */
function frameOf(pieces: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(pieces);
  assert.equal(bytes.readInt32BE(0), bytes.length - 4);
  return bytes.subarray(4);
}

test("every request and response that is served makes the way there and back", (t) => {
  const random = createRandom(1);
  let versions = 0;
  for (const api of apiNames()) {
    const { request, response } = API_TABLES[api];
    for (let version = SERVED[api].min; version <= SERVED[api].max; version++) {
      const header = { correlationId: versions, clientId: version % 2 === 0 ? null : "client" };
      const asked = randomMessage(request, version, random);
      const found = decodeRequest(frameOf(encodeRequest(api, version, header, asked)));
      const expected = {
        requestApiKey: API_TABLES[api].key,
        requestApiVersion: version,
        ...header,
      };
      assert.deepEqual(found, { api, header: expected, body: asked });

      const answer = randomMessage(response, version, random);
      const frame = frameOf(encodeResponse(api, version, versions, answer));
      const answered = decodeResponse(api, version, frame);
      assert.deepEqual(answered, { header: { correlationId: versions }, body: answer });
      versions++;
    }
  }
  assert.ok(versions > 150);
  t.diagnostic(`${versions} versions of ${apiNames().length} APIs`);
});

test("only versions that Kafka defines are served, and each key has one API", () => {
  for (const api of apiNames()) {
    const { key, request, response } = API_TABLES[api];
    const { min, max, advertisedMin = min } = SERVED[api];
    assert.equal(apiOfKey(key), api);
    assert.ok(includesVersion(request.validVersions, min), `${api} ${min}`);
    assert.ok(includesVersion(request.validVersions, max), `${api} ${max}`);
    assert.deepEqual(versionRange(request.validVersions), versionRange(response.validVersions));
    assert.ok(advertisedMin <= min);
  }
  assert.equal(apiOfKey(4), undefined);
});

test("headers follow their message, but the answer to ApiVersions has the old one", () => {
  assert.equal(requestHeaderVersion("Produce", 8), 1);
  assert.equal(requestHeaderVersion("Produce", 9), 2);
  assert.equal(responseHeaderVersion("Produce", 8), 0);
  assert.equal(responseHeaderVersion("Produce", 9), 1);
  assert.equal(requestHeaderVersion("ApiVersions", 3), 2);
  assert.equal(responseHeaderVersion("ApiVersions", 3), 0);
  assert.equal(requestHeaderVersion("SaslHandshake", 1), 1);
});

test("the client id has a 16-bit length in every header, and tags follow it in flexible ones", () => {
  const header = { correlationId: 0x01020304, clientId: "kcat" };
  const isWritten = (version: number, hex: string): void =>
    assert.equal(
      frameOf(encodeRequest("ApiVersions", version, header, {})).toString("hex"),
      hex.replaceAll(" ", ""),
    );
  isWritten(2, "0012 0002 01020304 0004 6b636174");
  isWritten(3, "0012 0003 01020304 0004 6b636174 00 01 01 00");
});

test("an API or a version that is not served is told with what an answer needs", () => {
  const asked = [
    [18, 5],
    [18, -1],
    [0, 2],
    [0, 14],
    [22, 6],
    [4, 0],
    [-1, 0],
    [32_767, 0],
  ] as const;
  for (const [apiKey, version] of asked) {
    const frame = Buffer.alloc(8);
    frame.writeInt16BE(apiKey, 0);
    frame.writeInt16BE(version, 2);
    frame.writeInt32BE(77, 4);
    assert.throws(
      () => decodeRequest(frame),
      (error) =>
        error instanceof UnsupportedRequest &&
        error.apiKey === apiKey &&
        error.version === version &&
        error.correlationId === 77,
    );
  }
});

test("a frame that is too short for a header is malformed", () => {
  for (let length = 0; length < 8; length++) {
    assert.throws(() => decodeRequest(Buffer.alloc(length)), MalformedFrame);
  }
});

test("bytes behind a request are ignored", () => {
  const header = { correlationId: 1, clientId: null };
  const frame = frameOf(encodeRequest("Heartbeat", 3, header, { groupId: "g" }));
  const { api, body } = decodeRequest(Buffer.concat([frame, Buffer.from("more")]));
  assert.ok(api === "Heartbeat");
  assert.equal(body.groupId, "g");
});

test("the records of a response leave as the buffers that they came in", () => {
  const records = [Buffer.from("batch one"), Buffer.from("batch two")];
  const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 2, records };
  const responses = [{ topic: "orders", partitions: [partition] }];
  const pieces = encodeResponse("Fetch", 11, 1, { responses });
  assert.ok(records.every((buffer) => pieces.includes(buffer)));
  const { body } = decodeResponse("Fetch", 11, frameOf(pieces));
  assert.equal(body.responses[0]!.partitions[0]!.records!.toString(), "batch onebatch two");
});

test("an answer leaves out what its version has no form for", () => {
  const body = { protocolName: null, skipAssignment: true, memberId: "m" };
  const [oldest, newest] = [0, 9].map((version) => {
    const frame = Buffer.concat(encodeResponse("JoinGroup", version, 7, body)).subarray(4);
    return decodeResponse("JoinGroup", version, frame).body;
  });
  assert.equal(oldest!.protocolName, "");
  assert.equal(oldest!.skipAssignment, false);
  assert.equal(newest!.protocolName, null);
  assert.equal(newest!.skipAssignment, true);
});
