/** Connections over real sockets, with handlers that do what a test tells them. */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { decodeResponse, encodeRequest } from "../codec/frames.ts";
import { ERROR } from "../error-codes.ts";
import type { Handlers } from "../handlers/handler.ts";
import { FrameReader } from "./frame-reader.ts";
import type { ConnectionLimits, DoorLimits } from "./limits.ts";
import { connectTo, listen } from "./server-stage.test.ts";

interface StageOptions {
  readonly handlers: Handlers;
  readonly limits?: Partial<ConnectionLimits>;
  readonly door?: Partial<DoorLimits>;
}

async function openStage({ handlers, limits = {}, door = {} }: StageOptions) {
  const environment = createTestEnvironment();
  const options = { handlers, limits, door };
  const { connections, hangUps, port, close } = await listen(environment, options);
  return {
    connections,
    warnings: hangUps,
    clock: environment.clock,
    client: () => connectTo(port),
    [Symbol.asyncDispose]: close,
  };
}

const HEARTBEAT = { groupId: "g", generationId: 1, memberId: "m" };

function heartbeat(correlationId: number): Buffer {
  return Buffer.concat(encodeRequest("Heartbeat", 4, { correlationId, clientId: null }, HEARTBEAT));
}

function produce(correlationId: number, acks: number): Buffer {
  const body = { acks, timeoutMs: 1, topicData: [] };
  return Buffer.concat(encodeRequest("Produce", 9, { correlationId, clientId: null }, body));
}

/** The correlation ids of so many answers, in their order. */
async function answered(socket: Socket, count: number): Promise<readonly number[]> {
  const reader = new FrameReader(() => 2 ** 20);
  const ids: number[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    for (const frame of reader.push(chunk)) ids.push(frame.readInt32BE(0));
    if (ids.length >= count) break;
  }
  return ids;
}

test("a write that wants no answer holds up none, and keeps its place", async () => {
  const seen: number[] = [];
  const handlers: Handlers = {
    Produce({ acks }) {
      seen.push(acks);
      return acks === 0 ? undefined : { responses: [] };
    },
  };
  await using stage = await openStage({ handlers });
  const socket = await stage.client();
  socket.write(Buffer.concat([produce(1, 0), produce(2, 1), produce(3, 0), produce(4, -1)]));
  assert.deepEqual(await answered(socket, 2), [2, 4]);
  assert.deepEqual(seen, [0, 1, 0, -1]);
  socket.destroy();
});

test("a client's many requests at once are answered in order, a turn at a time", async () => {
  const begun: number[] = [];
  const handlers: Handlers = {
    Heartbeat({ generationId }) {
      begun.push(generationId);
      return { errorCode: 0 };
    },
  };
  await using stage = await openStage({ handlers, limits: { turnMax: 10 } });
  const socket = await stage.client();
  const count = 100;
  const asked = Array.from({ length: count }, (_, at) => heartbeat(at));
  socket.write(Buffer.concat(asked));
  const all = answered(socket, count);
  while (begun.length === 0) await new Promise((resolve) => socket.once("readable", resolve));
  assert.ok(begun.length <= 20, `${begun.length} were begun in the first turns`);
  while (begun.length < asked.length) {
    await stage.clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(
    await all,
    asked.map((_, at) => at),
  );
  socket.destroy();
});

test("an unknown version of ApiVersions is answered in version 0; what nobody serves ends the connection", async () => {
  const handlers: Handlers = { ApiVersions: () => ({ errorCode: 0 }) };
  await using stage = await openStage({ handlers });
  const socket = await stage.client();
  const unknown = Buffer.from("0000000a0012006300000007ffff", "hex");
  socket.write(unknown);
  const [chunk]: Buffer[] = await once(socket, "data");
  const { header, body } = decodeResponse("ApiVersions", 0, chunk!.subarray(4));
  assert.deepEqual([header.correlationId, body.errorCode], [7, ERROR.UNSUPPORTED_VERSION]);
  assert.deepEqual(
    body.apiKeys.map(({ apiKey }) => apiKey),
    [18],
  );
  // Known, but without a handler; then a key that nobody knows.
  for (const bytes of [heartbeat(1), Buffer.from("0000000a0fff000000000007ffff", "hex")]) {
    const other = await stage.client();
    other.write(bytes);
    await once(other, "close");
  }
  assert.equal(stage.warnings.length, 2);
  socket.destroy();
});

test("who asks nothing, stalls in a frame, or reads no answer is hung up on; who waits for us is not", async () => {
  const large = Buffer.alloc(8 * 1024 * 1024);
  const waiting = Promise.withResolvers<undefined>();
  const handlers: Handlers = {
    Heartbeat: () => ({ errorCode: 0 }),
    SyncGroup: async () => ({ errorCode: 0, assignment: large }),
    JoinGroup: async () => waiting.promise,
  };
  await using stage = await openStage({
    handlers,
    limits: { firstRequestMs: 1_000, stalledMs: 2_000, idleMs: 60_000 },
    door: { sweepMs: 500 },
  });
  const sockets = await Promise.all(Array.from({ length: 5 }, () => stage.client()));
  const [silent, stalled, deaf, patient, honest] = sockets;
  const encode = (api: "SyncGroup" | "JoinGroup"): Buffer =>
    Buffer.concat(encodeRequest(api, 3, { correlationId: 1, clientId: null }, {}));
  for (const socket of [stalled, honest]) {
    socket!.write(heartbeat(1));
    await answered(socket!, 1);
  }
  stalled!.write(heartbeat(2).subarray(0, 9));
  deaf!.pause();
  deaf!.write(encode("SyncGroup"));
  patient!.write(encode("JoinGroup"));
  // What was sent has come when the server holds it.
  while (stage.connections.heldBytes < 4 * 1024 * 1024) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await stage.clock.advance(1_500);
  await once(silent!.resume(), "close");
  await stage.clock.advance(2_000);
  await once(stalled!.resume(), "close");
  while (stage.connections.count > 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(stage.warnings.toSorted(), [
    "a frame does not go on",
    "no whole request has come",
    "the client does not read its answers",
  ]);
  waiting.resolve(undefined);
  for (const socket of sockets) socket.destroy();
});
