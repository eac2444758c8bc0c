/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import type { Delivery } from "rhea";
import {
  openAmqpStage,
  type AmqpClient,
  type AmqpStage,
  type Received,
  type Told,
} from "./amqp-stage.test.ts";

const BROKEN = { condition: "app:broken", description: "no total" };

interface Settled {
  readonly remote_settled: boolean;
  readonly remote_state: { readonly error?: Told } & object;
}

/** rhea itself mixes up different outcomes of one turn; here each is written alone, and all leave at once. */
function inOneWrite(client: AmqpClient, settlements: readonly (() => void)[]): void {
  const connection = client.connection as unknown as {
    readonly socket: Socket;
    _process(): void;
  };
  connection.socket.cork();
  for (const settle of settlements) {
    settle();
    connection._process();
  }
  connection.socket.uncork();
}

async function received(stage: AmqpStage, client: AmqpClient, count: number, mode: number) {
  const sender = await client.sender("orders");
  await Promise.all(Array.from({ length: count }, (_, body) => sender.send({ body })));
  const receiver = await client.receiver("orders", { rcv_settle_mode: mode });
  receiver.link.add_credit(count);
  const all: Received[] = [];
  for (let i = 0; i < count; i++) all.push(await receiver.take());
  assert.equal((await stage.queues.describeQueue("orders")).leased, count);
  return { receiver, deliveries: all.map(({ delivery }) => delivery) };
}

test("messages of one write that are taken and refused in turn are each told their own outcome", async () => {
  await using stage = await openAmqpStage({ behaviour: { autoCreate: false } });
  await stage.queues.ensureQueue({ name: "orders" });
  const client = await stage.connect();
  const relay = await client.sender({});
  for (const pattern of ["ar", "ra", "rr", "aar", "arar", "arraaarrra", "aaaaaarrrrrr"]) {
    const told = await Promise.all(
      Array.from(pattern, (letter) =>
        relay.send({ to: letter === "a" ? "orders" : "missing", body: 1 }),
      ),
    );
    const expected = Array.from(pattern, (letter) =>
      letter === "a" ? "accepted" : "amqp:not-found",
    );
    assert.deepEqual(told, expected, pattern);
  }
});

test("a message that cannot be read is refused among others that are taken", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  const told = await Promise.all([
    sender.send({ body: 1 }),
    sender.send(Buffer.from("no message"), 1),
    sender.send({ body: 2 }),
    sender.send(Buffer.from("nor this"), 1),
    sender.send(Buffer.from("nor that"), 1),
  ]);
  const refused = "amqp:decode-error";
  assert.deepEqual(told, ["accepted", refused, "accepted", refused, refused]);
  assert.equal((await stage.queues.describeQueue("orders")).waiting, 2);
});

test("deliveries that are settled in one write have each the fate that was said of them", async () => {
  await using stage = await openAmqpStage();
  await stage.queues.ensureQueue({ name: "orders", attempts: 10 });
  const client = await stage.connect();
  const { receiver, deliveries } = await received(stage, client, 8, 0);
  const fates: ((delivery: Delivery) => void)[] = [
    (delivery) => delivery.accept(),
    (delivery) => delivery.reject(BROKEN),
    (delivery) => delivery.release(),
    (delivery) => delivery.modified({ delivery_failed: true }),
    (delivery) => delivery.reject({ ...BROKEN, condition: "app:other" }),
    (delivery) => delivery.accept(),
    (delivery) => delivery.release(),
    (delivery) => delivery.accept(),
  ];
  inOneWrite(
    client,
    fates.map((settle, index) => () => settle(deliveries[index]!)),
  );
  const again = await receiver.drain(8);
  const counts = new Map(again.map(({ message }) => [message.body, message.delivery_count]));
  assert.deepEqual(
    counts,
    new Map([
      [2, 0],
      [3, 1],
      [6, 0],
    ]),
  );
  const letters = await stage.queues.listDeadLetters("orders");
  assert.deepEqual(
    letters.map(({ cause }) => cause.code),
    ["app:broken", "app:other"],
  );
});

test("a receiver that settles second is told of each delivery whether its word was taken", async () => {
  await using stage = await openAmqpStage({ limits: { unsettledMax: 8 } });
  const client = await stage.connect();
  const { receiver, deliveries } = await received(stage, client, 6, 1);
  inOneWrite(
    client,
    deliveries.map((delivery) => () => delivery.accept()),
  );
  const told = (): string[] =>
    deliveries.map((delivery) => {
      const { remote_settled: settled, remote_state: state } = delivery as unknown as Settled;
      return settled ? (state.error?.condition ?? "accepted") : "open";
    });
  while (told().includes("open")) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    told(),
    Array.from(deliveries, () => "accepted"),
  );
  assert.equal(receiver.buffered, 0);
});

test("a receiver that settles second goes on beyond the deliveries that a session may leave unsettled", async () => {
  await using stage = await openAmqpStage({ limits: { unsettledMax: 8 } });
  const client = await stage.connect();
  const sender = await client.sender("orders");
  await Promise.all(Array.from({ length: 30 }, (_, body) => sender.send({ body })));
  const receiver = await client.receiver("orders", { rcv_settle_mode: 1 });
  for (let i = 0; i < 30; i++) {
    const { message, delivery } = await receiver.next();
    assert.equal(message.body, i);
    delivery.accept();
  }
  await receiver.drain(1);
  const { waiting, leased } = await stage.queues.describeQueue("orders");
  assert.deepEqual({ waiting, leased }, { waiting: 0, leased: 0 });
});
