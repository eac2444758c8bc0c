import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { memoryBroker } from "../../memory/broker.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { router } from "../../service/router/router.ts";
import { service } from "../../service/service.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { openTestService, type TestServiceOptions } from "../../testing/test-service.ts";
import {
  dialerTo,
  openReceiver,
  SECRET,
  status,
  type Receiver,
} from "./outgoing/receiver-stage.test.ts";
import { webhook, webhookOut, type WebhookOutOptions } from "./webhook-out.ts";

const OrderPlaced = event("order.placed", z.object({ orderId: z.string(), total: z.number() }), {
  key: (order) => order.orderId,
});
const OrderPaid = event("order.paid", z.object({ orderId: z.string() }), {
  key: (order) => order.orderId,
});
const orders = stream("orders", { OrderPlaced, OrderPaid }, { partitions: 1 });
const Notify = command("partner.notify", z.object({ orderId: z.string() }));
const notices = queue("notices", { Notify }, { attempts: 2 });

const policy = { attempts: 3, backoffMs: 1, backoffMsMax: 4 };
const run = { io: { stepMs: 0.1, turn: () => setImmediate() } };

function partner(port: number, more: Partial<WebhookOutOptions> = {}): TestServiceOptions {
  const url = `http://127.0.0.1:${port}/`;
  const part = webhookOut("partner", {
    url,
    plainHttp: true,
    allow: ["127.0.0.1"],
    secret: SECRET,
    from: orders,
    policy,
    ...more,
  });
  return { service: service("shop", { part }), run };
}

function place(orderId: string, total = 1) {
  return OrderPlaced({ orderId, total });
}

/** Subjects with the ids of their deliveries, in the order of their coming. */
function came(receiver: Receiver): readonly (readonly [subject: string, id: string])[] {
  return receiver.received.map(({ headers, body }) => {
    const { subject, id }: { subject: string; id: string } = JSON.parse(body.toString());
    assert.equal(headers["webhook-id"], id);
    return [subject, id] as const;
  });
}

// proves: simple-processing
test("a delivery that fails is tried again with the same id, then parked, and a redrive delivers it", async () => {
  let healed = false;
  await using receiver = await openReceiver((received, response) =>
    status(healed || !received.body.includes('"bad"') ? 200 : 500)(received, response),
  );
  await using shop = await openTestService(partner(receiver.port));
  const [published] = await shop.publish([place("bad"), place("good")]);
  await shop.settled();
  const bad = came(receiver).filter(([subject]) => subject === "bad");
  assert.deepEqual(
    bad,
    Array.from({ length: 3 }, () => ["bad", published!.id]),
  );
  assert.equal(came(receiver).filter(([subject]) => subject === "good").length, 1);
  const [parked] = await shop.running.listParked("partner");
  assert.equal(parked?.cause?.code, "DELIVERY_FAILED");
  assert.match(parked.cause.message, /answered 500/);

  healed = true;
  await shop.until(shop.running.redriveParked("all"));
  await shop.settled();
  assert.deepEqual(came(receiver).at(-1), ["bad", published!.id]);
  assert.deepEqual(await shop.running.listParked("partner"), []);
});

test("a receiver that is down pauses the part, and all comes in its order when it is back", async () => {
  let failures = 4;
  await using receiver = await openReceiver((received, response) =>
    status(failures-- > 0 ? 503 : 202)(received, response),
  );
  await using shop = await openTestService(partner(receiver.port));
  await shop.publish([place("o1", 1), place("o1", 2), place("o2", 3), place("o1", 4)]);
  await shop.settled();
  const taken = receiver.received.slice(-4).map(({ body }) => JSON.parse(body.toString()));
  const totals = taken.map(({ data }: { data: { total: number } }) => data.total);
  assert.deepEqual(
    totals.filter((total) => total !== 3),
    [1, 2, 4],
  );
  assert.ok(totals.includes(3));
  assert.deepEqual(await shop.running.listParked("partner"), []);
});

test("a receiver that names a time is not asked before it", async () => {
  const asked: number[] = [];
  await using receiver = await openReceiver((received, response) => {
    asked.push(shop.environment.clock.now());
    status(asked.length === 1 ? 429 : 200, { "retry-after": "1" })(received, response);
  });
  const shop = await openTestService(partner(receiver.port));
  await shop.publish(place("o1"));
  await shop.settled();
  assert.equal(asked.length, 2);
  assert.ok(asked[1]! - asked[0]! >= 1000, `asked again after ${asked[1]! - asked[0]!} ms`);
  await shop.close();
});

test("a message that is refused parks at once with the answer, and holds back its own key alone", async () => {
  await using receiver = await openReceiver((received, response) => {
    const gone = received.body.includes('"gone"');
    response.writeHead(gone ? 410 : 200).end(gone ? "no such order" : "");
  });
  await using shop = await openTestService(partner(receiver.port));
  await shop.publish([place("gone"), place("gone"), place("o2")]);
  await shop.settled();
  assert.deepEqual(
    came(receiver)
      .map(([subject]) => subject)
      .toSorted(),
    ["gone", "o2"],
  );
  const parked = await shop.running.listParked("partner");
  assert.equal(parked.length, 2);
  assert.match(parked[0]?.cause?.message ?? "", /answered 410: no such order/);
});

test("a message for a name that leads to a private address parks and is not tried again", async () => {
  let asked = 0;
  const dialer = { ...dialerTo(["10.0.0.1"]), resolve: async () => (asked++, ["10.0.0.1"]) };
  const options = partner(1024, { url: "https://partner.example/", allow: [], dialer });
  await using shop = await openTestService(options);
  await shop.publish(place("o1"));
  await shop.settled();
  const [parked] = await shop.running.listParked("partner");
  assert.equal(parked?.cause?.code, "ADDRESS_REFUSED");
  assert.equal(asked, 1);
});

test("what was posted before a crash and not committed is posted again with the same id", async () => {
  await using receiver = await openReceiver(status(200));
  const broker = await memoryBroker().open(createTestEnvironment());
  const shared = { adapter: "memory", open: async () => ({ ...broker, close: async () => {} }) };
  const options = { ...partner(receiver.port), broker: shared };
  const failed = new MillraceError("STORE_FAILED", "the disk is gone");
  const crashing = await openTestService({
    ...options,
    wrap: (ports) => ({
      ...ports,
      store: new Proxy(ports.store, {
        get: (store, name) => {
          const member: unknown = Reflect.get(store, name, store);
          if (name === "apply") return () => Promise.reject(failed);
          return typeof member === "function" ? member.bind(store) : member;
        },
      }),
    }),
  });
  const [published] = await crashing.publish(place("o1"));
  while (receiver.received.length === 0) await crashing.until(setImmediate());
  await crashing.until(crashing.running.stop({ deadlineMs: 1 }));
  await crashing.close();
  await using shop = await openTestService(options);
  await shop.settled();
  assert.deepEqual(came(receiver), [
    ["o1", published!.id],
    ["o1", published!.id],
  ]);
});

test("commands of a queue are posted, and one that fails for good becomes a dead letter", async () => {
  await using receiver = await openReceiver(status(500));
  await using shop = await openTestService(partner(receiver.port, { from: notices }));
  await shop.publish(Notify({ orderId: "o1" }));
  await shop.settled();
  await shop.environment.clock.advance(policy.backoffMsMax);
  await shop.settled();
  assert.equal(receiver.received.length, 2);
  const { deadLetters } = await shop.broker.queues!.describeQueue("notices");
  assert.equal(deadLetters, 1);
});

test("types that are not named are passed over", async () => {
  await using receiver = await openReceiver(status(200));
  await using shop = await openTestService(partner(receiver.port, { types: [OrderPaid] }));
  await shop.publish([place("o1"), OrderPaid({ orderId: "o1" })]);
  await shop.settled();
  assert.deepEqual(
    receiver.received.map(({ body }) => JSON.parse(body.toString()).type),
    ["order.paid"],
  );
});

test("a part that would lose messages, or names what no channel carries, is refused", () => {
  const wrong: [Partial<WebhookOutOptions>, RegExp][] = [
    [{ from: [] }, /reads from nothing/],
    [{ types: [Notify] }, /none of its channels/],
    [{ from: notices, types: [] }, /does not take all of queue/],
    [{ concurrency: 0 }, /whole number/],
  ];
  for (const [more, expected] of wrong) {
    assert.throws(
      () => partner(1024, more),
      (error) => isMillraceError(error, "BAD_DECLARATION") && expected.test(error.message),
    );
  }
});

test("a router's rule posts to a webhook, one try's id on every try", async () => {
  let failures = 2;
  await using receiver = await openReceiver((received, response) =>
    status(failures-- > 0 ? 500 : 204)(received, response),
  );
  const partnerSink = webhook("partner", {
    url: `http://127.0.0.1:${receiver.port}/`,
    plainHttp: true,
    allow: ["127.0.0.1"],
    secret: SECRET,
  });
  const triage = router("triage", {
    from: orders,
    rules: [{ when: { types: ["OrderPlaced"] }, to: partnerSink }],
    policy,
  });
  await using shop = await openTestService({ service: service("shop", { triage }), run });
  const [published] = await shop.publish([place("o1", 5), OrderPaid({ orderId: "o1" })]);
  await shop.settled();
  const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
  assert.equal(ids.length, 3);
  assert.equal(new Set(ids).size, 1);
  const { id, data } = JSON.parse(receiver.received[2]!.body.toString());
  assert.deepEqual([id, data], [published!.id, { orderId: "o1", total: 5 }]);
});
