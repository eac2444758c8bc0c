/**
 * Every single fault of a small run: the process ends before or after each call that changes
 * something, and a new one takes over. State and messages must have taken effect once.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { Broker } from "../broker/broker.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { MillraceError } from "../model/errors.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openTestService, type TestPorts } from "../testing/test-service.ts";
import type { Store } from "../store/store.ts";
import { consumer } from "./consumer/consumer.ts";
import { document } from "./consumer/document.ts";
import { service } from "./service.ts";

const item = z.object({ key: z.string(), n: z.number() });
const In = event("in", item, { key: (e) => e.key });
const Mid = event("mid", item, { key: (e) => e.key });
const Do = command("do", item, { key: (c) => c.key });
const Out = event("out", item, { key: (e) => e.key });
const ins = stream("ins", { In }, { partitions: 1 });
const mids = stream("mids", { Mid }, { partitions: 1, dedupe: false });
const outs = stream("outs", { Out }, { partitions: 1, dedupe: false });
const todo = queue("todo", { Do }, { dedupe: false, attempts: 50, lease: "5s" });

/** in -> (count, mid, command) -> count of mids; command -> out -> count of outs. */
const tally = document<{ n: number }>("tally");
const split = consumer("split", {
  from: ins,
  publishes: mids,
  sends: todo,
  docs: { tally },
}).handle({
  In: async (e, { emit, docs }) => {
    const known = (await docs.tally.get(e.key)) ?? { n: 0 };
    docs.tally.put(e.key, { n: known.n + 1 });
    emit(Mid(e));
    emit(Do(e));
  },
});
const doer = consumer("doer", { from: todo, publishes: outs }).handle({
  Do: (c, { emit }) => emit(Out(c)),
});
const count = { n: 0, sum: 0 };
const midView = view("mid-view", { from: mids, initial: count }).evolve({
  Mid: (s, e) => ({ n: s.n + 1, sum: s.sum + e.n }),
});
const outView = view("out-view", { from: outs, initial: count }).evolve({
  Out: (s, e) => ({ n: s.n + 1, sum: s.sum + e.n }),
});
const small = service("small", { split, doer, midView, outView });

/** The calls that change something, and whose crash can therefore matter. */
const CHANGES = new Set(["apply", "trimOutbox", "append", "send", "accept", "leaseLane", "commit"]);

type Fault = { readonly at: number; readonly when: "before" | "after" };

/** Counts changing calls over all ports; at the fault's call everything stops answering, as in a crash. */
function faulty(ports: TestPorts, fault: Fault | undefined, calls: { count: number }): TestPorts {
  const state = { dead: false };
  const crashed = (): never => {
    throw new MillraceError("CLOSED", "the process is gone");
  };
  const guard = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return async (...parameters: unknown[]): Promise<unknown> => {
          if (state.dead) crashed();
          const counted = CHANGES.has(String(name));
          const mine = counted ? calls.count++ : -1;
          if (fault?.at === mine && fault.when === "before") {
            state.dead = true;
            crashed();
          }
          const result: unknown = await Reflect.apply(member, target, parameters);
          if (fault?.at === mine) state.dead = true;
          if (state.dead) crashed();
          return result;
        };
      },
    });
  const { streams, queues } = ports.broker;
  const guardedStreams = new Proxy(guard(streams!), {
    get(target, name) {
      // Reading is an iteration, not a call, and joining hands out objects of its own.
      if (name === "read") return streams!.read.bind(streams);
      return Reflect.get(target, name, target);
    },
  });
  const broker: Broker = {
    streams: guardedStreams,
    queues: guard(queues!),
    close: () => ports.broker.close(),
    [Symbol.asyncDispose]: () => ports.broker.close(),
  };
  const store: Store = guard(ports.store);
  return { broker, store };
}

const KEYS = ["a", "b", "c"];
const MESSAGES = 6;

async function runWith(
  fault: Fault | undefined,
): Promise<{ readonly calls: number; readonly crashed: boolean }> {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const store = memoryStore();
  const calls = { count: 0 };
  const base = { service: small, environment, broker, store };
  const first = await openTestService({ ...base, wrap: (ports) => faulty(ports, fault, calls) });
  for (let n = 0; n < MESSAGES; n++) {
    await first.publish(In({ key: KEYS[n % 3]!, n }));
    // Two at a time are under way together.
    if (n % 2 === 1) await environment.clock.advance(300);
  }
  await environment.clock.advance(2000);
  const before = calls.count;
  const crashed = fault !== undefined && before > fault.at;
  await first.until(first.running.stop({ deadlineMs: 1 })).catch(() => undefined);
  await first.broker.close();
  await first.store.close();

  await using second = await openTestService(base);
  // Leases of the former process end by time.
  await environment.clock.advance(60_000);
  await second.settled();
  for (const name of ["mid-view", "out-view"]) {
    for (const [index, key] of KEYS.entries()) {
      assert.deepEqual(
        await second.running.get(name, key),
        { n: 2, sum: index + (index + 3) },
        `${name} of ${key} after a fault ${JSON.stringify(fault)}`,
      );
    }
  }
  const tallies = await second.store.getDocuments("document.tally", KEYS);
  assert.deepEqual(
    KEYS.map((key) => tallies.get(key)?.json),
    KEYS.map(() => '{"n":2}'),
  );
  await environment.clock.advance(1000);
  assert.deepEqual(await second.store.pendingLanes(), []);
  return { calls: before, crashed };
}

// proves: crash-recovery
// proves: idempotent-local-state, reactions-with-causation, unit-of-work
test("a crash before or after any call leaves every effect on state once", async () => {
  const { calls } = await runWith(undefined);
  assert.ok(calls > 25, `only ${calls} calls to fail at`);
  let crashed = 0;
  for (let at = 0; at < calls; at++) {
    for (const when of ["before", "after"] as const) {
      if ((await runWith({ at, when })).crashed) crashed++;
    }
  }
  assert.ok(crashed >= calls, `only ${crashed} of ${2 * calls} runs crashed`);
});
