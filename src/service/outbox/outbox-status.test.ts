import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { Streams } from "../../broker/streams.ts";
import { MillraceError } from "../../model/errors.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { openTestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { service } from "../service.ts";
import { outboxStatus } from "./outbox-status.ts";

const In = event("in", z.object({ n: z.number() }));
const Out = event("out", z.object({ n: z.number() }));
const ins = stream("ins", { In }, { partitions: 1 });
const outs = stream("outs", { Out }, { partitions: 1 });
const passing = consumer("passing", { from: ins, publishes: outs }).handle({
  In: ({ n }, { emit }) => {
    emit(Out({ n }));
    emit(Out({ n: -n }));
  },
});

test("the outbox tells how many messages wait and since when, trimmed or not", async () => {
  let down = false;
  await using stage = await openTestService({
    service: service("s", { passing }),
    wrap: ({ broker, store }) => {
      const get = (target: Streams, name: keyof Streams): unknown => {
        const member: unknown = target[name];
        if (typeof member !== "function") return member;
        return (...parameters: unknown[]): unknown => {
          if (down && name === "append") throw new MillraceError("UNREACHABLE", "gone");
          return Reflect.apply(member, target, parameters);
        };
      };
      return { broker: { ...broker, streams: new Proxy(broker.streams!, { get }) }, store };
    },
  });
  const { running, store, environment } = stage;
  await stage.publish(In({ n: 1 }));
  await stage.settled();
  assert.deepEqual(await stage.until(running.outbox()), { waiting: 0 });
  const untrimmed = await stage.until(outboxStatus(store));
  assert.equal(untrimmed.waiting, 2, "published, and the store does not know it yet");

  down = true;
  await environment.clock.advance(50_000);
  const beganMs = environment.clock.now();
  await stage.publish(In({ n: 2 }));
  await environment.clock.advance(10_000);
  await stage.publish(In({ n: 3 }));
  await environment.clock.advance(10_000);
  const { waiting, oldestMs } = await stage.until(running.outbox());
  assert.equal(waiting, 4);
  assert.ok(oldestMs !== undefined && oldestMs >= beganMs && oldestMs < beganMs + 5_000);

  down = false;
  await stage.settled();
  assert.deepEqual(await stage.until(running.outbox()), { waiting: 0 });
  const [part] = await stage.until(running.status());
  const units = part!.durations.counts.reduce((sum, count) => sum + count, 0);
  assert.equal(units, 3);
});
