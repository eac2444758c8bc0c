/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import rhea from "rhea";
import {
  openAmqpStage,
  type AmqpClient,
  type AmqpReceiver,
  type AmqpSender,
} from "./amqp-stage.test.ts";

const { filter } = rhea;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function sendAll(client: AmqpClient, address: string, messages: readonly object[]) {
  const sender = await client.sender(address);
  for (const message of messages)
    assert.equal(await sender.send({ ...message, body: message }), "accepted");
}

const bodyOf = ({ message }: { readonly message: { readonly body?: unknown } }): unknown =>
  message.body;

test("counted attempts stay counted over a restart of the broker, and first-acquirer with them", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  await sendAll(client, "orders", [{ subject: "one" }]);
  const receiver = await client.receiver("orders");
  const first = await receiver.next();
  assert.deepEqual([first.message.delivery_count, first.message.first_acquirer], [0, true]);
  first.delivery.modified({ delivery_failed: true });
  const second = await receiver.next();
  assert.equal(second.message.delivery_count, 1);
  second.delivery.modified({ delivery_failed: true });
  await receiver.drain(0);
  await stage.restart();
  const again = await (await stage.connect()).receiver("orders");
  const third = await again.next();
  assert.deepEqual([third.message.delivery_count, third.message.first_acquirer], [2, false]);
  third.delivery.accept();
});

test("a link without credit is given nothing, also where the credit was taken back", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const receiver = await client.receiver("orders");
  receiver.link.add_credit(5);
  // Used up by nothing, and given back.
  assert.deepEqual(await receiver.drain(0), []);
  await sendAll(client, "orders", [{ subject: "one" }, { subject: "two" }, { subject: "three" }]);
  assert.equal((await stage.queues.describeQueue("orders")).leased, 0);
  assert.equal(receiver.buffered, 0);
  assert.deepEqual(bodyOf(await receiver.next()), { subject: "one" });
  const { waiting, leased } = await stage.queues.describeQueue("orders");
  assert.deepEqual({ waiting, leased }, { waiting: 2, leased: 1 });
  const rest = await receiver.drain(5);
  assert.deepEqual(rest.map(bodyOf), [{ subject: "two" }, { subject: "three" }]);
});

test("a sender's credit is renewed as it is used", async () => {
  await using stage = await openAmqpStage({ limits: { linkCredit: 4 } });
  const client = await stage.connect();
  const sender = await client.sender("orders");
  assert.equal((sender.link as unknown as { readonly credit: number }).credit, 4);
  for (let i = 0; i < 40; i++) assert.equal(await sender.send({ body: i }), "accepted");
  // More at once than there is credit for waits in the client.
  const told = await Promise.all(Array.from({ length: 40 }, (_, body) => sender.send({ body })));
  assert.equal(told.filter((one) => one === "accepted").length, 40);
  assert.equal((await stage.queues.describeQueue("orders")).waiting, 80);
});

test("a delivery time that is past delays nothing", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  const past = new Date(stage.environment.clock.now() - 60_000);
  await sender.send({ body: "now", message_annotations: { "x-opt-delivery-time": past } });
  const receiver = await client.receiver("orders");
  assert.equal(bodyOf(await receiver.next()), "now");
});

test("when its receiver detaches a group goes to another, in order", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  for (let i = 1; i <= 6; i++) await sender.send({ body: i, group_id: "g" });
  const first = await client.receiver("orders");
  const second = await client.receiver("orders");
  const take = async (receiver: AmqpReceiver): Promise<unknown> => {
    const { message, delivery } = await receiver.next();
    delivery.accept();
    return message.body;
  };
  assert.deepEqual([await take(first), await take(first)], [1, 2]);
  const held = await first.next();
  assert.equal(held.message.body, 3);
  second.link.add_credit(1);
  await first.close();
  const moved = await second.take();
  assert.deepEqual([moved.message.body, moved.message.delivery_count], [3, 0]);
  moved.delivery.accept();
  assert.deepEqual([await take(second), await take(second), await take(second)], [4, 5, 6]);
});

test("what a session held when it ended is given to others, uncounted", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  await sendAll(client, "orders", [{ subject: "one" }]);
  const session = client.connection.create_session();
  session.begin();
  const link = session.open_receiver({ source: "orders", credit_window: 0, autoaccept: false });
  link.add_credit(1);
  await once(link, "message");
  assert.equal((await stage.queues.describeQueue("orders")).leased, 1);
  session.close();
  await once(session, "session_close");
  const other = await client.receiver("orders");
  const { message } = await other.next();
  assert.deepEqual([message.body, message.delivery_count], [{ subject: "one" }, 0]);
});

test("a message whose connection ends before its last frame is not taken", async () => {
  await using stage = await openAmqpStage({ limits: { frameBytesMax: 1_024 } });
  const lost = await stage.connect();
  const sender = await lost.sender("orders");
  await sender.send({ body: "whole" });
  const inner = lost.connection as unknown as {
    _process(): void;
    readonly socket: { write: (frame: Buffer) => boolean };
  };
  // The client is cut off in the middle of what it writes.
  const { socket } = inner;
  const write = socket.write.bind(socket);
  const frames: Buffer[] = [];
  socket.write = (frame) => (frames.push(frame) < 5 ? write(frame) : true);
  void sender.send({ body: Buffer.alloc(20_000, "x") });
  inner._process();
  while (frames.length < 10) await turn();
  lost.drop();
  const client = await stage.connect();
  await sendAll(client, "orders", [{ subject: "after" }]);
  const receiver = await client.receiver("orders");
  const all = await receiver.drain(5);
  assert.deepEqual(all.map(bodyOf), ["whole", { subject: "after" }]);
});

test("a broker that closes tells its clients to come again", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  await sendAll(client, "orders", [{ subject: "one" }]);
  const receiver = await client.receiver("orders");
  await receiver.next();
  const restarted = stage.restart({ tells: true });
  assert.equal((await client.ended)?.condition, "amqp:connection:forced");
  await restarted;
  const again = await (await stage.connect()).receiver("orders");
  const { message } = await again.next();
  // Nobody's fault, so nothing is counted.
  assert.deepEqual([message.body, message.delivery_count], [{ subject: "one" }, 0]);
});

test("dead letters that are sent back come again, as new", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  await sendAll(client, "orders", [{ subject: "one" }]);
  const receiver = await client.receiver("orders");
  (await receiver.next()).delivery.reject({ condition: "app:broken", description: "no total" });
  await receiver.drain(0);
  const dead = await client.receiver("orders/$dead");
  const letter = await dead.next();
  assert.equal(letter.message.message_annotations?.["x-opt-death-reason"], "app:broken");
  letter.delivery.release();
  assert.equal(await stage.queues.redriveDeadLetters("orders", "all"), 1);
  const { message, delivery } = await receiver.next();
  assert.deepEqual([message.body, message.delivery_count], [{ subject: "one" }, 0]);
  delivery.accept();
  await receiver.drain(0);
  assert.equal((await stage.queues.listDeadLetters("orders")).length, 0);
});

test("a durable subscription with another selector begins anew, and ends when it is closed", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect({ container: "shop" });
  const subscribe = (selector: string): Promise<AmqpReceiver> =>
    client.receiver(
      {
        address: "/streams/events",
        durable: 2,
        expiry_policy: "never",
        filter: filter.selector(selector),
      },
      { name: "billing" },
    );
  const sender = await client.sender("/streams/events");
  const send = (size: number): Promise<string> =>
    sender.send({ body: size, application_properties: { size } });
  const big = await subscribe("size > 5");
  for (const size of [1, 9]) await send(size);
  const kept = await big.next();
  assert.equal(kept.message.body, 9);
  kept.delivery.accept();
  await send(8);
  await big.detach();
  const small = await subscribe("size < 5");
  for (const size of [2, 7]) await send(size);
  assert.equal(bodyOf(await small.next()), 2);
  await small.close();
  while ((await stage.queues.listQueues()).length > 0) await turn();
});

test("a client whose transaction was declined gets on", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const session = client.connection.create_session();
  session.begin();
  const sender = session.open_sender("orders");
  await once(sender, "sendable");
  const { types } = rhea;
  const coordinator = (
    session as unknown as { create_sender(name: string, options: object): typeof sender }
  ).create_sender("txn", {});
  (coordinator as unknown as { local: { attach: { target: unknown } } }).local.attach.target =
    types.described(types.wrap_ulong(0x30), types.wrap_list([]));
  const refused = once(coordinator, "sender_error");
  coordinator.attach();
  await refused;
  const { condition } = coordinator.error as unknown as { readonly condition: string };
  assert.equal(condition, "amqp:not-implemented");
  sender.send({ body: 1 });
  await once(sender, "accepted");
  assert.equal((await stage.queues.describeQueue("orders")).waiting, 1);
});

test("a client may count its frames past 32 bits, and is not asked for more after each", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const session = client.connection.create_session() as unknown as CountingSession;
  session.outgoing.next_transfer_id = session.local.begin.next_outgoing_id = 2 ** 32 - 3;
  session.begin();
  let flows = 0;
  const { on_flow: onFlow } = session;
  session.on_flow = (frame) => {
    flows++;
    onFlow.call(session, frame);
  };
  const sender = session.open_sender("orders");
  await once(sender, "sendable");
  const count = 3_000;
  for (let sent = 0; sent < count; sent++) {
    sender.send({ body: sent });
    await once(sender, "accepted");
    // rhea does not, as a client.
    session.outgoing.next_transfer_id %= 2 ** 32;
  }
  assert.equal((await stage.queues.describeQueue("orders")).waiting, count);
  assert.ok(flows > 1 && flows < count / 100, `${flows} flows`);
});

test("a session that runs out of delivery ids ends its connection, and says so", async () => {
  await using stage = await openAmqpStage({ limits: { sessionIdsMax: 20 } });
  const sending = await stage.connect();
  const sender = await sending.sender("orders");
  for (let i = 1; i < 20; i++) assert.equal(await sender.send({ body: i }), "accepted");
  void sender.send({ body: 20 });
  const told = await sending.ended;
  assert.equal(told?.condition, "amqp:connection:forced");
  assert.equal(told.description, "a session has no delivery ids left; connect again");
  const receiving = await stage.connect();
  const receiver = await receiving.receiver("orders");
  receiver.link.add_credit(20);
  assert.equal((await receiving.ended)?.condition, "amqp:connection:forced");
  const { waiting } = await stage.queues.describeQueue("orders");
  assert.equal(waiting, 20, "what was given and not settled waits again");
});

interface CountingSession {
  readonly outgoing: { next_transfer_id: number };
  readonly local: { readonly begin: { next_outgoing_id: number } };
  on_flow: (frame: unknown) => void;
  begin(): void;
  open_sender(address: string): AmqpSender["link"];
}
