import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { delay } from "../../model/clock.ts";
import type { LogEntry } from "../../testing/environment.ts";
import { openTestService, type TestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { service } from "../service.ts";

const Counted = event("counted", z.object({ key: z.string() }), { key: ({ key }) => key });
const counts = stream("counts", { Counted }, { partitions: 1 });

function warningsOf({ environment }: TestService): readonly LogEntry[] {
  return environment.entries.filter(({ text }) => text.startsWith("a handler has not come back"));
}

test("a handler that does not come back is warned of once and shown, until it does", async () => {
  const bank = Promise.withResolvers<void>();
  const pay = consumer("pay", { from: counts }).handle({
    Counted: ({ key }) => (key === "a" ? bank.promise : undefined),
  });
  await using app = await openTestService({ service: service("shop", { pay }) });
  const pass = (ms: number): Promise<void> => app.until(delay(app.environment.clock, ms));
  const shown = async (): Promise<string | undefined> => {
    const [status] = await app.until(app.running.status());
    return status!.inputs[0]!.stalled;
  };
  const [published] = await app.publish([Counted({ key: "a" }), Counted({ key: "b" })]);
  await pass(29_000);
  assert.equal(warningsOf(app).length, 0);
  assert.equal(await shown(), undefined);
  await pass(60_000);
  const [warning, ...others] = warningsOf(app);
  assert.equal(others.length, 0);
  const { service: name, part, input, key, id } = warning!.facts;
  assert.deepEqual([name, part, input, key], ["shop", "pay", "counts/0", "a"]);
  assert.equal(id, published!.id);
  assert.match((await shown())!, /of key a is with its handler for 89 s/);
  bank.resolve();
  await app.settled();
  assert.equal(await shown(), undefined);
});
