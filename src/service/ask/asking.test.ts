/** Commands that are asked: the same laws in memory, and on the embedded broker and SQLite. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import type { Broker, BrokerFactory } from "../../broker/broker.ts";
import { encodeMessage } from "../../codecs/cloudevents.ts";
import { embedded } from "../../embedded/embedded.ts";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { delay } from "../../model/clock.ts";
import { MillraceError } from "../../model/errors.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { decider } from "../../sourcing/decider.ts";
import { view } from "../../sourcing/view.ts";
import type { Store } from "../../store/store.ts";
import { sqlite } from "../../stores/sqlite/sqlite.ts";
import { createTestEnvironment, type TestEnvironment } from "../../testing/environment.ts";
import { realIo } from "../../testing/real-io.ts";
import {
  openTestService,
  type TestService,
  type TestServiceOptions,
} from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { dependencyDown } from "../failure.ts";
import { service } from "../service.ts";
import { reject, reply } from "./answer.ts";

const account = z.object({ account: z.string() });
const amount = account.extend({ cents: z.number().int() });
const Opened = event("account.opened", account, { key: (e) => e.account });
const Deposited = event("account.deposited", amount, { key: (e) => e.account });
const Noted = event("account.noted", account, { key: (e) => e.account });
const Open = command("account.open", account, { key: (c) => c.account, refuses: ["already-open"] });
const Deposit = command("account.deposit", amount, {
  key: (c) => c.account,
  refuses: ["closed"],
  replies: z.object({ balance: z.number() }),
});
const desk = queue("desk", { Open, Deposit });
const moves = stream("moves", { Opened, Deposited, Noted }, { partitions: 3 });

let decided = 0;
let broken = false;
const bank = decider("account", {
  commands: desk,
  events: { Opened, Deposited },
  publishes: moves,
  initial: { open: false, balance: 0 },
  policy: { attempts: 3, backoffMs: 10 },
})
  .evolve({
    Opened: (s) => ({ ...s, open: true }),
    Deposited: (s, e) => ({ ...s, balance: s.balance + e.cents }),
  })
  .decide({
    Open: (c, s) => {
      decided++;
      if (broken) throw new TypeError("cannot read x");
      return s.open ? reject("already-open", { message: "it is open" }) : Opened(c);
    },
    Deposit: (c, s) => {
      decided++;
      return s.open ? reply({ balance: s.balance + c.cents }, Deposited(c)) : reject("closed");
    },
  });
const own = view("own", { from: bank, initial: { balance: 0 } }).evolve({
  Opened: (s) => s,
  Deposited: (s, e) => ({ balance: s.balance + e.cents }),
});
const others = view("others", { from: moves, initial: { balance: 0 } }).evolve({
  Deposited: (s, e) => ({ balance: s.balance + e.cents }),
});
const banking = service("bank", { bank, own });
const reporting = service("reports", { others });

/** Opens services that share one broker, as often as asked, on the same data. */
type Stage = (options: Partial<TestServiceOptions>) => Promise<TestService>;

async function onMemory(
  work: (open: Stage, environment: TestEnvironment) => Promise<void>,
): Promise<void> {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const store = memoryStore();
  await work(
    (options) => openTestService({ service: banking, environment, broker, store, ...options }),
    environment,
  );
}

async function onDisk(
  work: (open: Stage, environment: TestEnvironment) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-ask-"));
  const environment = createTestEnvironment();
  const store = sqlite({ directory: join(directory, "stores") });
  const broker = shared(embedded({ directory: join(directory, "broker") }));
  const run = { io: realIo };
  try {
    await work(
      (options) =>
        openTestService({ service: banking, environment, broker, store, run, ...options }),
      environment,
    );
  } finally {
    await broker.end();
    await rm(directory, { recursive: true, force: true });
  }
}

/** One open broker for all services of a test, until the end. */
function shared(factory: BrokerFactory): BrokerFactory & { readonly end: () => Promise<void> } {
  let opened: Promise<Broker> | undefined;
  return {
    adapter: factory.adapter,
    open: async (environment) => {
      opened ??= factory.open(environment);
      const close = (): Promise<void> => Promise.resolve();
      const { streams, queues } = await opened;
      return { streams: streams!, queues: queues!, close, [Symbol.asyncDispose]: close };
    },
    end: async () => (await opened)?.close(),
  };
}

const STAGES = { "in memory": onMemory, "on disk": onDisk };
const deadlineMs = 5000;

async function typesOf(app: TestService, entity: string): Promise<number> {
  return (await app.until(app.store.readEntity(entity))).length;
}

async function lagOf(app: TestService): Promise<number> {
  const groups = await app.until(app.broker.streams!.listGroups());
  const positions = groups.flatMap((each) => each.positions);
  return positions.reduce((sum, { lag }) => sum + lag, 0);
}

for (const [where, stage] of Object.entries(STAGES)) {
  // proves: event-vs-command
  test(`a command is answered once it is committed, or refused and nothing changed, ${where}`, async () => {
    await stage(async (open) => {
      await using app = await open({});
      const ask = app.running.ask.bind(app.running);
      const opened = await app.until(ask(Open({ account: "a" }), { deadlineMs, actor: "ann" }));
      assert.equal(opened.ok && opened.reply, undefined);
      assert.equal(await typesOf(app, "account/a"), 1);
      assert.deepEqual(await app.until(ask(Open({ account: "a" }), { deadlineMs })), {
        ok: false,
        refusal: { code: "already-open", message: "it is open" },
      });
      assert.equal(await typesOf(app, "account/a"), 1);
      const paid = await app.until(ask(Deposit({ account: "a", cents: 5 }), { deadlineMs }));
      assert.deepEqual(paid.ok && paid.reply, { balance: 5 });
      await assert.rejects(app.until(ask(Open({ account: "" }), { deadlineMs })), {
        code: "BAD_PAYLOAD",
      });
    });
  });

  test(`commands of one entity, asked and sent, are decided one on the other, ${where}`, async () => {
    await stage(async (open) => {
      await using app = await open({});
      const ask = app.running.ask.bind(app.running);
      await app.until(ask(Open({ account: "a" }), { deadlineMs }));
      const sent = Array.from({ length: 20 }, () => Deposit({ account: "a", cents: 1 }));
      const asked = Promise.all(
        Array.from({ length: 20 }, () => ask(Deposit({ account: "a", cents: 1 }), { deadlineMs })),
      );
      await app.publish(sent);
      const answers = await app.until(asked);
      await app.settled();
      const balances = answers.map((each) => (each.ok ? Object(each.reply).balance : 0));
      assert.equal(new Set(balances).size, 20, "each on a state of its own");
      assert.equal(await typesOf(app, "account/a"), 41);
      assert.deepEqual(await app.until(app.running.get("own", "a")), { balance: 40 });
    });
  });

  test(`a decision on a state that another writer has changed is made anew, ${where}`, async () => {
    await stage(async (open, environment) => {
      await using app = await open({});
      const ask = app.running.ask.bind(app.running);
      await app.until(ask(Open({ account: "a" }), { deadlineMs }));
      const before = decided;
      const message = encodeMessage(
        {
          id: environment.ids.newId(),
          type: "account.deposited",
          kind: "event",
          version: 1,
          source: "bank",
          key: "a",
          time: environment.clock.now(),
        },
        new TextEncoder().encode('{"account":"a","cents":100}'),
      );
      const write = { entity: "account/a", expected: 1, events: [message] };
      await app.until(app.store.apply({ sets: [{ key: "x", finishes: [], events: [write] }] }));
      const paid = await app.until(ask(Deposit({ account: "a", cents: 5 }), { deadlineMs }));
      assert.deepEqual(paid.ok && paid.reply, { balance: 105 });
      assert.equal(decided - before, 2, "once on the old state, once on the new one");
      assert.equal(await typesOf(app, "account/a"), 3);
    });
  });

  test(`asked again under its id a command gives the same answer and does nothing, ${where}`, async () => {
    await stage(async (open) => {
      const draft = Deposit({ account: "a", cents: 5 });
      let first: unknown;
      {
        await using app = await open({});
        const ask = app.running.ask.bind(app.running);
        await app.until(ask(Open({ account: "a" }), { deadlineMs }));
        const both = [1, 2].map(() => ask(draft, { deadlineMs, id: "once" }));
        const [one, two] = await app.until(Promise.all(both));
        assert.deepEqual(one!.ok && one!.reply, two!.ok && two!.reply);
        first = one!.ok && one!.reply;
        await app.until(ask(Deposit({ account: "a", cents: 1 }), { deadlineMs }));
        const again = await app.until(ask(draft, { deadlineMs, id: "once" }));
        assert.deepEqual(again.ok && again.reply, first);
      }
      await using app = await open({});
      const ask = app.running.ask.bind(app.running);
      const before = decided;
      const again = await app.until(ask(draft, { deadlineMs, id: "once" }));
      assert.deepEqual(again.ok && again.reply, first);
      assert.equal(decided, before);
      assert.equal(await typesOf(app, "account/a"), 3);
      assert.ok(again.ok);
      assert.deepEqual(await app.until(app.running.get("own", "a", { notBefore: again.token })), {
        balance: 6,
      });
      await app.publish(Open({ account: "b" }), { id: "sent" });
      await app.settled();
      await assert.rejects(app.until(ask(Open({ account: "b" }), { deadlineMs, id: "sent" })), {
        code: "CONFLICT",
        message: /nobody asked/,
      });
    });
  });

  // proves: eventual-consistency
  test(`a read with an answer's token sees what was done, in own and other services' views, ${where}`, async () => {
    await stage(async (open) => {
      await using app = await open({});
      const store = where === "in memory" ? { store: memoryStore() } : {};
      await using reports = await open({ service: reporting, ...store });
      const ask = app.running.ask.bind(app.running);
      await app.until(ask(Open({ account: "a" }), { deadlineMs }));
      for (let round = 1; round <= 5; round++) {
        const paid = await app.until(ask(Deposit({ account: "a", cents: 1 }), { deadlineMs }));
        assert.ok(paid.ok);
        const seen = { notBefore: paid.token, deadlineMs };
        const found = await app.until(
          Promise.all([
            app.running.get("own", "a", seen),
            reports.running.get("others", "a", seen),
          ]),
        );
        assert.deepEqual(found, [{ balance: round }, { balance: round }]);
      }
      const [noted] = await app.publish(Noted({ account: "a" }));
      const seen = { notBefore: noted!.token!, deadlineMs };
      assert.deepEqual(await app.until(reports.running.get("others", "a", seen)), { balance: 5 });
      await app.until(reports.running.pause("others", { by: "test", sinceMs: 0 }));
      const paid = await app.until(ask(Deposit({ account: "a", cents: 1 }), { deadlineMs }));
      assert.ok(paid.ok);
      const late = reports.running.get("others", "a", { notBefore: paid.token, deadlineMs: 300 });
      await assert.rejects(app.until(late), { code: "DEADLINE" });
      assert.equal(await lagOf(reports), 1, "how far it is behind can be told");
      await app.until(reports.running.resume("others"));
      const { documents } = await app.until(
        reports.running.find("others", {}, { notBefore: paid.token }),
      );
      assert.deepEqual(documents, [{ id: "a", data: { balance: 6 } }]);
      await reports.settled();
      assert.equal(await lagOf(reports), 0);
    });
  });

  test(`an answer that a crash kept from being told is there when asked again, ${where}`, async () => {
    await stage(async (open) => {
      const gone = new MillraceError("CLOSED", "the process is gone");
      const state = { crashed: false };
      const app = await open({
        wrap: ({ broker, store }) => ({ broker, store: crashingAfterAnswer(store, state, gone) }),
      });
      const draft = Open({ account: "a" });
      const asked = app.running.ask(draft, { deadlineMs, id: "once" });
      await assert.rejects(app.until(asked));
      assert.ok(state.crashed);
      await app.close().catch(() => undefined);
      await using next = await open({});
      const before = decided;
      const again = await next.until(next.running.ask(draft, { deadlineMs, id: "once" }));
      assert.ok(again.ok);
      assert.equal(decided, before);
      assert.equal(await typesOf(next, "account/a"), 1);
    });
  });
}

/** The commit that keeps an answer takes effect, and is the last thing that this process sees. */
function crashingAfterAnswer(store: Store, state: { crashed: boolean }, error: Error): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...parameters: unknown[]): Promise<unknown> => {
        if (state.crashed && name !== "close") throw error;
        const answered = name === "apply" && JSON.stringify(parameters).includes("millrace.answer");
        if (answered) state.crashed = true;
        const result: unknown = await Reflect.apply(member, target, parameters);
        if (answered) throw error;
        return result;
      };
    },
  });
}

test("a handler that fails is tried again within the deadline, then whoever asked is told", async () => {
  await onMemory(async (open) => {
    await using app = await open({});
    const ask = app.running.ask.bind(app.running);
    broken = true;
    const before = decided;
    try {
      await assert.rejects(app.until(ask(Open({ account: "a" }), { deadlineMs })), {
        code: "HANDLER_FAILED",
        message: /failed 3 times, last with TypeError: cannot read x/,
      });
      assert.equal(decided - before, 3);
      const asked = ask(Open({ account: "a" }), { deadlineMs });
      const behind = ask(Deposit({ account: "a", cents: 1 }), { deadlineMs });
      await assert.rejects(app.until(asked), { code: "HANDLER_FAILED" });
      assert.equal((await app.until(behind)).ok, false, "what waited behind it goes on");
      await assert.rejects(app.until(ask(Open({ account: "b" }), { deadlineMs: 5 })), {
        code: "DEADLINE",
      });
    } finally {
      broken = false;
    }
    assert.equal(await typesOf(app, "account/a"), 0);
    assert.deepEqual(await app.until(app.broker.queues!.listDeadLetters("desk")), []);
    assert.equal((await app.until(ask(Open({ account: "a" }), { deadlineMs }))).ok, true);
  });
});

const Charge = command("charge", account, { key: (c) => c.account, refuses: ["no-card"] });
const charges = queue("charges", { Charge });

test("while a dependency is down a command waits, and at its deadline it is given up undone", async () => {
  let down = true;
  const done: string[] = [];
  const part = consumer("charger", { from: charges }).handle({
    Charge: (c) => {
      if (down) throw dependencyDown("the bank does not answer");
      if (c.account === "poor") return reject("no-card");
      done.push(c.account);
      return undefined;
    },
  });
  await onMemory(async (open) => {
    await using app = await open({ service: service("s", { part }), store: memoryStore() });
    const ask = app.running.ask.bind(app.running);
    const soon = ask(Charge({ account: "a" }), { deadlineMs: 500 });
    const later = ask(Charge({ account: "b" }), { deadlineMs: 120_000 });
    const why = /stands still: the bank does not answer/;
    await assert.rejects(app.until(soon), { code: "DEADLINE", message: why });
    down = false;
    assert.equal((await app.until(later)).ok, true);
    assert.deepEqual(done, ["b"]);
    assert.equal((await app.running.status())[0]!.expired, 1);
    const poor = await app.until(ask(Charge({ account: "poor" }), { deadlineMs }));
    assert.deepEqual(poor, { ok: false, refusal: { code: "no-card" } });
  });
});

test("what is answered after the deadline was done, and its answer is there when asked again", async () => {
  let calls = 0;
  await onMemory(async (open, environment) => {
    const part = consumer("charger", { from: charges }).handle({
      Charge: async () => {
        calls++;
        await delay(environment.clock, 1000);
      },
    });
    await using app = await open({ service: service("s", { part }), store: memoryStore() });
    const ask = app.running.ask.bind(app.running);
    const how = { id: "slow", deadlineMs: 200 };
    await assert.rejects(app.until(ask(Charge({ account: "a" }), how)), {
      code: "DEADLINE",
      message: /ask again under the id slow/,
    });
    await app.settled();
    assert.deepEqual((await app.until(ask(Charge({ account: "a" }), how))).ok, true);
    assert.equal(calls, 1);
  });
});

test("a command that nothing here handles, and more than are taken at a time, are refused", async () => {
  await onMemory(async (open, environment) => {
    const part = consumer("charger", { from: charges, concurrency: 1 }).handle({
      Charge: () => delay(environment.clock, 60_000),
    });
    await using app = await open({ service: service("s", { part }), store: memoryStore() });
    const ask = app.running.ask.bind(app.running);
    await assert.rejects(ask(Open({ account: "a" }), { deadlineMs }), {
      code: "UNREACHABLE",
      message: /nothing in the service "s" handles/,
    });
    const many = Array.from({ length: 4097 }, (_, n) =>
      ask(Charge({ account: `${n}` }), { deadlineMs: 100 }).catch((error: unknown) =>
        error instanceof MillraceError ? error.code : error,
      ),
    );
    const ends = await app.until(Promise.all(many));
    assert.equal(ends.filter((code) => code === "OVERLOADED").length, 1);
    assert.equal(ends.filter((code) => code === "DEADLINE").length, 4096);
  });
});
