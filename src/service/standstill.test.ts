/** Ways in which an input once stood still, or ran in circles, for ever. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { Queues } from "../broker/queues.ts";
import { encodeMessage } from "../codecs/cloudevents.ts";
import { delay } from "../model/clock.ts";
import { MillraceError } from "../model/errors.ts";
import type { Header } from "../model/message.ts";
import { valuesOf } from "../model/outcome.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import { openTestService, type TestService } from "../testing/test-service.ts";
import { consumer } from "./consumer/consumer.ts";
import { badMessage, dependencyDown } from "./failure.ts";
import type { Part } from "./part.ts";
import { service } from "./service.ts";

const numbered = z.object({ key: z.string(), n: z.number() });
const Counted = event("counted", numbered, { key: (data) => data.key });
const one = stream("one", { Counted }, { partitions: 1 });
const Work = command("work", numbered, { key: (data) => data.key });
const work = queue("work", { Work }, { attempts: 3 });

type Mode = "bad" | "down" | "ok";

/** A consumer that fails as it is told to, and keeps the numbers that it handled. */
function createMoody(onFailure: "park" | "block"): {
  readonly part: Part;
  readonly handled: number[];
  mode: Mode;
} {
  const handled: number[] = [];
  const moody = {
    mode: "ok" as Mode,
    handled,
    part: consumer("part", { from: one, policy: { onFailure } }).handle({
      Counted: ({ n }) => {
        if (moody.mode === "bad") throw badMessage("no");
        if (moody.mode === "down") throw dependencyDown("the bank is down");
        handled.push(n);
      },
    }),
  };
  return moody;
}

function pass(app: TestService, ms: number): Promise<void> {
  return app.until(delay(app.environment.clock, ms));
}

test("a redrive during an outage goes on after it, also when a message of the key came meanwhile", async () => {
  const moody = createMoody("park");
  await using app = await openTestService({ service: service("s", { part: moody.part }) });
  moody.mode = "bad";
  await app.publish(Counted({ key: "a", n: 1 }));
  await app.settled();
  const rows = await app.until(app.running.listParked("part"));
  assert.equal(rows.length, 1);
  moody.mode = "down";
  await app.until(app.running.redriveParked(rows.map(({ row }) => row)));
  await pass(app, 50);
  await app.publish(Counted({ key: "a", n: 2 }));
  await pass(app, 60_000);
  moody.mode = "ok";
  await pass(app, 600_000);
  await app.publish(Counted({ key: "b", n: 3 }));
  await pass(app, 60_000);
  assert.deepEqual(moody.handled, [1, 2, 3]);
});

for (const [first, second] of [
  ["down", "bad"],
  ["bad", "down"],
] as const) {
  test(`a blocked input goes on when its message does, though it failed as ${first}, then as ${second}`, async () => {
    const moody = createMoody("block");
    await using app = await openTestService({ service: service("s", { part: moody.part }) });
    moody.mode = first;
    await app.publish(Counted({ key: "a", n: 1 }));
    await pass(app, 1000);
    moody.mode = second;
    await pass(app, 120_000);
    assert.deepEqual(moody.handled, []);
    moody.mode = "ok";
    await pass(app, 600_000);
    assert.deepEqual(moody.handled, [1]);
  });
}

test("a queue goes on after its lease was lost while it probed for the end of an outage", async () => {
  let calls = 0;
  let lose = false;
  const handled: number[] = [];
  const part = consumer("part", { from: work }).handle({
    Work: async ({ n }, { signal }) => {
      calls++;
      if (calls === 1) throw dependencyDown("the bank is down");
      if (calls === 2) {
        lose = true;
        await new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("called off")));
        });
      }
      handled.push(n);
    },
  });
  /** Ends the lease behind the service's back, once. */
  const losing = (queues: Queues): Queues => {
    const extend: Queues["extend"] = async (lease, ms) => {
      if (!lose) return queues.extend(lease, ms);
      lose = false;
      await queues.release(lease, { countAttempt: false });
      throw new MillraceError("LEASE_LOST", "the lease was lost");
    };
    return new Proxy(queues, {
      get: (target, name) => {
        if (name === "extend") return extend;
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
  };
  await using app = await openTestService({
    service: service("s", { part }),
    wrap: ({ broker, store }) => ({
      store,
      broker: {
        ...broker,
        streams: broker.streams!,
        queues: losing(broker.queues!),
        close: () => broker.close(),
        [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
      },
    }),
  });
  await app.publish(Work({ key: "a", n: 1 }));
  await pass(app, 600_000);
  assert.deepEqual(handled, [1]);
});

test("of two seeks at one moment the last decides, and both are answered", async () => {
  const moody = createMoody("park");
  await using app = await openTestService({ service: service("s", { part: moody.part }) });
  await app.publish([1, 2, 3].map((n) => Counted({ key: "a", n })));
  await app.settled();
  const seeks = [0, 1].map((offset) => app.running.seek("part", "one", 0, offset));
  await app.until(Promise.all(seeks));
  await app.settled();
  assert.deepEqual(moody.handled, [1, 2, 3, 2, 3]);
});

const counting = view("part", {
  from: one,
  initial: { n: 0 },
  id: { Counted: () => "x".repeat(2000) },
}).evolve({ Counted: (state) => ({ n: state.n + 1 }) });

for (const { title, key, id, part } of [
  { title: "a zero character in its key", key: "a\u0000b" },
  { title: "a long key that is no text", key: new Uint8Array(1000).fill(255) },
  { title: "no key and a very long id", key: null, id: "i".repeat(3000) },
  { title: "a document id that no store takes", key: "k", part: counting },
]) {
  test(`a bad message with ${title} parks, and the rest flows`, async () => {
    const moody = createMoody("park");
    moody.mode = "bad";
    await using app = await openTestService({
      service: service("s", { part: part ?? moody.part }),
    });
    const envelope = { type: "counted", kind: "event", version: 1, source: "x", time: 0 } as const;
    const payload = new TextEncoder().encode('{"key":"k","n":1}');
    const encoded = encodeMessage({ ...envelope, id: "replaced" }, payload);
    const headers = encoded.headers.map(([name, value]): Header => [
      name,
      name === "ce_id" ? (id ?? "i1") : value,
    ]);
    valuesOf(
      await app.until(app.broker.streams!.append("one", [{ key, headers, value: payload }])),
    );
    await app.settled();
    const [row, ...others] = await app.until(app.running.listParked("part"));
    assert.equal(others.length, 0);
    assert.equal(row?.cause?.kind, "bad-message");
    const [status] = await app.until(app.running.status());
    assert.equal(status?.inputs[0]?.paused, undefined);
    assert.equal(status?.inputs[0]?.lag, 0);
  });
}
