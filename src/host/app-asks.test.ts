/** Asking across processes: two apps, each with its own services, on one broker. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { Broker, BrokerFactory } from "../broker/broker.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { delay } from "../model/clock.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { reject, reply } from "../service/ask/answer.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import { decider } from "../sourcing/decider.ts";
import { view } from "../sourcing/view.ts";
import type { StoreFactory } from "../store/store.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";
import { openApp, type App } from "./app.ts";

const order = z.object({ orderId: z.string() });
const Placed = event("order.placed", order, { key: (e) => e.orderId });
const Place = command("order.place", order, {
  key: (c) => c.orderId,
  refuses: ["already-placed"],
  replies: z.object({ number: z.number() }),
});
const Slow = command("order.slow", order, { key: (c) => c.orderId });
const desk = queue("desk", { Place });
const slow = queue("slow", { Slow });
const orders = stream("orders", { Placed }, { partitions: 3 });

let decisions = 0;
const placing = decider("placing", {
  commands: desk,
  events: { Placed },
  publishes: orders,
  initial: { placed: false },
})
  .evolve({ Placed: () => ({ placed: true }) })
  .decide({
    Place: (c, s) => {
      decisions++;
      return s.placed ? reject("already-placed") : reply({ number: 7 }, Placed(c));
    },
  });
const placed = view("placed", { from: orders, initial: { n: 0 } }).evolve({
  Placed: (s) => ({ n: s.n + 1 }),
});
/** Declares what it sends, as a gateway does. */
const gateway = consumer("gateway", { from: orders, sends: [desk, slow] }).handle({});

interface Stage {
  readonly environment: TestEnvironment;
  readonly broker: BrokerFactory;
  readonly handling: (store?: StoreFactory) => Promise<App>;
  readonly asking: () => Promise<App>;
  readonly until: <Result>(work: Promise<Result>) => Promise<Result>;
}

function stage(): Stage {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const until = <Result>(work: Promise<Result>): Promise<Result> => environment.clock.run(work);
  const slowly = consumer("slowly", { from: slow }).handle({
    Slow: () => delay(environment.clock, 2000),
  });
  const shop = service("shop", { placing, slowly });
  const edge = service("edge", { gateway, placed });
  const open = (services: Parameters<typeof openApp>[0]["services"], store: StoreFactory) =>
    until(openApp({ services, broker, store, environment }));
  return {
    environment,
    broker,
    until,
    handling: (store = memoryStore()) => open([shop], store),
    asking: () => open([edge], memoryStore()),
  };
}

async function replyQueues(broker: Broker): Promise<readonly string[]> {
  const queues = await broker.queues!.listQueues();
  return queues.map(({ spec }) => spec.name).filter((name) => name.startsWith("millrace."));
}

// proves: request-reply
test("a command is answered across processes as it is in one, and its token is good for reads", async () => {
  const { until, handling, asking, broker, environment } = stage();
  const shop = await handling();
  const edge = await asking();
  const answer = await until(edge.ask(Place({ orderId: "o1" }), { deadline: "5s", actor: "ann" }));
  assert.ok(answer.ok);
  assert.deepEqual(answer.reply, { number: 7 });
  assert.deepEqual(await until(edge.get(placed, "o1", { notBefore: answer.token })), { n: 1 });
  const again = await until(edge.ask(Place({ orderId: "o1" }), { deadline: "5s" }));
  assert.deepEqual(again, { ok: false, refusal: { code: "already-placed" } });
  const watcher = await until(broker.open(environment));
  assert.equal((await until(replyQueues(watcher))).length, 1);
  await until(edge.close());
  assert.deepEqual(await until(replyQueues(watcher)), [], "the address ends with who asked");
  await until(shop.close());
});

test("asked again under its id, across processes and a restart, a command is done once", async () => {
  const { until, handling, asking } = stage();
  const store = memoryStore();
  const shop = await handling(store);
  const edge = await asking();
  const how = { id: "once", deadline: "5s" } as const;
  const first = await until(edge.ask(Place({ orderId: "o1" }), how));
  const second = await until(edge.ask(Place({ orderId: "o1" }), how));
  assert.ok(first.ok && second.ok);
  assert.deepEqual(second.reply, first.reply);
  await until(shop.close());
  const next = await handling(store);
  const third = await until(edge.ask(Place({ orderId: "o1" }), how));
  assert.ok(third.ok);
  assert.deepEqual(third.reply, first.reply);
  assert.deepEqual(await until(edge.get(placed, "o1", { notBefore: third.token })), { n: 1 });
  await until(edge.close());
  await until(next.close());
});

test("while no process handles it a command waits, and past its time it is settled undone", async () => {
  const { until, handling, asking, environment } = stage();
  const edge = await asking();
  const before = decisions;
  await assert.rejects(until(edge.ask(Place({ orderId: "o1" }), { deadline: "1s" })), {
    code: "DEADLINE",
  });
  const asked = edge.ask(Place({ orderId: "o2" }), { deadline: "60s" });
  await environment.clock.advance(5000);
  const shop = await handling();
  const answer = await until(asked);
  assert.equal(answer.ok, true);
  await until(shop.settled());
  assert.equal(decisions - before, 1, "o1 was not begun");
  const statuses = await until(shop.services[0]!.status());
  assert.deepEqual(
    statuses.map(({ name, expired }) => [name, expired]),
    [
      ["placing", 1],
      ["slowly", 0],
    ],
  );
  await until(edge.close());
  await until(shop.close());
});

test("an answer that comes too late, or for who is gone, is dropped and holds nothing up", async () => {
  const { until, handling, asking } = stage();
  const shop = await handling();
  const edge = await asking();
  const late = edge.ask(Slow({ orderId: "o1" }), { deadline: "1s" });
  const gone = edge.ask(Slow({ orderId: "o2" }), { deadline: "60s" });
  await assert.rejects(until(late), { code: "DEADLINE" });
  const closing = edge.close();
  await assert.rejects(until(gone), { code: "CLOSED" });
  await until(closing);
  await until(shop.settled());
  assert.equal(shop.services[0]!.droppedReplies, 2);
  const other = await asking();
  const answer = await until(other.ask(Slow({ orderId: "o3" }), { deadline: "60s" }));
  assert.equal(answer.ok, true, "the lane goes on");
  await until(other.close());
  await until(shop.close());
});

test("a handler that is killed leaves whoever asked waiting for the next one, which answers", async () => {
  const { until, handling, asking } = stage();
  const store = memoryStore();
  const first = await handling(store);
  const edge = await asking();
  const asked = edge.ask(Slow({ orderId: "o1" }), { deadline: "120s" });
  await until(Promise.resolve());
  await until(first.services[0]!.stop({ deadlineMs: 0 }));
  await until(first.close());
  const second = await handling(store);
  assert.equal((await until(asked)).ok, true);
  await until(edge.close());
  await until(second.close());
});

test("the answer's type is the command's: its refusals and its reply", async () => {
  const { until, handling } = stage();
  const shop = await handling();
  const answer = await until(shop.ask(Place({ orderId: "o1" })));
  if (answer.ok) {
    const number: number = answer.reply.number;
    assert.equal(number, 7);
  } else {
    const code: "already-placed" = answer.refusal.code;
    assert.fail(code);
  }
  // @ts-expect-error an event is published, not asked
  await assert.rejects(shop.ask(Placed({ orderId: "o1" })));
  await assert.rejects(until(shop.ask(Place({ orderId: "o2" }), { deadline: "0s" })), {
    code: "BAD_ARGUMENT",
  });
  await until(shop.close());
});
