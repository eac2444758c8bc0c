/**
 * A run with random faults: calls that are dropped before or after they took effect, or take effect
 * in part, answers that come late, messages that come twice, handlers that throw, and restarts. In
 * the end everything must have happened once, each key in order, with nothing parked and nothing left
 * in the outbox.
 *
 * A seed repeats its run to the last step.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { Streams } from "../broker/streams.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { delay } from "../model/clock.ts";
import { MillraceError } from "../model/errors.ts";
import type { Random } from "../model/ids.ts";
import { createSeededRandom } from "../model/ids.ts";
import { stream } from "../schema/channel.ts";
import { event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import type { Store } from "../store/store.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";
import { openTestService, type TestPorts } from "../testing/test-service.ts";
import { consumer } from "./consumer/consumer.ts";
import { document } from "./consumer/document.ts";
import { dependencyDown } from "./failure.ts";
import { service } from "./service.ts";

const item = z.object({ key: z.string(), n: z.number() });
const In = event("in", item, { key: (e) => e.key });
const Out = event("out", item.extend({ count: z.number() }), { key: (e) => e.key });
const ins = stream("ins", { In }, { partitions: 2 });
// Without the broker's own window of ids, so that what is published twice also arrives twice.
const outs = stream("outs", { Out }, { partitions: 2, dedupe: false });
const tally = document<{ count: number }>("tally");

const KEYS = ["a", "b", "c", "d", "e"];
const MESSAGES = 60;
const ROUNDS = 3;

interface Faults {
  dropped: number;
  unanswered: number;
  partly: number;
  late: number;
  twice: number;
  thrown: number;
}

const chain = (random: Random, faults: Faults) => {
  const count = consumer("count", {
    from: ins,
    publishes: outs,
    docs: { tally },
    policy: { attempts: 1000, backoffMs: 10, backoffMsMax: 100 },
  }).handle({
    In: async (e, { docs, emit }) => {
      const { count: before } = (await docs.tally.get(e.key)) ?? { count: 0 };
      docs.tally.put(e.key, { count: before + 1 });
      emit(Out({ ...e, count: before + 1 }));
      const chance = random.next();
      if (chance < 0.2) faults.thrown++;
      if (chance < 0.1) throw new TypeError("a bug that comes and goes");
      if (chance < 0.2) throw dependencyDown("it does not answer");
    },
  });
  const trail = view("trail", {
    from: outs,
    initial: { ns: [] as number[], counts: [] as number[] },
  });
  return service("s", {
    count,
    trail: trail.evolve({
      Out: (s, e) => ({ ns: [...s.ns, e.n], counts: [...s.counts, e.count] }),
    }),
  });
};

/**
 * The changing calls fail, answer late or happen twice. Only a store's `apply` keeps its answer: its
 * contract is that what it refuses was not applied.
 */
function chaotic(
  { broker, store }: TestPorts,
  { environment, random, faults }: { environment: TestEnvironment; random: Random; faults: Faults },
): TestPorts {
  const partly: Streams["append"] = async (name, messages, options) => {
    faults.partly++;
    const written = Math.floor(random.next() * messages.length);
    const answers = await broker.streams!.append(name, messages.slice(0, written), options);
    const error = new MillraceError("DISK_FAILED", "the disk took a part");
    return messages.map((_, index) => answers[index] ?? { ok: false, error });
  };
  const disturb = async (call: () => Promise<unknown>, name: string): Promise<unknown> => {
    const chance = random.next();
    const code = name === "append" ? "UNREACHABLE" : "STORE_FAILED";
    if (chance < 0.12) {
      faults.dropped++;
      throw new MillraceError(code, "the call was lost", { retryable: true });
    }
    if (name === "append" && random.next() < 0.3) {
      faults.twice++;
      await call();
    }
    const answer = await call();
    if (chance < 0.35 && name !== "apply") {
      faults.unanswered++;
      throw new MillraceError(code, "the answer was lost", { retryable: true });
    }
    if (chance < 0.6) {
      faults.late++;
      await delay(environment.clock, random.next() * 50);
    }
    return answer;
  };
  const around = <Port extends object>(port: Port, names: readonly string[]): Port =>
    new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        const call = (parameters: unknown[]): any => Reflect.apply(member, target, parameters);
        if (!names.includes(String(name))) return (...parameters: unknown[]) => call(parameters);
        if (name === "append" && random.next() < 0.2) return partly;
        return (...parameters: unknown[]) => disturb(() => call(parameters), String(name));
      },
    });
  const streams: Streams = around(broker.streams!, ["append"]);
  const faultyStore: Store = around(store, ["apply", "trimOutbox"]);
  const close = (): Promise<void> => broker.close();
  return {
    broker: { streams, queues: broker.queues!, close, [Symbol.asyncDispose]: close },
    store: faultyStore,
  };
}

// proves: fault-isolation
test("through drops, delays, duplicates, failures and restarts everything happens once and in order", async (t) => {
  const faults: Faults = { dropped: 0, unanswered: 0, partly: 0, late: 0, twice: 0, thrown: 0 };
  for (let seed = 1; seed <= 6; seed++) {
    const environment = createTestEnvironment({ seed });
    const random = createSeededRandom(seed);
    const options = {
      environment,
      service: chain(random, faults),
      broker: memoryBroker(),
      store: memoryStore(),
      wrap: (ports: TestPorts) => chaotic(ports, { environment, random, faults }),
    };
    let n = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const app = await openTestService(options);
      for (let sent = 0; sent < MESSAGES / ROUNDS; sent++, n++) {
        const draft = In({ key: KEYS[n % KEYS.length]!, n });
        await app.publish(draft, { id: `e-${n}` });
        if (random.next() < 0.3) await app.publish(draft, { id: `e-${n}` });
      }
      await environment.clock.advance(random.next() * 2_000);
      await app.until(app.running.stop({ deadlineMs: random.next() * 20 })).catch(() => undefined);
      await app.broker.close();
      await app.store.close();
    }
    await using app = await openTestService(options);
    await app.settled();
    for (const [index, key] of KEYS.entries()) {
      const expected = Array.from(
        { length: MESSAGES / KEYS.length },
        (_, each) => each * KEYS.length + index,
      );
      assert.deepEqual(
        await app.running.get("trail", key),
        { ns: expected, counts: expected.map((_, each) => each + 1) },
        `${key} of seed ${seed}`,
      );
    }
    await environment.clock.advance(60_000);
    assert.deepEqual(await app.running.listParked("count"), []);
    assert.deepEqual(await app.store.pendingLanes(), []);
  }
  t.diagnostic(JSON.stringify(faults));
  for (const [kind, count] of Object.entries(faults)) assert.ok(count > 10, `${kind}: ${count}`);
});
