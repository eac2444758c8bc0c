/** Routes on the embedded broker and SQLite, stopped and started while messages are on their way. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import * as z from "zod";
import { embedded } from "../../embedded/embedded.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { subscription } from "../../schema/subscription.ts";
import { view } from "../../sourcing/view.ts";
import { sqlite } from "../../stores/sqlite/sqlite.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { realIo } from "../../testing/real-io.ts";
import { openTestService, type TestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { document } from "../consumer/document.ts";
import { service } from "../service.ts";
import { router } from "./router.ts";

const item = z.object({ key: z.string(), n: z.number() });
const Counted = event("counted", item, { key: (e) => e.key });
const counts = stream("counts", { Counted }, { partitions: 2 });
const even = stream("even", { Counted }, { partitions: 2 });
const inbox = subscription("inbox", { from: counts, keyOrder: true });
const tally = document<{ ns: number[] }>("tally");

const counting = service("counting", {
  split: router("split", {
    from: counts,
    rules: [{ when: { where: ({ n }) => n % 2 === 0 }, to: even }],
  }),
  reader: consumer("reader", { from: inbox, docs: { tally } }).handle({
    Counted: async ({ key, n }, { docs }) => {
      const { ns } = (await docs.tally.get(key)) ?? { ns: [] };
      docs.tally.put(key, { ns: [...ns, n] });
    },
  }),
  sums: view("sums", { from: even, initial: { ns: [] as number[] } }).evolve({
    Counted: ({ ns }, { n }) => ({ ns: [...ns, n] }),
  }),
});

test("what is on its way through routes when the service stops arrives once after the restart", async () => {
  const directory = await mkdtemp(join(tmpdir(), "millrace-routes-"));
  const environment = createTestEnvironment();
  const open = (): Promise<TestService> =>
    openTestService({
      service: counting,
      environment,
      broker: embedded({ directory: join(directory, "broker") }),
      store: sqlite({ directory: join(directory, "stores") }),
      run: { io: realIo },
    });
  const to = { to: { kind: "stream", name: "counts" } } as const;
  const keys = ["a", "b", "c"];
  const expected = new Map<string, number[]>(keys.map((key) => [key, []]));
  try {
    let n = 0;
    for (let round = 0; round < 4; round++) {
      await using app = await open();
      const drafts = Array.from({ length: 60 }, () => {
        const key = keys[n % keys.length]!;
        expected.get(key)!.push(n);
        return Counted({ key, n: n++ });
      });
      await app.publish(drafts, to);
      // Left alone for a different time in each round; what is under way is taken up in the next.
      for (let turns = 0; turns < round * 3; turns++) await app.until(turn());
    }
    await using app = await open();
    await app.settled();
    const found = await app.until(app.store.getDocuments("document.tally", keys));
    for (const [key, ns] of expected) {
      assert.deepEqual(JSON.parse(found.get(key)!.json), { ns });
      const evens = ns.filter((each) => each % 2 === 0);
      assert.deepEqual(await app.until(app.running.get("sums", key)), { ns: evens });
    }
    assert.equal([...expected.values()].flat().length, 240);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
