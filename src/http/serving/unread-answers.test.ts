import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { openStage } from "../../admin/shop-stage.test.ts";
import { serve } from "./serve.ts";

const TOKEN = "a-secret-of-some-length";
const MIB = 1024 * 1024;

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

test("answers that nobody reads are cut off past a bound, the oldest first, and others are served", async () => {
  await using stage = await openStage();
  const { environment } = stage;
  let asked: () => void = () => undefined;
  const admin = {
    ...stage.admin,
    listGroups: async () => {
      asked();
      return [{ group: "g".repeat(16 * MIB), positions: [] }];
    },
  };
  const limits = { unreadBytesMax: 24 * MIB };
  await using door = await serve({ admin, environment, token: TOKEN, port: 0, limits });
  const stuck: Socket[] = [];
  for (let count = 1; count <= 4; count++) {
    const socket = await connected(door.port);
    socket.on("error", () => undefined).pause();
    stuck.push(socket);
    const taken = new Promise<void>((resolve) => (asked = resolve));
    socket.write(
      `GET /groups HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
    );
    await taken;
    assert.equal((await fetch(`${door.url}/healthz`)).status, 200);
  }
  const oldest = stuck[0]!;
  const cut = closed(oldest);
  let received = 0;
  oldest.on("data", (bytes) => (received += bytes.length)).resume();
  await cut;
  assert.ok(received < 16 * MIB, `received ${received} bytes`);
  assert.equal((await fetch(`${door.url}/healthz`)).status, 200);
  for (const socket of stuck) socket.destroy();
});

test("connections that ask nothing are closed when the time for a request's head is over", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const limits = { headersTimeoutMs: 200, connectionsMax: 2 };
  await using door = await serve({ admin, environment, token: TOKEN, port: 0, limits });
  const silent = [await connected(door.port), await connected(door.port)];
  await Promise.all(silent.map((socket) => closed(socket.resume())));
  assert.equal((await fetch(`${door.url}/healthz`)).status, 200);
});
