/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import assert from "node:assert/strict";
import { test } from "node:test";
import rhea, { type Sender } from "rhea";
import { openAmqpStage } from "./amqp-stage.test.ts";

const { filter, types } = rhea;

test("a message that was accepted is received, and is gone once it is accepted", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  assert.equal(await sender.send({ body: "one" }), "accepted");
  assert.equal((await stage.queues.describeQueue("orders")).waiting, 1);
  const receiver = await client.receiver("/queues/orders");
  const { message, delivery } = await receiver.next();
  assert.equal(message.body, "one");
  assert.equal(message.delivery_count, 0);
  assert.equal(message.first_acquirer, true);
  delivery.accept();
  assert.deepEqual(await receiver.drain(10), []);
  const { waiting, leased } = await stage.queues.describeQueue("orders");
  assert.deepEqual({ waiting, leased }, { waiting: 0, leased: 0 });
});

test("a rejected message is a dead letter with the condition as its cause", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  await sender.send({ body: "bad" });
  const receiver = await client.receiver("orders");
  const { delivery } = await receiver.next();
  delivery.reject({ condition: "app:broken", description: "no total" });
  await receiver.drain(1);
  const [letter] = await stage.queues.listDeadLetters("orders");
  assert.deepEqual(letter?.cause, { code: "app:broken", message: "no total" });
});

test("a released message comes again with its attempt not counted, a modified one counted", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  await (await client.sender("orders")).send({ body: "one" });
  const receiver = await client.receiver("orders");
  (await receiver.next()).delivery.release();
  const second = await receiver.next();
  assert.equal(second.message.delivery_count, 0);
  second.delivery.modified({ delivery_failed: true });
  const third = await receiver.next();
  assert.equal(third.message.delivery_count, 1);
  assert.equal(third.message.first_acquirer, false);
  third.delivery.accept();
});

test("after its last counted attempt a message is a dead letter", async () => {
  await using stage = await openAmqpStage();
  await stage.queues.ensureQueue({ name: "orders", attempts: 2 });
  const client = await stage.connect();
  await (await client.sender("orders")).send({ body: "one" });
  const receiver = await client.receiver("orders");
  (await receiver.next()).delivery.modified({ delivery_failed: true });
  (await receiver.next()).delivery.modified({ delivery_failed: true });
  assert.deepEqual(await receiver.drain(1), []);
  const [letter] = await stage.queues.listDeadLetters("orders");
  assert.equal(letter?.cause.code, "AttemptsExhausted");
});

test("what a receiver cannot take goes to another, and is a dead letter when there is none", async () => {
  await using stage = await openAmqpStage({ behaviour: { undeliverableMs: 1_000 } });
  const client = await stage.connect();
  await (await client.sender("orders")).send({ body: "one" });
  const first = await client.receiver("orders");
  (await first.next()).delivery.modified({ undeliverable_here: true });
  const second = await client.receiver("orders");
  const other = await second.next();
  assert.equal(other.message.body, "one");
  other.delivery.modified({ undeliverable_here: true });
  first.link.add_credit(1);
  second.link.add_credit(1);
  while ((await stage.queues.listDeadLetters("orders")).length === 0) {
    void stage.environment.clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [letter] = await stage.queues.listDeadLetters("orders");
  assert.equal(letter?.cause.code, "Undeliverable");
  assert.equal(first.buffered + second.buffered, 0);
});

test("a link is never given more messages than its credit", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  await Promise.all(Array.from({ length: 20 }, (_, i) => sender.send({ body: i })));
  const receiver = await client.receiver("orders");
  receiver.link.add_credit(3);
  for (let i = 0; i < 3; i++) assert.equal((await receiver.take()).message.body, i);
  assert.equal((await stage.queues.describeQueue("orders")).leased, 3);
  // What is settled gives no credit back by itself.
  const rest = await receiver.drain(5);
  assert.deepEqual(
    rest.map(({ message }) => message.body),
    [3, 4, 5, 6, 7],
  );
  assert.equal((await stage.queues.describeQueue("orders")).leased, 8);
});

test("draining an empty queue gives the credit back at once", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const receiver = await client.receiver("orders");
  assert.deepEqual(await receiver.drain(10), []);
  assert.equal((receiver.link as unknown as { credit: number }).credit, 0);
});

test("a detached link gives back what it held uncounted, a lost connection counted", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  await (await client.sender("orders")).send({ body: "one" });
  const first = await client.receiver("orders");
  await first.next();
  await first.close();
  const lost = await stage.connect();
  const second = await lost.receiver("orders");
  assert.equal((await second.next()).message.delivery_count, 0);
  lost.drop();
  const third = await client.receiver("orders");
  assert.equal((await third.next()).message.delivery_count, 1);
});

test("a lease lasts as long as its link, however long nobody settles it", async () => {
  await using stage = await openAmqpStage();
  await stage.queues.ensureQueue({ name: "orders", leaseMs: 1_000 });
  const client = await stage.connect();
  await (await client.sender("orders")).send({ body: "one" });
  const receiver = await client.receiver("orders");
  const { delivery } = await receiver.next();
  for (let i = 0; i < 40; i++) void stage.environment.clock.advance(250);
  assert.equal((await stage.queues.describeQueue("orders")).leased, 1);
  delivery.accept();
  await receiver.drain(1);
  assert.equal((await stage.queues.describeQueue("orders")).leased, 0);
});

test("a receiver that wants no settlement is sent messages settled", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  await Promise.all(Array.from({ length: 5 }, (_, i) => sender.send({ body: i })));
  const receiver = await client.receiver("orders", { snd_settle_mode: 1 });
  const bodies: unknown[] = [];
  receiver.link.add_credit(5);
  for (let i = 0; i < 5; i++) {
    const { message, delivery } = await receiver.take();
    assert.equal(delivery.remote_settled, true);
    bodies.push(message.body);
  }
  assert.deepEqual(bodies, [0, 1, 2, 3, 4]);
  assert.equal((await stage.queues.describeQueue("orders")).leased, 0);
});

test("what is sent settled is kept as well", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders", { snd_settle_mode: 1 });
  for (let i = 0; i < 3; i++) void sender.send({ body: i });
  const receiver = await client.receiver("orders");
  for (let i = 0; i < 3; i++) assert.equal((await receiver.next()).message.body, i);
});

test("messages of one group are given one after another, to one receiver at a time", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  for (const body of ["a1", "a2", "b1"]) await sender.send({ body, group_id: body[0]! });
  const first = await client.receiver("orders");
  const second = await client.receiver("orders");
  const a1 = await first.next();
  const b1 = await second.next();
  assert.deepEqual([a1.message.body, b1.message.body], ["a1", "b1"]);
  assert.deepEqual(await second.drain(1), []);
  a1.delivery.accept();
  assert.equal((await second.next()).message.body, "a2");
});

test("a message with a delivery delay or time waits for it", async () => {
  await using stage = await openAmqpStage();
  const { clock } = stage.environment;
  const client = await stage.connect();
  const sender = await client.sender("orders");
  await sender.send({
    body: "late",
    message_annotations: { "x-opt-delivery-time": new Date(clock.now() + 60_000) },
  });
  await sender.send({ body: "sooner", message_annotations: { "x-opt-delivery-delay": 30_000 } });
  const receiver = await client.receiver("orders");
  assert.deepEqual(await receiver.drain(2), []);
  void clock.advance(30_000);
  assert.equal((await receiver.next()).message.body, "sooner");
  void clock.advance(30_000);
  assert.equal((await receiver.next()).message.body, "late");
});

test("a message whose time to live has ended is a dead letter, or is dropped", async () => {
  for (const expired of ["dead-letter", "drop"] as const) {
    await using stage = await openAmqpStage({ behaviour: { expired } });
    const { clock } = stage.environment;
    const client = await stage.connect();
    const sender = await client.sender("orders");
    await sender.send({ body: "old", ttl: 1_000 });
    await sender.send({ body: "older", absolute_expiry_time: new Date(clock.now() + 500) });
    await sender.send({ body: "fresh", ttl: 60_000 });
    void clock.advance(2_000);
    const receiver = await client.receiver("orders");
    const { message } = await receiver.next();
    assert.equal(message.body, "fresh");
    assert.equal(message.ttl, 58_000);
    assert.deepEqual(await receiver.drain(1), []);
    const letters = await stage.queues.listDeadLetters("orders");
    assert.deepEqual(
      letters.map(({ cause }) => cause.code),
      expired === "drop" ? [] : ["Expired", "Expired"],
    );
  }
});

test("a message id sent twice counts once where the queue has a window", async () => {
  await using stage = await openAmqpStage();
  await stage.queues.ensureQueue({ name: "orders", dedupe: { count: 100, ms: 60_000 } });
  const client = await stage.connect();
  const sender = await client.sender("orders");
  for (const id of ["m1", "m1", 1, "1"]) {
    assert.equal(await sender.send({ body: "x", message_id: id }), "accepted");
  }
  assert.equal((await stage.queues.describeQueue("orders")).waiting, 3);
});

test("a queue that does not exist is made, or refused where that is off", async () => {
  await using open = await openAmqpStage();
  await (await open.connect()).sender("made");
  assert.equal((await open.queues.describeQueue("made")).spec.keyOrder, true);
  await using closed = await openAmqpStage({ behaviour: { autoCreate: false } });
  const client = await closed.connect();
  await assert.rejects(client.sender("unknown"), { condition: "amqp:not-found" });
  await assert.rejects(client.receiver("unknown"), { condition: "amqp:not-found" });
  await assert.rejects(client.receiver("/streams/unknown"), { condition: "amqp:not-found" });
  await assert.rejects(client.receiver("no such name!"), { condition: "amqp:not-found" });
  // Refusals end their links and nothing else.
  await closed.queues.ensureQueue({ name: "known" });
  assert.equal(await (await client.sender("known")).send({ body: 1 }), "accepted");
});

test("transactions, browsing and filters on queues are declined, not ignored", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const declined = { condition: "amqp:not-implemented" };
  await assert.rejects(client.receiver({ address: "orders", distribution_mode: "copy" }), declined);
  await assert.rejects(
    client.receiver({ address: "orders", filter: filter.selector("a = 1") }),
    declined,
  );
  await assert.rejects(
    client.receiver({ address: "/streams/s", filter: filter.selector("a + 1 = 2") }),
    declined,
  );
  await assert.rejects(
    client.receiver({ address: "/streams/s", filter: filter.selector("a = ") }),
    {
      condition: "amqp:invalid-field",
    },
  );
  const link = client.connection.create_session();
  link.begin();
  const sender = (
    link as unknown as { create_sender(name: string, options: object): Sender }
  ).create_sender("txn", {});
  (sender as unknown as { local: { attach: { target: unknown } } }).local.attach.target =
    types.described(types.wrap_ulong(0x30), types.wrap_list([]));
  const refused = new Promise((resolve) =>
    sender.once("sender_error", () => resolve(sender.error)),
  );
  sender.attach();
  assert.equal(((await refused) as { condition: string }).condition, "amqp:not-implemented");
});
