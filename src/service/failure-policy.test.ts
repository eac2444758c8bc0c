/** Decoupled retry and the circuit breaker, on stores that forget nothing when the service stops. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { isMillraceError } from "../model/errors.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { sqlite } from "../stores/sqlite/sqlite.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { realIo } from "../testing/real-io.ts";
import { openTestService, type TestService } from "../testing/test-service.ts";
import { consumer } from "./consumer/consumer.ts";
import type { FailurePolicy } from "./part.ts";
import { service } from "./service.ts";

const numbered = z.object({ key: z.string(), n: z.number() });
const Counted = event("counted", numbered, { key: (e) => e.key });
const counts = stream("counts", { Counted }, { partitions: 1 });
const Work = command("work", numbered, { key: (c) => c.key });
const work = queue("work", { Work }, { attempts: 2 });

type Handle = (item: z.infer<typeof numbered>, context: { readonly attempt: number }) => void;

const counting = (policy: Partial<FailurePolicy>, handle: Handle) =>
  service("s", {
    part: consumer("part", { from: counts, policy }).handle({ Counted: handle }),
  });

const DECOUPLED = { retry: "decoupled", attempts: 4, backoffMs: 100 } as const;
const BREAKER = { failures: 3, withinMs: 10_000, restMs: 1_000 } as const;

async function statusOf(app: TestService) {
  const [status] = await app.until(app.running.status());
  assert.ok(status);
  return status;
}

test("a decoupled retry waits in the store, other keys pass, and the order of its own key holds", async () => {
  const environment = createTestEnvironment();
  const done: string[] = [];
  const tries: (readonly [number, number])[] = [];
  const handled = counting(DECOUPLED, ({ key, n }, { attempt }) => {
    if (key === "a" && n === 0) {
      tries.push([attempt, environment.clock.monotonic()]);
      if (attempt < 3) throw new Error("not yet");
    }
    done.push(`${key}${n}`);
  });
  await using app = await openTestService({ service: handled, environment });
  await app.publish(["a", "b", "a", "b", "a"].map((key, n) => Counted({ key, n })));
  await environment.clock.advance(10);
  assert.deepEqual(done, ["b1", "b3"], "the other key does not wait");
  const [input] = (await statusOf(app)).inputs;
  assert.deepEqual([input?.parked, input?.lag], [3, 0], "nothing of it is left in memory");
  await app.settled();
  assert.deepEqual(done, ["b1", "b3", "a0", "a2", "a4"]);
  assert.deepEqual(
    tries.map(([attempt]) => attempt),
    [1, 2, 3],
  );
  const pauses = tries.slice(1).map(([, atMs], index) => atMs - tries[index]![1]);
  assert.ok(pauses[0]! >= 50 && pauses[0]! <= 101, `first pause ${pauses[0]}`);
  assert.ok(pauses[1]! >= 100 && pauses[1]! <= 201, `second pause ${pauses[1]}`);
  assert.deepEqual(await app.until(app.running.listParked("part")), []);
});

test("after the last decoupled try the message stays parked, and a redrive begins its tries anew", async () => {
  const environment = createTestEnvironment();
  let broken = true;
  const attempts: number[] = [];
  const handled = counting(DECOUPLED, (_, { attempt }) => {
    attempts.push(attempt);
    if (broken) throw new TypeError("a bug");
  });
  await using app = await openTestService({ service: handled, environment });
  await app.publish([Counted({ key: "a", n: 0 })]);
  await app.settled();
  await environment.clock.advance(600_000);
  assert.deepEqual(attempts, [1, 2, 3, 4]);
  const [parked] = await app.until(app.running.listParked("part"));
  assert.deepEqual([parked?.cause?.attempts, parked?.cause?.retryAtMs], [4, undefined]);
  broken = false;
  await app.until(app.running.redriveParked("all"));
  await app.settled();
  assert.deepEqual(attempts, [1, 2, 3, 4, 1]);
  assert.deepEqual(await app.until(app.running.listParked("part")), []);
});

test("the count of decoupled tries, and the moment of the next one, survive a restart on disk", async () => {
  const directory = await mkdtemp(join(tmpdir(), "millrace-retry-"));
  try {
    const environment = createTestEnvironment();
    const broker = memoryBroker();
    const store = sqlite({ directory });
    const run = { io: realIo };
    const attempts: number[] = [];
    const handled = counting({ ...DECOUPLED, backoffMs: 2_000 }, (_, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error("not yet");
    });
    const open = () =>
      openTestService({ service: handled, broker, store, environment, run: { ...run } });
    {
      await using app = await open();
      await app.publish([Counted({ key: "a", n: 0 })]);
      const parked = async (): Promise<number> => (await app.running.listParked("part")).length;
      while ((await app.until(parked())) === 0) await app.until(turn());
    }
    assert.deepEqual(attempts, [1]);
    await using app = await open();
    await app.until(turn());
    assert.deepEqual(attempts, [1], "the pause is not over because the process is another");
    await app.until(app.running.settled());
    assert.deepEqual(attempts, [1, 2, 3]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("during an outage the breaker parks nothing, probes one message a time, and then works all off", async () => {
  const environment = createTestEnvironment();
  let down = true;
  const tries: number[] = [];
  const done = new Map<string, number[]>();
  const handled = counting({ attempts: 2, backoffMs: 10, breaker: BREAKER }, ({ key, n }) => {
    tries.push(environment.clock.monotonic());
    if (down) throw new Error("the bank answers nonsense");
    done.set(key, [...(done.get(key) ?? []), n]);
  });
  await using app = await openTestService({ service: handled, environment });
  const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
  await app.publish(
    Array.from({ length: 60 }, (_, n) => Counted({ key: keys[n % keys.length]!, n })),
  );
  await environment.clock.advance(10_500);
  const status = await statusOf(app);
  assert.equal(status.state, "paused");
  assert.match(status.inputs[0]?.paused ?? "", /^circuit open: .*the bank answers nonsense/);
  assert.equal(status.inputs[0]?.parked, 0);
  const probes = tries.filter((atMs) => atMs >= 1_000).length;
  assert.equal(probes, 10, "one message for each second of rest");
  down = false;
  await app.settled();
  assert.equal([...done.values()].flat().length, 60);
  for (const ns of done.values()) {
    assert.deepEqual(
      ns,
      ns.toSorted((a, b) => a - b),
    );
  }
  assert.deepEqual(await app.until(app.running.listParked("part")), []);
  assert.equal((await statusOf(app)).state, "running");
});

test("a poisoned message opens no circuit while others go through, and parks its key alone", async () => {
  const environment = createTestEnvironment();
  const done: string[] = [];
  const policy = { attempts: 3, backoffMs: 10, breaker: { ...BREAKER, failures: 2 } };
  const two = counting(policy, ({ key, n }) => {
    if (key === "poison") throw new Error("always");
    done.push(`${key}${n}`);
  });
  await using app = await openTestService({ service: two, environment });
  await app.publish(
    Array.from({ length: 12 }, (_, n) => Counted({ key: n % 3 === 0 ? "poison" : `k${n % 3}`, n })),
  );
  await app.settled();
  assert.equal(done.length, 8);
  const parked = await app.until(app.running.listParked("part"));
  assert.deepEqual(new Set(parked.map(({ key }) => key)), new Set(["poison"]));
  assert.ok(!environment.entries.some(({ facts }) => String(facts["reason"]).includes("circuit")));
});

test("a circuit that poisoned messages opened lets the others through, and they park in the end", async () => {
  const environment = createTestEnvironment();
  const delays: number[] = [];
  const sentMs: number[] = [];
  const policy = { attempts: 2, backoffMs: 10, breaker: BREAKER };
  const handled = counting(policy, ({ key, n }) => {
    if (key.startsWith("poison")) throw new Error("always");
    delays.push(environment.clock.monotonic() - sentMs[n]!);
  });
  await using app = await openTestService({ service: handled, environment });
  const poisons = ["poison1", "poison2", "poison3"];
  await app.publish(poisons.map((key, n) => Counted({ key, n })));
  for (let n = 0; n < 20; n++) {
    sentMs[n] = environment.clock.monotonic();
    await app.publish([Counted({ key: `good${n}`, n })]);
    await environment.clock.advance(2_000);
  }
  await app.settled();
  assert.equal(delays.length, 20);
  assert.ok(Math.max(...delays) <= 4 * BREAKER.restMs, `one waited for ${Math.max(...delays)} ms`);
  const parked = await app.until(app.running.listParked("part"));
  assert.ok(parked.length > 0);
  assert.ok(parked.every(({ key }) => poisons.includes(key)));
});

test("an open circuit uses up no attempts of a queue's messages", async () => {
  const environment = createTestEnvironment();
  let down = true;
  const done: number[] = [];
  const part = consumer("part", { from: work, policy: { breaker: BREAKER } }).handle({
    Work: ({ n }) => {
      if (down) throw new Error("down");
      done.push(n);
    },
  });
  await using app = await openTestService({ service: service("s", { part }), environment });
  await app.publish(Array.from({ length: 10 }, (_, n) => Work({ key: `k${n}`, n })));
  await environment.clock.advance(60_000);
  assert.match((await statusOf(app)).inputs[0]?.paused ?? "", /circuit open/);
  const dead = await app.until(app.broker.queues!.listDeadLetters("work"));
  assert.deepEqual(dead, []);
  down = false;
  await environment.clock.advance(60_000);
  await app.settled();
  assert.deepEqual(
    done.toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test("a policy that contradicts itself is refused", () => {
  const refused = (policy: object): string => {
    try {
      counting(policy, () => {});
    } catch (error) {
      assert.ok(isMillraceError(error, "BAD_DECLARATION"), String(error));
      return error.message;
    }
    return assert.fail("it was not refused");
  };
  assert.match(refused({ retry: "later" }), /policy\.retry of consumer "part"/);
  assert.match(refused({ retry: "decoupled", onFailure: "skip" }), /write onFailure "park"/);
  assert.match(refused({ breaker: { ...BREAKER, failures: 0 } }), /breaker\.failures .* is 0/);
  assert.match(refused({ breaker: { failures: 3, withinMs: 1 } }), /breaker\.restMs .* undefined/);
});
