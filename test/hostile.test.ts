/** A short hostile run in `npm test`; `npm run hostile` is the whole one, with numbers. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Client, connect, requestBytes } from "./hostile/client.ts";
import { chanceOf, FRAME_KINDS, hostileFrame } from "./hostile/attacks/frames.ts";
import { createTopic, produce } from "./hostile/healthy.ts";
import { startServer } from "./hostile/stage.ts";
import { text, wireBytes } from "../src/embedded/log/log-stage.test.ts";

test("hundreds of malformed frames and half-open connections disturb nobody", async (t) => {
  await using server = await startServer();
  const client = await Client.open(server.ports.kafka);
  await createTopic(client, "orders");
  const idle = await Promise.all(Array.from({ length: 200 }, () => connect(server.ports.kafka)));
  const seed = Date.now() % 1_000_000;
  const chance = chanceOf(seed);
  const kinds = new Map<string, number>();
  let hungUp = 0;
  for (let count = 0; count < 300; count++) {
    const socket = await connect(server.ports.kafka);
    assert.ok(socket !== undefined, `seed ${seed}: nobody is let in after ${count} frames`);
    const { kind, bytes } = hostileFrame(chance);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    // What follows the frame ends it, whatever it promised: the server has seen it all.
    const closed = once(socket, "close");
    socket.on("data", () => undefined);
    socket.end(bytes);
    await closed;
    hungUp++;
    if (count % 50 === 0) await produce(client, "orders", wireBytes([text("healthy")]));
  }
  await produce(client, "orders", wireBytes([text("healthy")]));
  const { errors, warnings } = await server.facts();
  assert.ok(server.alive);
  assert.equal(errors, 0, `seed ${seed}`);
  assert.ok(warnings > 0, "nothing was refused");
  assert.deepEqual([...kinds.keys()].toSorted(), [...FRAME_KINDS].toSorted());
  assert.equal(idle.filter((socket) => socket?.destroyed === false).length, 200);
  t.diagnostic(`${hungUp} frames of ${kinds.size} kinds, seed ${seed}`);
  client.socket.destroy();
  for (const socket of idle) socket?.destroy();
});

test("nothing but a sign-in is answered to a stranger, and no large frame is taken from one", async () => {
  await using server = await startServer({ mode: "asks" });
  const hungUpOn = async (bytes: Buffer): Promise<boolean> => {
    const socket = (await connect(server.ports.kafka))!;
    const answer = once(socket, "data").then(() => "answer");
    const closed = once(socket, "close").then(() => "closed");
    socket.write(bytes);
    const first = await Promise.race([answer, closed]);
    socket.destroy();
    return first === "closed";
  };
  const large = Buffer.alloc(4);
  large.writeInt32BE(64 * 1024 + 1);
  assert.ok(await hungUpOn(large));
  for (const api of ["Metadata", "Produce", "Fetch", "JoinGroup"] as const) {
    assert.ok(await hungUpOn(requestBytes(api, {})), api);
  }
  assert.equal(await hungUpOn(requestBytes("ApiVersions", {}, { version: 0 })), false);
  assert.equal(await hungUpOn(requestBytes("SaslHandshake", { mechanism: "PLAIN" })), false);
});
