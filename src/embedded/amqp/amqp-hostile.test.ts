/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { createSeededRandom } from "../../model/ids.ts";
import { openAmqpStage, type AmqpStage } from "./amqp-stage.test.ts";

const HEADER = Buffer.from("AMQP\0\x01\0\0", "latin1");

function frame(channel: number, ...body: number[]): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, channel]);
  const bytes = Buffer.concat([head, Buffer.from(body)]);
  bytes.writeUInt32BE(bytes.length, 0);
  return bytes;
}

/** open with container id "x". */
const OPEN = frame(0, 0, 0x53, 0x10, 0xc0, 4, 1, 0xa1, 1, 0x78);
/** begin with next-outgoing-id 0 and windows of 100. */
const BEGIN = frame(0, 0, 0x53, 0x11, 0xc0, 7, 4, 0x40, 0x43, 0x52, 100, 0x52, 100);
const SESSION = Buffer.concat([HEADER, OPEN, BEGIN]);

const ATTACKS: Readonly<Record<string, Buffer>> = {
  "another protocol": Buffer.from("GET / HTTP/1.1\r\n\r\n"),
  "another version": Buffer.from("AMQP\0\0\x09\x01", "latin1"),
  "a frame of 4 GiB": Buffer.concat([HEADER, Buffer.from([0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0])]),
  "a frame of 3 bytes": Buffer.concat([HEADER, Buffer.from([0, 0, 0, 3, 2, 0, 0, 0])]),
  "a data offset outside of the frame": Buffer.concat([
    HEADER,
    Buffer.from([0, 0, 0, 8, 9, 0, 0, 0]),
  ]),
  "an array of two thousand million nulls": Buffer.concat([
    HEADER,
    frame(0, 0, 0x53, 0x10, 0xc0, 11, 1, 0xf0, 0, 0, 0, 5, 0x7f, 0xff, 0xff, 0xff, 0x40),
  ]),
  "a list of four thousand million": Buffer.concat([
    HEADER,
    frame(0, 0, 0x53, 0x10, 0xd0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40),
  ]),
  "values nested without end": Buffer.concat([HEADER, frame(0, ...Array<number>(60_000).fill(0))]),
  "an unknown performative": Buffer.concat([HEADER, frame(0, 0, 0x53, 0x7f, 0x45)]),
  "a second open": Buffer.concat([HEADER, OPEN, OPEN]),
  "an attach without a session": Buffer.concat([HEADER, OPEN, frame(0, 0, 0x53, 0x12, 0x45)]),
  "an attach without fields": Buffer.concat([SESSION, frame(0, 0, 0x53, 0x12, 0x45)]),
  "a transfer without a link": Buffer.concat([SESSION, frame(0, 0, 0x53, 0x14, 0xc0, 2, 1, 0x43)]),
  "a flow with texts for numbers": Buffer.concat([
    SESSION,
    frame(0, 0, 0x53, 0x13, 0xc0, 4, 1, 0xa1, 1, 0x78),
  ]),
  "a sign-in frame after the sign-in": Buffer.concat([
    HEADER,
    Buffer.from([0, 0, 0, 12, 2, 1, 0, 0, 0, 0x53, 0x41, 0x45]),
  ]),
  "a channel beyond the maximum": Buffer.concat([
    HEADER,
    OPEN,
    frame(200, 0, 0x53, 0x11, 0xc0, 7, 4, 0x40, 0x43, 0x52, 100, 0x52, 100),
  ]),
};

/** Resolves with what the server has answered. */
async function attack(stage: AmqpStage, bytes: Buffer, ends = false): Promise<string> {
  const socket = connect(stage.port, "127.0.0.1");
  socket.on("error", () => {});
  let answer = "";
  socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
  socket.write(bytes);
  if (ends) socket.end();
  const closed = once(socket, "close");
  while (!socket.destroyed) {
    await new Promise((resolve) => setImmediate(resolve));
    // What waits for a deadline is cut off by it.
    void stage.environment.clock.advance(500);
  }
  await closed;
  return answer;
}

async function stillServes(stage: AmqpStage): Promise<void> {
  const client = await stage.connect();
  assert.equal(await (await client.sender("orders")).send({ body: 1 }), "accepted");
  await client.close();
}

for (const [what, bytes] of Object.entries(ATTACKS)) {
  test(`${what} ends that connection and no other`, async () => {
    await using stage = await openAmqpStage();
    await attack(stage, bytes);
    await stillServes(stage);
    assert.deepEqual(
      stage.environment.entries.filter(({ level }) => level === "error"),
      [],
    );
  });
}

test("who breaks a bound or the protocol is told so before the connection ends", async () => {
  await using stage = await openAmqpStage();
  const told: readonly (readonly [string, RegExp])[] = [
    ["a channel beyond the maximum", /amqp:resource-limit-exceeded.*at most 64 sessions/s],
    ["an attach without fields", /amqp:invalid-field.*a link's name is a text/s],
    ["a second open", /amqp:[a-z:-]+/],
  ];
  for (const [what, condition] of told) {
    const bytes = ATTACKS[what];
    assert.ok(bytes);
    assert.match(await attack(stage, bytes), condition, what);
  }
});

test("a disposition of four thousand million deliveries is answered at once", async () => {
  await using stage = await openAmqpStage();
  const socket = connect(stage.port, "127.0.0.1");
  socket.resume();
  const disposition = [
    0, 0x53, 0x15, 0xc0, 13, 5, 0x41, 0x43, 0x70, 0xff, 0xff, 0xff, 0xff, 0x41, 0x00, 0x53, 0x24,
    0x45,
  ];
  disposition[4] = disposition.length - 5;
  socket.write(Buffer.concat([SESSION, frame(0, ...disposition)]));
  await stillServes(stage);
  socket.destroy();
});

test("random bytes, also behind a good beginning, never end the process", async () => {
  await using stage = await openAmqpStage();
  const random = createSeededRandom(7);
  const good = Buffer.concat([SESSION, frame(0, 0, 0x53, 0x17, 0x45)]);
  for (let i = 0; i < 60; i++) {
    const bytes = Buffer.from(random.bytes(200));
    const broken = Buffer.from(good);
    broken[8 + Math.floor(random.next() * (good.length - 8))]! ^=
      1 << Math.floor(random.next() * 8);
    await attack(stage, i % 2 === 0 ? Buffer.concat([HEADER, bytes]) : broken, true);
  }
  await stillServes(stage);
});

test("a thousand half-open connections hold nobody up, and end at their deadline", async () => {
  await using stage = await openAmqpStage({ limits: { handshakeMs: 1_000 } });
  const sockets: Socket[] = [];
  for (let i = 0; i < 1_000; i++) {
    const socket = connect(stage.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    await once(socket, "connect");
    socket.write(HEADER.subarray(0, i % 9));
    sockets.push(socket);
  }
  await stillServes(stage);
  const closed = Promise.all(sockets.map((socket) => once(socket, "close")));
  void stage.environment.clock.advance(2_000);
  await closed;
});

test("a client that reads nothing is sent a bounded amount, and is closed", async () => {
  await using stage = await openAmqpStage({
    limits: { unsentBytesMax: 64 * 1024, stalledMs: 10_000 },
  });
  const client = await stage.connect();
  const sender = await client.sender("orders");
  const body = "x".repeat(50_000);
  await Promise.all(Array.from({ length: 400 }, () => sender.send({ body })));
  const stalled = await stage.connect();
  const receiver = await stalled.receiver("orders");
  const socket = (stalled.connection as unknown as { socket: Socket }).socket;
  receiver.link.add_credit(400);
  await receiver.take();
  socket.pause();
  let leased = -1;
  // Until nothing more is leased to it.
  for (let now = 0; now !== leased;) {
    leased = now;
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    now = (await stage.queues.describeQueue("orders")).leased;
  }
  await stillServes(stage);
  for (let waiting = 0; waiting < 400;) {
    void stage.environment.clock.advance(11_000);
    await new Promise((resolve) => setImmediate(resolve));
    waiting = (await stage.queues.describeQueue("orders")).waiting;
  }
});
