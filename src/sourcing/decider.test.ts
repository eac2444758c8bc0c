import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { decodeEnvelope } from "../codecs/cloudevents-reader.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { reject, reply } from "../service/ask/answer.ts";
import { document } from "../service/consumer/document.ts";
import { service } from "../service/service.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openTestService, type TestService } from "../testing/test-service.ts";
import { decider } from "./decider.ts";
import { view } from "./view.ts";

const account = z.object({ account: z.string() });
const amount = account.extend({ cents: z.number().int() });
const Opened = event("account.opened", account, { key: (e) => e.account });
const Deposited = event("account.deposited", amount, { key: (e) => e.account });
const Withdrawn = event("account.withdrawn", z.object({ cents: z.number().int() }));
const Moved = event("account.moved", amount.extend({ balance: z.number() }), {
  key: (e) => e.account,
});
const Open = command("account.open", account, {
  key: (c) => c.account,
  refuses: ["already-open"],
});
const Deposit = command("account.deposit", amount, { key: (c) => c.account, refuses: ["closed"] });
const Withdraw = command("account.withdraw", amount, {
  key: (c) => c.account,
  refuses: ["closed", "too-little"],
  replies: z.object({ balance: z.number() }),
});
const desk = queue("desk", { Open, Deposit, Withdraw });
const moves = stream("moves", { Opened, Moved }, { partitions: 2 });

const closed = { open: false, balance: 0 };
const plain = decider("account", {
  commands: desk,
  events: { Opened, Deposited, Withdrawn },
  publishes: moves,
  initial: closed,
})
  .evolve({
    Opened: (s) => ({ ...s, open: true }),
    Deposited: (s, e) => ({ ...s, balance: s.balance + e.cents }),
    Withdrawn: (s, e) => ({ ...s, balance: s.balance - e.cents }),
  })
  .decide({
    Open: (c, s) => (s.open ? reject("already-open") : Opened(c)),
    Deposit: (c, s) => (s.open ? [Deposited(c)] : reject("closed")),
    Withdraw: (c, s) => {
      if (!s.open) return reject("closed");
      if (s.balance < c.cents) return reject("too-little", { details: { balance: s.balance } });
      return reply({ balance: s.balance - c.cents }, Withdrawn({ cents: c.cents }));
    },
  });
const published = plain.publish({
  Deposited: (e, { state }) => Moved({ ...e, balance: state.balance }),
  Withdrawn: (e, { state, key }) =>
    Moved({ account: key, cents: -e.cents, balance: state.balance }),
});

async function eventsOf(app: TestService, entity: string) {
  const events = await app.until(app.store.readEntity(entity));
  return events.map(({ message, version }) => ({
    version,
    envelope: decodeEnvelope(message, { receivedMs: 0 }),
  }));
}

async function moved(app: TestService): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const partition of [0, 1]) {
    for await (const batch of app.broker.streams!.read("moves", { partition, from: "earliest" })) {
      found.push(
        ...batch.map(({ value }) => JSON.parse(new TextDecoder().decode(value ?? undefined))),
      );
    }
  }
  return found;
}

// proves: domain-events
test("commands become events of their entity, and those that are public come out of the stream", async () => {
  await using app = await openTestService({ service: service("bank", { published }) });
  await app.publish([
    Open({ account: "a" }),
    Deposit({ account: "a", cents: 5 }),
    Withdraw({ account: "a", cents: 2 }),
    Open({ account: "b" }),
  ]);
  await app.settled();
  const events = await eventsOf(app, "account/a");
  assert.deepEqual(
    events.map(({ version, envelope }) => [version, envelope.type, envelope.key]),
    [
      [1, "account.opened", "a"],
      [2, "account.deposited", "a"],
      [3, "account.withdrawn", "a"],
    ],
  );
  const [opened] = events;
  assert.equal(opened!.envelope.source, "bank");
  assert.notEqual(opened!.envelope.causation, undefined);
  assert.equal(opened!.envelope.correlation, opened!.envelope.causation);
  const out = await moved(app);
  assert.deepEqual(
    out.toSorted((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1)),
    [
      { account: "a" },
      { account: "a", cents: -2, balance: 3 },
      { account: "a", cents: 5, balance: 5 },
      { account: "b" },
    ].toSorted((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1)),
  );
});

test("a refused command changes nothing, and those behind it go on", async () => {
  await using app = await openTestService({ service: service("bank", { published }) });
  await app.publish([
    Deposit({ account: "a", cents: 5 }),
    Open({ account: "a" }),
    Open({ account: "a" }),
    Deposit({ account: "a", cents: 7 }),
  ]);
  await app.settled();
  assert.deepEqual(
    (await eventsOf(app, "account/a")).map(({ envelope }) => envelope.type),
    ["account.opened", "account.deposited"],
  );
  assert.equal((await app.running.status())[0]!.failed, 0);
});

test("a state is folded anew after a restart, over more events than one page holds", async () => {
  const environment = createTestEnvironment();
  const store = memoryStore();
  const broker = memoryBroker();
  const open = () =>
    openTestService({ service: service("bank", { plain }), environment, store, broker });
  {
    await using app = await open();
    await app.publish(Open({ account: "a" }));
    await app.publish(Array.from({ length: 2100 }, () => Deposit({ account: "a", cents: 1 })));
    await app.settled();
  }
  await using app = await open();
  await app.publish([
    Withdraw({ account: "a", cents: 2101 }),
    Withdraw({ account: "a", cents: 2100 }),
  ]);
  await app.settled();
  const last = await app.until(app.store.readEntity("account/a", { after: 2101 }));
  assert.deepEqual(
    last.map(({ message }) => new TextDecoder().decode(message.value ?? undefined)),
    ['{"cents":2100}'],
  );
});

// proves: domain-events
test("what a domain event leads to is committed with the decision, and a rollback raises nothing", async () => {
  const tally = document<{ n: number }>("tally");
  const heard: string[] = [];
  const part = plain.on(
    {
      Opened: async (e, { docs, emit, id }) => {
        heard.push(id);
        docs.tally.put(e.account, { n: 1 });
        emit(Moved({ ...e, cents: 0, balance: 0 }));
        if (e.account === "broken") throw new Error("broken");
      },
    },
    { docs: { tally }, publishes: moves },
  );
  await using app = await openTestService({ service: service("bank", { part }) });
  await app.publish([Open({ account: "a" }), Open({ account: "broken" })]);
  await app.environment.clock.advance(60_000);
  await app.settled();
  assert.equal(heard.length, 6, "the failing handler was tried again");
  assert.equal(new Set(heard).size, 2, "each time with the same event");
  assert.deepEqual(await eventsOf(app, "account/broken"), []);
  assert.equal((await eventsOf(app, "account/a")).length, 1);
  const found = await app.until(app.store.getDocuments("document.tally", ["a", "broken"]));
  assert.deepEqual([...found.keys()], ["a"]);
  const out = await moved(app);
  assert.deepEqual(
    out.toSorted((x, y) => JSON.stringify(x).length - JSON.stringify(y).length),
    [{ account: "a" }, { account: "a", cents: 0, balance: 0 }],
  );
  assert.equal((await app.until(app.broker.queues!.listDeadLetters("desk"))).length, 1);
});

// proves: event-sourcing
test("events are the truth: a wrong expectation appends nothing, and what is wiped is built anew", async () => {
  const balances = view("balances", { from: plain, initial: { cents: 0, moves: 0 } }).evolve({
    Deposited: (s, e) => ({ cents: s.cents + e.cents, moves: s.moves + 1 }),
    Opened: (s) => s,
  });
  await using app = await openTestService({ service: service("bank", { plain, balances }) });
  const accounts = Array.from({ length: 20 }, (_, n) => `a${n}`);
  await app.publish(accounts.map((each) => Open({ account: each })));
  await app.publish(
    Array.from({ length: 200 }, (_, n) => Deposit({ account: `a${n % 20}`, cents: n })),
  );
  await app.settled();
  const [event] = await app.until(app.store.readEntity("account/a1"));
  const write = { entity: "account/a1", expected: 5, events: [event!.message] };
  const outcome = await app.until(
    app.store.apply({ sets: [{ key: "late", finishes: [], events: [write] }] }),
  );
  assert.equal(outcome.sets[0]!.status, "conflict");
  assert.equal((await eventsOf(app, "account/a1")).length, 11);

  const all = async (): Promise<unknown> =>
    app.until(app.running.find("balances", { limit: 1000 }));
  const before = await all();
  await app.until(app.running.rebuildView("balances"));
  await app.settled();
  const [status] = await app.until(app.running.listViews());
  const old = status!.generations.find(({ state }) => state === "old");
  assert.ok(old !== undefined, "another generation answers now");
  await app.until(app.running.dropView("balances", old.generation));
  const after = await all();
  assert.deepEqual(after, before);
  assert.equal(Object(after).documents.length, 20);
});

test("a declaration that contradicts itself is refused where it is made", () => {
  const refused = (declare: () => unknown, message: RegExp): void => {
    assert.throws(declare, { code: "BAD_DECLARATION", message });
  };
  const shape = { commands: desk, events: { Opened }, initial: closed };
  const keyless = queue("keyless", { Go: command("go", account) });
  refused(() => decider("d", { ...shape, commands: keyless }), /the command "go" has none; give/);
  refused(() => decider("d", { ...shape, events: {} }), /has no events; name at least one/);
  refused(
    () => decider("d", { ...shape, events: { Opened, Again: Opened } }),
    /has the type "account.opened" twice/,
  );
  const other = event("account.opened", account, { key: (e) => e.account });
  refused(
    () => decider("d", { ...shape, publishes: stream("other", { Opened: other }) }),
    /declare "account.opened" each for itself/,
  );
  refused(() => decider("d", { ...shape, concurrency: 0 }), /concurrency of decider "d" is 0/);
  refused(() => plain.on({ Opened: () => undefined }).on({}), /two calls of on/);
  refused(() => published.publish({ Deposited: () => [] }), /maps "account.deposited" twice/);
});
