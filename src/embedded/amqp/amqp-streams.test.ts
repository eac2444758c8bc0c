/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import assert from "node:assert/strict";
import { test } from "node:test";
import rhea from "rhea";
import { openAmqpStage, type AmqpReceiver } from "./amqp-stage.test.ts";

const { filter, types } = rhea;

const DURABLE = { durable: 2, expiry_policy: "never" };

async function bodies(receiver: AmqpReceiver, count: number): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let i = 0; i < count; i++) {
    const { message, delivery } = await receiver.next();
    found.push(message.body);
    delivery.accept();
  }
  return found;
}

test("a link on a stream is given what is appended from then on, with its place", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("/streams/events");
  await sender.send({ body: "before" });
  const receiver = await client.receiver("/streams/events");
  await sender.send({ body: "after" });
  const { message } = await receiver.next();
  assert.equal(message.body, "after");
  assert.equal(message.message_annotations?.["x-opt-offset"], 1);
  assert.equal(message.message_annotations?.["x-opt-partition"], 0);
});

test("a link on a stream begins where its filter says", async () => {
  await using stage = await openAmqpStage();
  const { clock } = stage.environment;
  const client = await stage.connect();
  const sender = await client.sender("/streams/events");
  await sender.send({ body: "one" });
  await clock.advance(1_000);
  const laterMs = clock.now();
  await sender.send({ body: "two" });
  await sender.send({ body: "three" });
  const from = async (value: unknown): Promise<unknown[]> => {
    const receiver = await client.receiver({
      address: "/streams/events",
      filter: { "millrace:from": value },
    });
    return (await receiver.drain(10)).map(({ message }) => message.body);
  };
  assert.deepEqual(await from("earliest"), ["one", "two", "three"]);
  assert.deepEqual(await from(types.wrap_timestamp(laterMs)), ["two", "three"]);
  assert.deepEqual(await from(types.wrap_ulong(2)), ["three"]);
  assert.deepEqual(await from("latest"), []);
  await assert.rejects(from(types.wrap_ulong(9)), /beyond/);
});

test("a selector chooses by application properties and fields", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const chosen = await client.receiver({
    address: "/streams/events",
    filter: filter.selector(
      "size > 2 AND (color IN ('red', 'blue') OR color IS NULL) AND JMSPriority = 7",
    ),
  });
  const sender = await client.sender("/streams/events");
  const send = async (body: string, priority: number, properties: object): Promise<void> => {
    await sender.send({ body, priority, application_properties: { ...properties } });
  };
  await send("small", 7, { size: 1, color: "red" });
  await send("green", 7, { size: 3, color: "green" });
  await send("low", 1, { size: 3, color: "red" });
  await send("red", 7, { size: 3, color: "red" });
  await send("plain", 7, { size: 4 });
  assert.deepEqual(await bodies(chosen, 2), ["red", "plain"]);
});

test("a durable subscription keeps what comes while its client is away, also over a restart", async () => {
  await using stage = await openAmqpStage();
  const source = {
    address: "/streams/events",
    ...DURABLE,
    filter: filter.selector("kind = 'wanted'"),
  };
  const first = await stage.connect({ container: "shop" });
  const sender = await first.sender("/streams/events");
  const send = (body: string, kind: string): Promise<string> =>
    sender.send({ body, application_properties: { kind } });
  const receiver = await first.receiver(source, { name: "billing" });
  await send("one", "wanted");
  await send("nothing", "other");
  assert.deepEqual(await bodies(receiver, 1), ["one"]);
  await receiver.detach();
  await send("two", "wanted");
  await stage.restart();
  const again = await stage.connect({ container: "shop" });
  await (
    await again.sender("/streams/events")
  ).send({
    body: "three",
    application_properties: { kind: "wanted" },
  });
  const resumed = await again.receiver(source, { name: "billing" });
  assert.deepEqual(await bodies(resumed, 2), ["two", "three"]);
  assert.deepEqual(await resumed.drain(1), []);
});

test("closing the link of a durable subscription ends it, and another link takes it over", async () => {
  await using stage = await openAmqpStage();
  const source = { address: "/streams/events", ...DURABLE };
  const client = await stage.connect({ container: "shop" });
  const other = await stage.connect({ container: "shop" });
  const held = await client.receiver(source, { name: "billing" });
  const stolen = new Promise((resolve) =>
    held.link.once("receiver_error", () => resolve(held.link.error)),
  );
  const taking = await other.receiver(source, { name: "billing" });
  assert.equal(((await stolen) as { condition: string }).condition, "amqp:link:stolen");
  assert.equal((await stage.queues.listQueues()).length, 1);
  await taking.close();
  const sender = await client.sender("/streams/events");
  await sender.send({ body: "one" });
  await assert.rejects(other.receiver(null, { name: "billing" }), { condition: "amqp:not-found" });
  assert.equal((await stage.queues.listQueues()).length, 0);
});

test("dead letters can be browsed and consumed, with why they died", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  for (const body of ["one", "two"]) await sender.send({ body });
  const receiver = await client.receiver("orders");
  for (let i = 0; i < 2; i++) {
    (await receiver.next()).delivery.reject({ condition: "app:broken", description: "no total" });
  }
  await receiver.drain(1);
  const browser = await client.receiver({ address: "orders/$dead", distribution_mode: "copy" });
  const seen = await browser.drain(10);
  assert.deepEqual(
    seen.map(({ message }) => message.body),
    ["one", "two"],
  );
  const { message_annotations: why = {} } = seen[0]!.message;
  assert.equal(why["x-opt-death-reason"], "app:broken");
  assert.equal(why["x-opt-death-description"], "no total");
  const consumer = await client.receiver("/queues/orders/$dead");
  (await consumer.next()).delivery.accept();
  (await consumer.next()).delivery.release();
  await consumer.drain(1);
  const left = await stage.queues.listDeadLetters("orders");
  assert.deepEqual(left.length, 1);
  await assert.rejects(client.sender("orders/$dead"), { condition: "amqp:not-allowed" });
});

test("a client is answered at its own temporary queue, which ends with it", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const replies = await client.receiver({ dynamic: true });
  const replyTo = (replies.link.source as unknown as { address: string }).address;
  const server = await stage.connect();
  const requests = await server.receiver("questions");
  await (await client.sender("questions")).send({ body: "?", reply_to: replyTo, message_id: "q1" });
  const { message, delivery } = await requests.next();
  const anonymous = await server.sender({});
  const sent = await anonymous.send({
    to: message.reply_to!,
    body: "!",
    correlation_id: message.message_id!,
  });
  assert.equal(sent, "accepted");
  delivery.accept();
  const answer = await replies.next();
  assert.deepEqual([answer.message.body, answer.message.correlation_id], ["!", "q1"]);
  await client.close();
  while ((await stage.queues.listQueues()).length > 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await anonymous.send({ to: "no such name!", body: "!" }), "amqp:not-found");
});
