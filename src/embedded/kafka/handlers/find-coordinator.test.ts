import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeResponse, decodeResponse } from "../codec/frames.ts";
import type { FindCoordinatorResponse } from "../codec/generated/find-coordinator.ts";
import { ERROR } from "../error-codes.ts";
import { createFindCoordinator } from "./find-coordinator.ts";
import type { Call } from "./handler.ts";

const find = createFindCoordinator({ address: () => ({ host: "h", port: 9092 }) });

async function ask(
  version: number,
  keyType: number,
  ...keys: readonly string[]
): Promise<FindCoordinatorResponse> {
  const call: Call = {
    version,
    clientId: "c",
    clientHost: "h",
    may: (_, kind, name) => kind !== "group" || name !== "secret",
    claim: (bytes) => bytes,
    take: (bytes) => Buffer.alloc(bytes),
    claimWhole: () => Promise.resolve(true),
    gone: new AbortController().signal,
  };
  const [key = ""] = keys;
  const answer = await find({ key, keyType, coordinatorKeys: keys }, call);
  const told = Buffer.concat(encodeResponse("FindCoordinator", version, 1, answer!));
  return decodeResponse("FindCoordinator", version, told.subarray(4)).body;
}

test("this broker coordinates every group and transaction, in every version", async () => {
  for (const version of [0, 1, 2, 3]) {
    const { nodeId, host, port, errorCode } = await ask(version, version > 0 ? 1 : 0, "g");
    assert.deepEqual([nodeId, host, port, errorCode], [0, "h", 9092, ERROR.NONE]);
  }
  for (const version of [4, 5, 6]) {
    const { coordinators } = await ask(version, 0, "a", "secret", "b");
    assert.deepEqual(
      coordinators.map(({ key, port, errorCode }) => [key, port, errorCode]),
      [
        ["a", 9092, ERROR.NONE],
        ["secret", -1, ERROR.GROUP_AUTHORIZATION_FAILED],
        ["b", 9092, ERROR.NONE],
      ],
    );
  }
});

test("whoever asks for another kind of coordinator is told so", async () => {
  const { errorCode } = await ask(3, 2, "g");
  assert.equal(errorCode, ERROR.INVALID_REQUEST);
  const { coordinators } = await ask(6, 2, "g:t:0");
  assert.equal(coordinators[0]!.errorCode, ERROR.INVALID_REQUEST);
});
