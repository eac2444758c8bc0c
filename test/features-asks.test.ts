/** What commands and queries promise: who answers, what an answer is, and that reading is no writing. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  command,
  consumer,
  decider,
  event,
  openApp,
  queue,
  reject,
  service,
  stream,
  view,
  type App,
  type Service,
} from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";
import { createTestEnvironment, openScenario } from "millrace/testing";
import { z } from "zod";
import type { BrokerFactory } from "../src/broker/broker.ts";
import type { QueueSend } from "../src/broker/queues.ts";
import { decodeEnvelope } from "../src/codecs/cloudevents-reader.ts";
import { createDoor } from "../src/http/door.ts";
import type { Envelope } from "../src/model/envelope.ts";
import { interceptedBroker } from "./intercepted-calls.ts";

const TOKEN = "a-secret-of-some-length";
const account = z.object({ account: z.string() });
const amount = account.extend({ cents: z.number().int() });
const key = (data: { readonly account: string }): string => data.account;
const Deposited = event("account.deposited", amount, { key });
const Withdrawn = event("account.withdrawn", amount, { key });
const Deposit = command("account.deposit", amount, { key });
const Withdraw = command("account.withdraw", amount, { key, refuses: ["too-little"] });
const desk = queue("desk", { Deposit, Withdraw });
const moves = stream("moves", { Deposited, Withdrawn }, { partitions: 2 });

/** What a decision was given beside command and state. */
const given = new Set<string>();
const bank = decider("bank", {
  commands: desk,
  events: { Deposited, Withdrawn },
  publishes: moves,
  initial: { cents: 0 },
})
  .evolve({
    Deposited: (s, e) => ({ cents: s.cents + e.cents }),
    Withdrawn: (s, e) => ({ cents: s.cents - e.cents }),
  })
  .decide({
    Deposit: (c, _, context) => {
      for (const name of Object.keys(context)) given.add(name);
      // @ts-expect-error a decision cannot read a view
      assert.equal(context.get, undefined);
      // @ts-expect-error nor a document
      assert.equal(context.docs, undefined);
      return Deposited(c);
    },
    Withdraw: (c, s) => (s.cents < c.cents ? reject("too-little") : Withdrawn(c)),
  });
const balances = view("balances", { from: moves, initial: { cents: 0 } }).evolve({
  Deposited: (s, e) => ({ cents: s.cents + e.cents }),
  Withdrawn: (s, e) => ({ cents: s.cents - e.cents }),
});
const banking = service("banking", { bank, balances });

async function entityEvents({ services }: App, id: string): Promise<readonly string[]> {
  const events = await services[0]!.store.readEntity(`bank/${id}`);
  return events.map(({ message }) => JSON.stringify([message.headers, [...message.value!]]));
}

// proves: event-vs-command
test("a second handler of a command stops the start, and a refusal is typed and appends nothing", async () => {
  const second = consumer("second", { from: desk }).handle({
    Deposit: () => undefined,
    Withdraw: () => undefined,
  });
  const untouched: BrokerFactory = {
    adapter: "untouched",
    open: () => assert.fail("it was opened"),
  };
  await assert.rejects(
    openApp({
      services: [banking, service("other", { second })],
      broker: untouched,
      store: memoryStore(),
    }),
    { code: "BAD_DECLARATION", message: /"desk" is read by banking\.bank and by other\.second/ },
  );

  await using app = await openScenario({ services: [banking] });
  await app.ask(Deposit({ account: "a", cents: 5 }));
  const before = await app.until(entityEvents(app.app, "a"));
  const answer = await app.ask(Withdraw({ account: "a", cents: 6 }));
  if (answer.ok) assert.fail("it was not refused");
  const code: "too-little" = answer.refusal.code;
  // @ts-expect-error no such refusal is declared
  const other: "too-much" = answer.refusal.code;
  assert.equal(other, code);
  assert.equal(code, "too-little");
  await app.settled();
  assert.deepEqual(await app.until(entityEvents(app.app, "a")), before);
  assert.equal(before.length, 1);
  const { partitions } = await app.until(app.app.admin.describeStream("moves"));
  assert.equal(
    partitions.reduce((sum, { end }) => sum + end, 0),
    1,
  );
});

/** Notes the envelopes of what is sent to a queue. */
function noting(inner: BrokerFactory, sent: Envelope[]): BrokerFactory {
  return interceptedBroker(inner, {
    queues: (name, call, parameters) => {
      if (name === "send") {
        const items: readonly QueueSend[] = parameters[1];
        sent.push(...items.map((item) => decodeEnvelope(item.message, { receivedMs: 0 })));
      }
      return call();
    },
  });
}

// proves: request-reply
test("a request is a command with a reply address, a correlation and a deadline; a sent one has neither address nor end", async () => {
  const sent: Envelope[] = [];
  const environment = createTestEnvironment();
  const { clock } = environment;
  const broker = noting(memoryBroker(), sent);
  const gateway = consumer("gateway", { from: moves, sends: desk }).handle({});
  const open = (services: readonly Service[]): Promise<App> =>
    clock.run(openApp({ services, broker, store: memoryStore(), environment }));
  const edge = await open([service("edge", { gateway })]);

  const unanswered = edge.ask(Deposit({ account: "a", cents: 1 }), { deadline: "5s" });
  const askedMs = clock.now();
  await assert.rejects(clock.run(unanswered), { code: "DEADLINE" });
  assert.equal(clock.now() - askedMs, 5000);
  const core = await open([banking]);
  const answer = await clock.run(edge.ask(Deposit({ account: "a", cents: 2 })));
  assert.equal(answer.ok, true);
  await clock.run(edge.send(Deposit({ account: "a", cents: 4 })));
  await clock.run(core.settled());

  const asked = sent.filter(({ kind }) => kind === "command");
  const replies = sent.filter(({ kind }) => kind === "reply");
  assert.deepEqual(
    asked.map(({ replyTo, expires }) => [replyTo !== undefined, expires !== undefined]),
    [
      [true, true],
      [true, true],
      [false, false],
    ],
  );
  assert.equal(asked[0]!.expires! - askedMs, 5000);
  assert.deepEqual(
    replies.map(({ causation, correlation }) => [causation, correlation]),
    [[asked[1]!.id, asked[1]!.id]],
  );
  assert.deepEqual(
    await clock.run(core.get(balances, "a")),
    { cents: 6 },
    "what was asked too long ago is not done",
  );
  await clock.run(edge.close());
  await clock.run(core.close());
});

// proves: request-reply
test("the catalogue comes from the schemas, and follows them", async () => {
  const catalogue = async (services: readonly Service[]): Promise<any> => {
    await using app = await openScenario({ services });
    const { admin, registry, environment } = app.app;
    const door = createDoor({ admin, registry, environment, token: TOKEN });
    const headers = { host: "localhost", authorization: `Bearer ${TOKEN}` };
    const request = new Request("http://localhost/openapi.json", { headers });
    return (await door(request)).json();
  };
  const { paths, components } = await catalogue([banking]);
  const { required, properties } = z.toJSONSchema(amount, { io: "input" });
  for (const { type } of [Deposit, Withdraw, Deposited, Withdrawn]) {
    assert.deepEqual(components.schemas[type].required, required, type);
    assert.deepEqual(components.schemas[type].properties, properties, type);
  }
  const refusals = JSON.stringify(paths["/commands/account.withdraw"].post.responses[422]);
  assert.match(refusals, /too-little/);
  assert.ok("/views/balances" in paths, Object.keys(paths).join());

  const Close = command("account.close", account.extend({ why: z.enum(["moved"]) }), { key });
  const closing = queue("closing", { Close });
  const closer = consumer("closer", { from: closing }).handle({ Close: () => undefined });
  const grown = await catalogue([banking, service("closing", { closer })]);
  assert.deepEqual(grown.components.schemas["account.close"].properties.why.enum, ["moved"]);
  assert.ok("/commands/account.close" in grown.paths && !("/commands/account.close" in paths));
});

// proves: cqrs
test("a decision never reads a view: with its view stopped it decides on the events", async () => {
  await using app = await openScenario({ services: [banking] });
  await app.ask(Deposit({ account: "a", cents: 5 }));
  await app.settled();
  const [running] = app.app.services;
  await app.until(running!.pause("balances", { by: "test", sinceMs: 0 }));
  const answers = [
    await app.ask(Withdraw({ account: "a", cents: 4 })),
    await app.ask(Withdraw({ account: "a", cents: 4 })),
  ];
  assert.deepEqual(await app.get(balances, "a"), { cents: 5 }, "the view knows of neither");
  assert.deepEqual(
    answers.map(({ ok }) => ok),
    [true, false],
  );
  assert.deepEqual([...given].toSorted(), ["actor", "id", "newId", "now", "random"]);
});

// proves: cqrs
test("the read side has no way to write: not in its folds, and not at the door", async () => {
  const known: unknown[] = [];
  const curious = view("curious", { from: moves, initial: { n: 0 } }).evolve({
    Deposited: (s, _, context) => {
      known.push(Object.keys(context).toSorted());
      // @ts-expect-error a fold cannot emit
      assert.equal(context.emit, undefined);
      return { n: s.n + 1 };
    },
  });
  assert.deepEqual([curious.publishes, curious.sends], [[], []]);
  await using app = await openScenario({ services: [banking, service("reports", { curious })] });
  await app.ask(Deposit({ account: "a", cents: 5 }));
  await app.settled();
  assert.deepEqual(known, [["id", "time", "version"]]);

  const { admin, registry, environment } = app.app;
  const door = createDoor({ admin, registry, environment, token: TOKEN });
  const headers = {
    host: "localhost",
    authorization: `Bearer ${TOKEN}`,
    "content-type": "application/json",
  };
  const ask = async (method: string, path: string): Promise<number> => {
    const body = method === "GET" ? {} : { body: '{"cents":1000}' };
    const request = new Request(`http://localhost${path}`, { method, headers, ...body });
    return (await door(request)).status;
  };
  for (const path of ["/views/balances", "/views/balances/a"]) {
    assert.equal(await ask("GET", path), 200, path);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const status = await ask(method, path);
      assert.ok(status === 404 || status === 405, `${method} ${path}: ${status}`);
    }
  }
  assert.deepEqual(await app.get(balances, "a"), { cents: 5 });
});

// proves: cqrs
test("a new read model leaves the write side as it was, byte for byte, and is filled from history", async () => {
  const counts = view("counts", { from: moves, initial: { n: 0 } }).evolve({
    Deposited: ({ n }) => ({ n: n + 1 }),
  });
  const options = { broker: memoryBroker(), store: memoryStore() };
  const environment = createTestEnvironment();
  let before: readonly string[] = [];
  {
    await using app = await openScenario({ services: [banking], environment, ...options });
    for (let n = 0; n < 10; n++) await app.ask(Deposit({ account: "a", cents: n }));
    await app.settled();
    before = await app.until(entityEvents(app.app, "a"));
  }
  const wider = service("banking", { bank, balances, counts });
  await using app = await openScenario({ services: [wider], environment, ...options });
  await app.settled();
  assert.deepEqual(await app.get(counts, "a"), { n: 10 });
  assert.deepEqual(await app.until(entityEvents(app.app, "a")), before);
  assert.equal(before.length, 10);
  const { partitions } = await app.until(app.app.admin.describeStream("moves"));
  assert.equal(
    partitions.reduce((sum, { end }) => sum + end, 0),
    10,
  );
  const status = await app.until(app.app.services[0]!.status());
  assert.deepEqual(
    status.map(({ name, handled }) => [name, handled]),
    [
      ["bank", 0],
      ["balances", 0],
      ["counts", 10],
    ],
  );
});
