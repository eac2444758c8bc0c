import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { isMillraceError } from "../../model/errors.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { subscription } from "../../schema/subscription.ts";
import { createTestEnvironment, type TestEnvironment } from "../../testing/environment.ts";
import { openTestService, type TestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { dependencyDown } from "../failure.ts";
import type { Part } from "../part.ts";
import { service } from "../service.ts";
import { router, type RouterOptions } from "./router.ts";
import type { Sink } from "./sink.ts";

const order = z.object({ orderId: z.string(), total: z.number() });
const OrderPlaced = event("order.placed", order, { key: (e) => e.orderId });
const OrderPaid = event("order.paid", order, { key: (e) => e.orderId });
const CartFilled = event("cart.filled", order, { key: (e) => e.orderId });
const orders = stream("orders", { OrderPlaced, OrderPaid, CartFilled }, { partitions: 2 });
const copies = stream("copies", { OrderPlaced, OrderPaid }, { partitions: 2 });
const Check = command("check", order, { key: (c) => c.orderId });
const checks = queue("checks", { Check });

const draft = (type: typeof OrderPlaced | typeof OrderPaid | typeof CartFilled, orderId: string) =>
  type({ orderId, total: 7 });

async function open(
  parts: Readonly<Record<string, Part>>,
  environment: TestEnvironment = createTestEnvironment(),
): Promise<TestService> {
  return openTestService({ service: service("s", parts), environment });
}

async function statusOf(app: TestService, part: string) {
  const status = (await app.until(app.running.status())).find(({ name }) => name === part);
  assert.ok(status);
  return status;
}

const to = { to: { kind: "stream", name: "orders" } } as const;

/** A sink that notes what it is given, and fails as often as it is told to. */
function sinkOf(name: string, delivered: unknown[], failures: Error[] = []): Sink {
  return {
    kind: "sink",
    name,
    deliver: async ({ envelope }, { idempotencyKey }) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      delivered.push([envelope.type, envelope.key, idempotencyKey.endsWith(`sink ${name}`)]);
    },
  };
}

// proves: router
test("rules on type and attributes lead to a stream, a queue, a function and a sink", async () => {
  const urgent = subscription("urgent", { from: orders, by: "router" });
  const seen: unknown[] = [];
  const triage = router("triage", {
    from: orders,
    rules: [
      { when: { types: ["OrderPaid"], attributes: { tier: "gold" } }, to: urgent },
      { when: { types: ["order.paid"] }, to: copies, set: { seen: "yes" } },
      { when: { types: ["order.*"], attributes: { tier: "gold" } }, to: sinkOf("hook", seen) },
      {
        when: { types: ["OrderPlaced"], where: (data) => data.total > 5 },
        to: function note(data, { key, attempt }) {
          seen.push(["function", data.orderId, key, attempt]);
        },
      },
    ],
  });
  const desk = consumer("desk", { from: urgent }).handle({
    OrderPaid: ({ orderId }, { attributes }) => void seen.push(["queue", orderId, attributes]),
  });
  const reader = consumer("reader", { from: copies }).handle({
    OrderPaid: ({ orderId }, { attributes }) => void seen.push(["stream", orderId, attributes]),
  });
  await using app = await open({ triage, desk, reader });
  const gold = { ...to, attributes: { tier: "gold" } };
  await app.publish([draft(OrderPaid, "a"), draft(OrderPlaced, "b"), draft(CartFilled, "c")], to);
  await app.publish([draft(OrderPaid, "d"), draft(OrderPlaced, "e"), draft(CartFilled, "f")], gold);
  await app.settled();
  assert.deepEqual(
    seen.map((each) => JSON.stringify(each)).toSorted(),
    [
      ["function", "b", "b", 1],
      ["order.placed", "e", true],
      ["queue", "d", { tier: "gold" }],
      ["stream", "a", { seen: "yes" }],
    ]
      .map((each) => JSON.stringify(each))
      .toSorted(),
  );
  const status = await statusOf(app, "triage");
  assert.deepEqual([status.kind, status.handled], ["router", 4]);
  assert.deepEqual(status.ignored, { "cart.filled": 2 }, "what no rule takes is counted");
});

test("with mode all a message goes by every rule that takes it, and otherwise takes the rest", async () => {
  const delivered: unknown[] = [];
  const rest: string[] = [];
  const everything = router("everything", {
    from: orders,
    mode: "all",
    rules: [
      { when: { types: ["OrderPaid"] }, to: copies },
      { when: { types: ["order.*"] }, to: sinkOf("one", delivered) },
      { when: { types: ["OrderPaid"] }, to: sinkOf("two", delivered) },
    ],
    otherwise: ({ orderId }) => void rest.push(orderId),
  });
  await using app = await open({ everything });
  await app.publish([draft(OrderPaid, "a"), draft(CartFilled, "b"), draft(OrderPlaced, "c")], to);
  await app.settled();
  assert.equal(delivered.length, 3);
  assert.deepEqual(rest, ["b"]);
  const { partitions } = await app.until(app.broker.streams!.describeStream("copies"));
  assert.equal(
    partitions.reduce((sum, { end }) => sum + end, 0),
    1,
  );
  assert.deepEqual((await statusOf(app, "everything")).ignored, {});
});

test("a delivery that was made is not made again because another of the message failed", async () => {
  const one: unknown[] = [];
  const two: unknown[] = [];
  const both = router("both", {
    from: orders,
    mode: "all",
    policy: { attempts: 4, backoffMs: 10 },
    rules: [
      { to: sinkOf("one", one) },
      { to: sinkOf("two", two, [new Error("no"), new Error("no"), new Error("no")]) },
    ],
  });
  await using app = await open({ both });
  await app.publish([draft(OrderPaid, "a")]);
  await app.settled();
  assert.deepEqual([one.length, two.length], [1, 1]);
  assert.equal((await statusOf(app, "both")).failed, 3);
});

test("a sink that keeps failing parks its key alone, and one that is down pauses and parks nothing", async () => {
  const delivered: unknown[] = [];
  const failures = [dependencyDown("the hook is down"), dependencyDown("still down")];
  const flaky = sinkOf("hook", delivered, failures);
  const hooks = router("hooks", {
    from: orders,
    policy: { attempts: 2, backoffMs: 10 },
    rules: [
      {
        when: { types: ["OrderPlaced"] },
        to: function broken() {
          throw new Error("this function is broken");
        },
      },
      { to: flaky },
    ],
  });
  await using app = await open({ hooks });
  await app.publish([draft(OrderPaid, "a"), draft(OrderPlaced, "b"), draft(OrderPaid, "c")]);
  await app.settled();
  assert.deepEqual(delivered.map((each) => JSON.stringify(each)).toSorted(), [
    '["order.paid","a",true]',
    '["order.paid","c",true]',
  ]);
  const parked = await app.until(app.running.listParked("hooks"));
  assert.deepEqual(
    parked.map(({ key, cause }) => [key, cause?.kind, cause?.attempts]),
    [["b", "bug", 2]],
  );
});

test("a rule may send a command made of the event, caused by it", async () => {
  const seen: unknown[] = [];
  const asking = router("asking", {
    from: orders,
    rules: [
      {
        when: { types: ["OrderPlaced"] },
        to: checks,
        as: ({ orderId, total }) => Check({ orderId, total }),
      },
    ],
  });
  const checker = consumer("checker", { from: checks }).handle({
    Check: ({ orderId }, { key }) => void seen.push([orderId, key]),
  });
  await using app = await open({ asking, checker });
  await app.publish([draft(OrderPlaced, "a")]);
  await app.settled();
  assert.deepEqual(seen, [["a", "a"]]);
});

test("routing by type and attributes decodes no payload; routing by payload parks what it cannot read", async () => {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const store = memoryStore();
  const append = async (app: TestService, id: string): Promise<void> => {
    const headers: [string, string][] = [
      ["ce_specversion", "1.0"],
      ["ce_id", id],
      ["ce_source", "stranger"],
      ["ce_type", "order.paid"],
    ];
    const value = new TextEncoder().encode("no JSON at all");
    await app.until(app.broker.streams!.append("orders", [{ key: id, headers, value }]));
  };
  const copying = (rule: RouterOptions<typeof orders>["rules"][number]) =>
    service("s", { copying: router("copying", { from: orders, rules: [rule] }) });
  const paid = { types: ["OrderPaid"] };
  {
    const byType = copying({ when: paid, to: copies });
    await using app = await openTestService({ service: byType, broker, store, environment });
    await append(app, "one");
    await app.settled();
    assert.equal((await statusOf(app, "copying")).handled, 1);
  }
  const byPayload = copying({ when: { ...paid, where: ({ total }) => total > 1 }, to: copies });
  await using app = await openTestService({ service: byPayload, broker, store, environment });
  await append(app, "two");
  await app.settled();
  const parked = await app.until(app.running.listParked("copying"));
  assert.deepEqual(
    parked.map(({ key, cause }) => [key, cause?.kind]),
    [["two", "bad-message"]],
  );
});

test("copies of one key keep their order on the way to a stream", async () => {
  const environment = createTestEnvironment();
  const seen = new Map<string, number[]>();
  const copying = router("copying", {
    from: orders,
    rules: [{ when: { types: ["OrderPaid"], where: () => true }, to: copies }],
  });
  const reader = consumer("reader", { from: copies }).handle({
    OrderPaid: ({ orderId, total }) =>
      void seen.set(orderId, [...(seen.get(orderId) ?? []), total]),
  });
  await using app = await open({ copying, reader }, environment);
  const drafts = Array.from({ length: 200 }, (_, n) =>
    OrderPaid({ orderId: `o${n % 7}`, total: n }),
  );
  await app.publish(drafts, to);
  await app.settled();
  assert.equal([...seen.values()].flat().length, 200);
  for (const totals of seen.values()) {
    assert.deepEqual(
      totals,
      totals.toSorted((a, b) => a - b),
    );
  }
});

// proves: router
test("a bad rule is refused when it is declared, with its number and the reason", () => {
  const refused = (rules: unknown, more: object = {}): string => {
    try {
      // Deliberately wrong, as JavaScript could write it.
      const options: any = { from: orders, rules, ...more };
      router("r", options);
    } catch (error) {
      assert.ok(isMillraceError(error, "BAD_DECLARATION"), String(error));
      return error.message;
    }
    return assert.fail("it was not refused");
  };
  const good = { when: { types: ["OrderPaid"] }, to: copies };
  assert.match(refused([]), /no rules/);
  assert.match(refused([good, { when: {} }]), /rule 2 of router "r" leads nowhere/);
  assert.match(
    refused([{ ...good, name: "x", when: { types: ["nope"] } }]),
    /rule 1 \("x"\).*"nope"/,
  );
  assert.match(
    refused([{ to: copies }]),
    /rule 1 .*"cart.filled", which stream "copies" does not carry/,
  );
  assert.match(refused([{ to: orders }]), /leads back into stream "orders"/);
  assert.match(refused([{ to: checks }]), /which queue "checks" does not carry; give the rule as:/);
  assert.match(
    refused([{ to: subscription("fed", { from: orders }) }]),
    /"fed", which feeds itself/,
  );
  assert.match(refused([{ ...good, when: { wehre: 1 } }]), /unknown option "wehre"/);
  assert.match(refused([{ ...good, when: { attributes: { A: "b" } } }]), /attribute "A"/);
  assert.match(refused([{ ...good, when: { where: true } }]), /where that is no function/);
  assert.match(refused([{ to: () => {}, set: { a: "b" } }]), /set or as/);
  assert.match(
    refused([
      { name: "x", to: () => {} },
      { name: "x", to: () => {} },
    ]),
    /both deliver/,
  );
  assert.match(refused([good], { mode: "some" }), /"first" or "all"/);
  assert.match(refused([good], { otherwise: orders }), /otherwise of router "r" leads back/);
});

test("a router owns the streams that it forwards to", async () => {
  const copying = router("copying", {
    from: orders,
    rules: [{ when: { types: ["OrderPaid"] }, to: copies }],
  });
  assert.deepEqual(copying.publishes, [copies]);
});
