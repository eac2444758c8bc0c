import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "../../memory/store.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { JournalTrim } from "./journal-trim.ts";

test("however many answers are too old, each call forgets a bounded number, until none is left", async () => {
  const environment = createTestEnvironment();
  const store = await memoryStore().open({ service: "s", environment });
  const effects = Array.from({ length: 2500 }, (_, n) => ({
    consumer: "part",
    message: `m${n}`,
    name: "pay",
    json: "1",
    atMs: environment.clock.now() + (n < 2400 ? 0 : 120_000),
  }));
  await store.apply({ sets: [{ key: "a", finishes: [], effects }] });
  const removed: number[] = [];
  const observed = {
    trimEffects: async (beforeMs: number, limit?: number): Promise<number> => {
      const count = await store.trimEffects(beforeMs, limit);
      removed.push(count);
      return count;
    },
  };
  const trim = new JournalTrim({ store: observed, environment, retentionMs: 50_000 });
  trim.start();
  await environment.clock.advance(70_000);
  assert.deepEqual(removed.slice(0, 4), [0, 0, 0, 0], "every five seconds, while nothing is old");
  const taken = removed.filter((count) => count > 0);
  assert.deepEqual(taken, [1000, 1000, 400]);
  const messages = effects.map(({ message }) => message);
  assert.equal((await store.readEffects("part", messages)).size, 100);
  await trim.stop();
  await store.close();
});
