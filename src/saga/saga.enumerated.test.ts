/**
 * A process killed at every step, enumerated: after each single commit, each publish and each
 * acknowledgement in turn the process is gone with everything that it knew, and another takes over the
 * same store and broker. All runs must end alike, and no command may ever have had two ids.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { decodeEnvelope } from "../codecs/cloudevents-reader.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { MillraceError } from "../model/errors.ts";
import type { RawMessage } from "../model/message.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event, timer } from "../schema/message-type.ts";
import { reject } from "../service/ask/answer.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { document } from "../service/consumer/document.ts";
import { service } from "../service/service.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openTestService, type TestPorts } from "../testing/test-service.ts";
import { abort, after, end, step } from "./actions.ts";
import { saga } from "./saga.ts";

const order = z.object({ id: z.string() });
const byId = { key: (data: { readonly id: string }) => data.id };
const Placed = event("placed", order, byId);
const Take = command("take", order, byId);
const Give = command("give", order, byId);
const Reserve = command("reserve", order, byId);
const Release = command("release", order, byId);
const Ship = command("ship", order, { ...byId, refuses: ["no-ship"] });
const Thank = command("thank", order, byId);
const Ask = command("ask", order, byId);
const Unask = command("unask", order, byId);
const ThankDue = timer("thank.due", order);
const orders = stream("orders", { Placed }, { partitions: 1 });
const work = queue(
  "work",
  { Take, Give, Reserve, Release, Ship, Thank, Unask },
  { attempts: 50, lease: "5s" },
);
/** Nobody answers here. */
const deaf = queue("deaf", { Ask });

const process = saga("process", {
  from: orders,
  sends: [work, deaf],
  timers: { ThankDue },
  initial: { thanked: false },
})
  .evolve({ ThankDue: () => ({ thanked: true }) })
  .react({
    Placed: (e) => step(Take(e), { undo: Give(e) }),
    ThankDue: (e) => [Thank(e), end()],
  })
  .answers({
    Take: (_, __, { instance: id }) =>
      id === "deaf"
        ? step(Ask({ id }), { undo: Unask({ id }), deadline: "3s" })
        : step(Reserve({ id }), { undo: Release({ id }), deadline: "1h" }),
    Reserve: (_, __, { instance: id }) => step(Ship({ id })),
    Ship: (answer, _, { instance: id }) =>
      answer.ok ? after("3s", ThankDue({ id })) : abort(answer.refusal.code),
  });

/** Every command that was done, in order, by order. */
const ledger = document<{ readonly done: readonly string[] }>("ledger");
const worker = consumer("worker", { from: work, docs: { ledger } }).handle({
  Take: (c, { docs }) => note(docs.ledger, c.id, "take"),
  Give: (c, { docs }) => note(docs.ledger, c.id, "give"),
  Reserve: (c, { docs }) => note(docs.ledger, c.id, "reserve"),
  Release: (c, { docs }) => note(docs.ledger, c.id, "release"),
  Thank: (c, { docs }) => note(docs.ledger, c.id, "thank"),
  Unask: (c, { docs }) => note(docs.ledger, c.id, "unask"),
  Ship: (c, { docs }) => (c.id === "refused" ? reject("no-ship") : note(docs.ledger, c.id, "ship")),
});

async function note(
  docs: {
    get(id: string): Promise<{ readonly done: readonly string[] } | undefined>;
    put(id: string, data: { readonly done: readonly string[] }): void;
  },
  id: string,
  what: string,
): Promise<void> {
  const known = await docs.get(id);
  docs.put(id, { done: [...(known?.done ?? []), what] });
}

const shop = service("shop", { process, worker });
const ENDS: Readonly<Record<string, readonly string[]>> = {
  good: ["take", "reserve", "ship", "thank"],
  refused: ["take", "reserve", "release", "give"],
  deaf: ["take", "unask", "give"],
};

/** What changes something, so that it matters whether the process lives on behind it. */
const CHANGES = new Set(["apply", "trimOutbox", "append", "send", "accept", "leaseLane", "commit"]);

interface Watch {
  calls: number;
  /** The ids of each command that was sent, by type and order. */
  readonly ids: Map<string, Set<string>>;
}

/** After the call of this number nothing answers any more, as when the process is killed. */
function mortal({ broker, store }: TestPorts, lastCall: number, watch: Watch): TestPorts {
  let dead = false;
  const crash = (): never => {
    throw new MillraceError("CLOSED", "the process is gone");
  };
  const guard = <Port extends object>(port: Port, untouched: readonly string[] = []): Port =>
    new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        // Reading is an iteration, not a call.
        if (untouched.includes(String(name))) return member.bind(target);
        return async (...given: unknown[]): Promise<unknown> => {
          if (dead) crash();
          const call = CHANGES.has(String(name)) ? watch.calls++ : -1;
          const result: unknown = await Reflect.apply(member, target, given);
          if (name === "send") noteIds(given, watch);
          if (call >= 0 && call === lastCall) dead = true;
          if (dead) crash();
          return result;
        };
      },
    });
  return {
    broker: { ...broker, streams: guard(broker.streams!, ["read"]), queues: guard(broker.queues!) },
    store: guard(store),
  };
}

function noteIds([queueName, items]: unknown[], { ids }: Watch): void {
  if (queueName !== work.name && queueName !== deaf.name) return;
  // The port's own types were lost on the way through the proxy.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  for (const { message } of items as readonly { readonly message: RawMessage }[]) {
    const { type, key, id } = decodeEnvelope(message, { receivedMs: 0 });
    const name = `${type} of ${key}`;
    ids.set(name, (ids.get(name) ?? new Set()).add(id));
  }
}

async function run(lastCall: number): Promise<{ readonly calls: number; readonly died: boolean }> {
  const environment = createTestEnvironment();
  const base = { service: shop, environment, broker: memoryBroker(), store: memoryStore() };
  const watch: Watch = { calls: 0, ids: new Map() };
  const first = await openTestService({ ...base, wrap: (ports) => mortal(ports, lastCall, watch) });
  for (const id of Object.keys(ENDS)) {
    await first.publish(Placed({ id }));
    // One after the other, so that their steps share few commits.
    await environment.clock.advance(500);
  }
  await environment.clock.advance(8000);
  const calls = watch.calls;
  await first.until(first.running.stop({ deadlineMs: 1 })).catch(() => undefined);
  await first.broker.close();
  await first.store.close();

  await using second = await openTestService({
    ...base,
    wrap: (ports) => mortal(ports, Number.POSITIVE_INFINITY, watch),
  });
  // The leases of the one that was killed end by time.
  await environment.clock.advance(60_000);
  await second.settled();
  const where = `killed after call ${lastCall}`;
  const documents = await second.store.getDocuments("document.ledger", Object.keys(ENDS));
  for (const [id, done] of Object.entries(ENDS)) {
    assert.deepEqual(JSON.parse(documents.get(id)?.json ?? "null"), { done }, `${id}, ${where}`);
    const { status, timers, openSteps, state } = await shownOf(second, id);
    assert.deepEqual([status, timers, openSteps], ["ended", [], 0], `${id}, ${where}`);
    assert.equal(state, `{"thanked":${id === "good"}}`, `${id}, ${where}`);
  }
  const twice = [...watch.ids].filter(([, ids]) => ids.size !== 1);
  assert.deepEqual(twice, [], where);
  assert.equal(watch.ids.size, 13, where);
  assert.deepEqual(await second.running.listParked("process"), [], where);
  return { calls, died: calls > lastCall };
}

async function shownOf(stage: Awaited<ReturnType<typeof openTestService>>, id: string) {
  const { stateJson: state, ...shown } = await stage.running.showSaga("process", id);
  return { ...shown, state };
}

// proves: orchestration
test("a process killed after any of its steps ends as one that was never killed", async () => {
  const { calls } = await run(Number.POSITIVE_INFINITY);
  assert.ok(calls > 60, `only ${calls} calls to be killed after`);
  let died = 0;
  for (let call = 0; call < calls; call++) if ((await run(call)).died) died++;
  assert.equal(died, calls);
});
