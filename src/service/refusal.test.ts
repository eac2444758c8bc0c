import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { consumer } from "./consumer/consumer.ts";
import { document } from "./consumer/document.ts";
import type { Service } from "./part.ts";
import { refuseContradictions } from "./refusal.ts";
import { service } from "./service.ts";
import { startService } from "./start-service.ts";

const item = z.object({ key: z.string() });
const Noted = event("noted", item);
const Do = command("do", item);
const notes = stream("notes", { Noted });
const todo = queue("todo", { Do });
const ordered = queue("ordered", { Do: command("do.ordered", item) }, { keyOrder: true });

const reader = (name: string) => consumer(name, { from: notes, publishes: [] }).handle({});
const doer = (name: string) => consumer(name, { from: todo }).handle({ Do: () => undefined });
const writer = (name: string) =>
  consumer(name, { from: todo, publishes: notes }).handle({ Do: () => undefined });

async function start(of: Service, lacks: "streams" | "queues" | "keyOrder"): Promise<void> {
  const environment = createTestEnvironment();
  const broker = await memoryBroker().open(environment);
  const store = await memoryStore().open({ service: of.name, environment });
  const { capabilities } = broker.queues!;
  const queues = new Proxy(broker.queues!, {
    get: (target, name) =>
      name === "capabilities"
        ? {
            adapter: "poor",
            levels: {
              ...capabilities.levels,
              keyOrder: { level: "absent", reason: "it keeps none" },
            },
          }
        : Reflect.get(target, name, target),
  });
  await startService({
    service: of,
    streams: lacks === "streams" ? undefined : broker.streams,
    queues: lacks === "queues" ? undefined : lacks === "keyOrder" ? queues : broker.queues,
    store,
    environment,
  });
}

test("a capability that is missing is refused with adapter, part and remedy", async () => {
  const part = consumer("strict", { from: ordered }).handle({ Do: () => undefined });
  await assert.rejects(start(service("s", { part }), "keyOrder"), {
    code: "CAPABILITY_MISSING",
    message:
      'consumer "strict" needs keyOrder, which poor lacks: it keeps none; drop keyOrder from the queue, or use a broker that has it',
    details: { part: "strict", capability: "keyOrder", adapter: "poor" },
  });
  await assert.rejects(start(service("s", { part: reader("r") }), "streams"), {
    code: "CAPABILITY_MISSING",
    message: /"r" needs streams, which no configured broker offers/,
  });
  await assert.rejects(start(service("s", { part: doer("d") }), "queues"), {
    code: "CAPABILITY_MISSING",
    message: /"d" needs queues/,
  });
});

// proves: event-vs-command
test("two readers of one queue, two owners of one stream, and names used twice are refused", () => {
  const refused = (services: readonly Service[], text: RegExp): void => {
    assert.throws(() => refuseContradictions(services), { code: "BAD_DECLARATION", message: text });
  };
  refused([service("s", { a: doer("a"), b: doer("b") })], /"todo" is read by s\.a and by s\.b/);
  refused(
    [
      service("one", { a: writer("a") }),
      service("two", { b: consumer("b", { from: notes, publishes: notes }).handle({}) }),
    ],
    /"notes" is published by the services "one" and "two"/,
  );
  refused([service("s", { a: reader("a") }), service("s", { b: reader("b") })], /two services/);
  const one = document<{ a: string }>("doc", { index: ["a"] });
  const other = document<{ a: string }>("doc");
  refused(
    [
      service("s", {
        a: consumer("a", { from: notes, docs: { one } }).handle({}),
        b: consumer("b", { from: notes, docs: { other } }).handle({}),
      }),
    ],
    /declares document\.doc twice/,
  );
  refused(
    [
      service("s", {
        a: reader("a"),
        b: consumer("b", { from: stream("notes", { Noted }) }).handle({}),
      }),
    ],
    /stream "notes" is declared twice/,
  );
  const elsewhere = queue("elsewhere", { Do });
  refused(
    [
      service("one", { a: doer("a") }),
      service("two", { b: consumer("b", { from: elsewhere }).handle({ Do: () => undefined }) }),
    ],
    /the command "do" is carried by the queues "todo" and "elsewhere"; a command has one address/,
  );
  refused(
    [service("s", { a: consumer("a", { from: notes, sends: [todo, elsewhere] }).handle({}) })],
    /remove it from one of them/,
  );
  assert.throws(() => service("s", { a: reader("x"), b: doer("x") }), /two parts named "x"/);
  const seen = view("seen", { from: notes, initial: {} }).evolve({});
  assert.throws(
    () => service("s", { seen, a: doer("seen.v2.r1") }),
    /a part named "seen\.v2\.r1", as the versions of its view "seen" are/,
  );
});

test("a declaration that contradicts itself is refused where it is made", () => {
  const refused = (declare: () => unknown, text: RegExp): void => {
    assert.throws(declare, { code: "BAD_DECLARATION", message: text });
  };
  refused(() => consumer("no name", { from: notes }), /is no name for a consumer/);
  refused(
    () => consumer("c", { from: notes, policy: { attempts: 0 } }),
    /policy\.attempts of consumer "c" is 0/,
  );
  refused(() => view("v", { from: notes, initial: {}, version: 0 }), /version of view "v" is 0/);
  const unchecked: any = { Do: undefined };
  refused(() => consumer("c", { from: todo }).handle(unchecked), /has no handler Do/);
  const stray: any = { Notd: () => undefined };
  refused(() => view("v", { from: notes, initial: {} }).evolve(stray), /has a handler Notd/);
});
