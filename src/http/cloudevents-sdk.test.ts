/** CloudEvents' own JavaScript SDK sends to the door, in every mode, and reads what comes out of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CloudEvent, HTTP, type CloudEventV1, type Message } from "cloudevents";
import { openStage, orderDesk, orders, type Stage } from "../admin/shop-stage.test.ts";
import { createRegistry } from "../schema/registry.ts";
import { serve, type ServedDoor } from "./serving/serve.ts";

const TOKEN = "a-secret-of-some-length";
const signedIn = { authorization: `Bearer ${TOKEN}` };

function open({ admin, environment }: Stage): Promise<ServedDoor> {
  const registry = createRegistry([orders, orderDesk]);
  return serve({ admin, environment, registry, token: TOKEN, port: 0 });
}

function placed(id: string, more: Partial<CloudEventV1<unknown>> = {}): CloudEvent<unknown> {
  return new CloudEvent({
    id,
    source: "/till/3",
    type: "order.placed",
    datacontenttype: "application/json",
    data: { orderId: id, total: 5 },
    ...more,
  });
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send({ url }: ServedDoor, message: Message): Promise<Answer> {
  const headers = new Headers(signedIn);
  for (const [name, value] of Object.entries(message.headers)) headers.set(name, String(value));
  const response = await fetch(`${url}/events`, {
    method: "POST",
    headers,
    body: String(message.body),
  });
  return { status: response.status, text: await response.text() };
}

/** As the SDK's users read them: by the transport's headers and the body. */
async function receive(
  door: ServedDoor,
  count: number,
  more = "",
): Promise<CloudEventV1<unknown>[]> {
  const leave = new AbortController();
  const path = `/streams/orders/events?from=start${more}`;
  const response = await fetch(`${door.url}${path}`, { headers: signedIn, signal: leave.signal });
  const events: CloudEventV1<unknown>[] = [];
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) {
      const body = /^data: (.*)$/m.exec(block)?.[1];
      if (body === undefined) continue;
      const headers = { "content-type": "application/cloudevents+json" };
      const event = HTTP.toEvent({ headers, body });
      assert.ok(!Array.isArray(event));
      events.push(event);
    }
    if (events.length >= count) break;
  }
  leave.abort();
  return events.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

test("the SDK sends in structured, binary and batch mode, and receives what it sent", async () => {
  await using stage = await openStage();
  await using door = await open(stage);
  const sent = [
    placed("e-1", { time: "2026-01-01T09:00:00.250Z", tenant: "blue", subject: "e-1" }),
    placed("e-2", { data: { orderId: "e-2", total: 1.5 }, customer: 'Björn % "quoted"' }),
    placed("e-3"),
    placed("e-4"),
  ];
  const [first, second, ...batch] = sent;
  assert.equal((await send(door, HTTP.structured(first!))).status, 201);
  assert.equal((await send(door, HTTP.binary(second!))).status, 201);
  const batched = {
    headers: { "content-type": "application/cloudevents-batch+json" },
    body: JSON.stringify(batch),
  };
  assert.equal((await send(door, batched)).status, 200);

  const received = await receive(door, sent.length);
  assert.equal(received.length, 4);
  for (const [at, event] of received.entries()) {
    const original = sent[at]!;
    assert.deepEqual(
      [event.id, event.source, event.type, event.specversion, event.data],
      [original.id, original.source, original.type, "1.0", original.data],
    );
    assert.equal(event.subject, original.id, "the key is the subject");
    assert.equal(Date.parse(event.time!), Date.parse(original.time!));
  }
  assert.equal(received[0]!["tenant"], "blue");
  assert.equal(received[1]!["customer"], 'Björn % "quoted"');
});

test("what the SDK receives it can send again, and it counts once", async () => {
  await using stage = await openStage();
  await using door = await open(stage);
  await send(door, HTTP.binary(placed("e-1")));
  const [event] = await receive(door, 1);
  const again = await send(door, HTTP.structured(new CloudEvent(event!)));
  assert.equal(again.status, 201, again.text);
  assert.equal(JSON.parse(again.text).duplicate, true);
});

test("filters leave out other types and keys, and resume goes on behind the last id", async () => {
  await using stage = await openStage();
  await using door = await open(stage);
  const paid = { type: "order.paid", data: { orderId: "e-2", cents: 7 } };
  for (const event of [placed("e-1"), placed("e-2", paid), placed("e-3")]) {
    assert.equal((await send(door, HTTP.binary(event))).status, 201);
  }
  const idsOf = (events: readonly CloudEventV1<unknown>[]): string[] => events.map(({ id }) => id);
  assert.deepEqual(idsOf(await receive(door, 1, "&type=order.paid")), ["e-2"]);
  assert.deepEqual(idsOf(await receive(door, 3, "&type=order.*")), ["e-1", "e-2", "e-3"]);
  assert.deepEqual(idsOf(await receive(door, 1, "&key=e-3")), ["e-3"]);
});

test("what the SDK sends and is no event for us is refused with what to do", async () => {
  await using stage = await openStage();
  await using door = await open(stage);
  const refusals: readonly (readonly [Message, number, RegExp])[] = [
    [HTTP.structured(placed("e-1", { type: "order.plased" })), 404, /order\.placed/],
    [HTTP.structured(placed("e-1", { data: { orderId: "e-1" } })), 422, /total/],
    [HTTP.binary(placed("e-1", { datacontenttype: "text/plain", data: "x" })), 415, /text\/plain/],
    [HTTP.structured(placed("e-1", { attempt: 3 })), 422, /attempt/],
    [HTTP.structured(placed("e-1", { subject: "another" })), 422, /leave the key out/],
  ];
  for (const [message, status, says] of refusals) {
    const { status: answered, text } = await send(door, message);
    assert.equal(answered, status, text);
    assert.match(text, says);
  }
  const { partitions } = await stage.streams.describeStream("orders");
  assert.deepEqual(
    partitions.map(({ end }) => end),
    [0, 0],
  );
});

test("a command of the SDK goes to its queue", async () => {
  await using stage = await openStage();
  await using door = await open(stage);
  const command = placed("c-1", { type: "order.place", data: { orderId: "o1" } });
  const { status, text } = await send(door, HTTP.structured(command));
  assert.equal(status, 201, text);
  assert.equal((await stage.queues.describeQueue("order-desk")).waiting, 1);
});
