/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import assert from "node:assert/strict";
import { test } from "node:test";
import rhea from "rhea";
import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import { encodeMessage } from "../../codecs/cloudevents.ts";
import { openAmqpStage } from "./amqp-stage.test.ts";

const { message: codec, types } = rhea;

/** The sections of a message without the header, which is the broker's. */
function bare(bytes: Buffer): string {
  const at = bytes.indexOf(Buffer.of(0x00, 0x53, 0x73));
  return bytes.subarray(at).toString("hex");
}

test("every type of AMQP survives the trip byte for byte", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  const receiver = await client.receiver("orders");
  // With another format rhea hands over the bytes.
  const format = 7;
  const shapes = [
    { body: "text" },
    { body: codec.data_section(Buffer.from("bytes")) },
    { body: codec.data_section(Buffer.alloc(100_000, 1)) },
    { body: codec.data_sections([Buffer.from("a"), Buffer.from("b")]) },
    { body: codec.sequence_section([1, "two", null]) },
    { body: types.wrap_symbol("symbol") },
    { body: null },
    {
      body: { map: [1, types.wrap_long(-5), types.wrap_timestamp(1_700_000_000_000)] },
      message_id: types.wrap_uuid(Buffer.alloc(16, 9)),
      application_properties: {
        whole: types.wrap_int(-3),
        tiny: types.wrap_byte(1),
        double: 1.5,
        binary: Buffer.from([0xff, 0x00]),
        long: "x".repeat(40_000),
      },
      message_annotations: {
        "x-mine": types.described(types.wrap_symbol("a:b"), types.wrap_uint(1)),
      },
    },
  ];
  for (const shape of shapes) {
    const sent = codec.encode({ subject: "s", ...shape });
    assert.equal(await sender.send(sent, format), "accepted");
    const { message, delivery } = await receiver.next();
    delivery.accept();
    assert.equal(bare(message as unknown as Buffer), bare(sent));
  }
});

test("a CloudEvent of an AMQP client is an envelope for a service", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  const sender = await client.sender("orders");
  const moment = Date.parse("2026-01-02T03:04:05.678Z");
  for (const prefix of ["cloudEvents_", "cloudEvents:"]) {
    await sender.send({
      body: codec.data_section(Buffer.from('{"total":5}')),
      content_type: "application/json",
      application_properties: {
        [`${prefix}specversion`]: "1.0",
        [`${prefix}id`]: "e1",
        [`${prefix}type`]: "order.placed",
        [`${prefix}source`]: "/shop",
        [`${prefix}subject`]: "o1",
        [`${prefix}time`]: new Date(moment),
        [`${prefix}schemaversion`]: 2,
      },
    });
  }
  const receiver = await stage.queues.receive("orders", { credit: 2 });
  for await (const leases of receiver) {
    for (const { message } of leases) {
      const { id, type, source, key, time, version } = decodeEnvelope(message, { receivedMs: 0 });
      assert.deepEqual(
        { id, type, source, key, time, version },
        { id: "e1", type: "order.placed", source: "/shop", key: "o1", time: moment, version: 2 },
      );
      assert.equal(Buffer.from(message.value!).toString(), '{"total":5}');
    }
    break;
  }
});

test("what is no CloudEvent has no envelope, and says so", async () => {
  await using stage = await openAmqpStage();
  const client = await stage.connect();
  await (await client.sender("orders")).send({ body: "text" });
  for await (const [lease] of await stage.queues.receive("orders", { credit: 1 })) {
    assert.throws(() => decodeEnvelope(lease!.message, { receivedMs: 0 }), {
      code: "BAD_ENVELOPE",
    });
    assert.equal(Buffer.from(lease!.message.value!).toString(), "text");
    break;
  }
});

test("a message of a service is a CloudEvent for an AMQP client", async () => {
  await using stage = await openAmqpStage();
  await stage.queues.ensureQueue({ name: "orders" });
  const envelope = {
    id: "e1",
    type: "order.place",
    kind: "command",
    version: 1,
    source: "shop",
    key: "o1",
    time: Date.parse("2026-01-02T03:04:05.678Z"),
    correlation: "c1",
  } as const;
  await stage.queues.send("orders", [{ message: encodeMessage(envelope, Buffer.from("{}")) }]);
  const client = await stage.connect();
  const { message } = await (await client.receiver("orders")).next();
  const { application_properties: properties = {} } = message;
  assert.equal(properties["cloudEvents_type"], "order.place");
  assert.equal(properties["cloudEvents_time"], "2026-01-02T03:04:05.678Z");
  assert.equal(message.content_type, "application/json");
  assert.deepEqual(
    [message.message_id, message.correlation_id, message.group_id],
    ["e1", "c1", "o1"],
  );
  assert.equal((message.body as { content: Buffer }).content.toString(), "{}");
});

test("a message larger than a frame goes over several, one above the limit ends its link", async () => {
  await using stage = await openAmqpStage({ limits: { messageBytesMax: 300_000 } });
  const client = await stage.connect({ maxFrameSize: 4_096 });
  const sender = await client.sender("orders");
  const large = codec.data_section(Buffer.alloc(250_000, 3));
  assert.equal(await sender.send({ body: large }), "accepted");
  const { message } = await (await client.receiver("orders")).next();
  assert.equal((message.body as { content: Buffer }).content.length, 250_000);
  const refused = new Promise((resolve) =>
    sender.link.once("sender_error", () => resolve(sender.link.error)),
  );
  void sender.send({ body: codec.data_section(Buffer.alloc(400_000)) });
  assert.equal(
    ((await refused) as { condition: string }).condition,
    "amqp:link:message-size-exceeded",
  );
  assert.equal(await (await client.sender("orders")).send({ body: 1 }), "accepted");
});

test("sign-in and rules decide who comes in, and what each may do", async () => {
  await using stage = await openAmqpStage({
    signIn: async ({ door, user, password }) =>
      door === "amqp" && password === "secret" ? { name: user! } : undefined,
    rules: [
      {
        principal: "ann",
        actions: ["write", "create"],
        resources: { kind: "queue", name: "in.*" },
      },
    ],
  });
  await assert.rejects(stage.connect(), /disconnected|mechanism/);
  const failing = stage.connect({ user: "ann", password: "wrong" });
  // The answer to a failure waits a moment.
  const timer = setInterval(() => void stage.environment.clock.advance(1_000), 5);
  await assert.rejects(failing, /authenticate/).finally(() => clearInterval(timer));
  const ann = await stage.connect({ user: "ann", password: "secret" });
  assert.equal(await (await ann.sender("in.orders")).send({ body: 1 }), "accepted");
  const refused = { condition: "amqp:unauthorized-access" };
  await assert.rejects(ann.receiver("in.orders"), refused);
  await assert.rejects(ann.sender("out.orders"), refused);
  const anonymous = await ann.sender({});
  assert.equal(await anonymous.send({ to: "in.orders", body: 1 }), "accepted");
  assert.equal(await anonymous.send({ to: "out.orders", body: 1 }), "amqp:unauthorized-access");
});
