/** Versions of views, own events, recorded answers and replays on real files: what stays over restarts. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { embedded } from "../../embedded/embedded.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { decider } from "../../sourcing/decider.ts";
import { view } from "../../sourcing/view.ts";
import { sqlite } from "../../stores/sqlite/sqlite.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { realIo } from "../../testing/real-io.ts";
import { openTestService, type TestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { document } from "../consumer/document.ts";
import type { Part } from "../part.ts";
import { service } from "../service.ts";

const order = z.object({ orderId: z.string(), total: z.number() });
const Place = command("order.place", order, { key: (c) => c.orderId });
const Placed = event("order.placed", order, { key: (e) => e.orderId });
const Drafted = event("order.drafted", order, { key: (e) => e.orderId });
const desk = queue("desk", { Place });
const orders = stream("orders", { Placed }, { partitions: 2 });
const receipt = document<{ receipt: string; times: number }>("receipt");

const ordering = decider("order", {
  commands: desk,
  events: { Drafted, Placed },
  publishes: orders,
  initial: { count: 0 },
})
  .evolve({ Placed: (s) => ({ count: s.count + 1 }) })
  .decide({ Place: (c) => [Drafted(c), Placed(c)] });

/** Of the published events, in two versions. */
const totals = (version: number): Part =>
  view("totals", { from: orders, version, initial: { total: 0, version } }).evolve({
    Placed: (s, e) => ({ version, total: s.total + e.total }),
  });
/** Of the service's own. */
const drafts = view("drafts", { from: ordering, initial: { drafted: 0 } }).evolve({
  Drafted: (s) => ({ drafted: s.drafted + 1 }),
});

// proves: query-models
test("views, own events and recorded answers are where they were after each restart", async () => {
  const directory = await mkdtemp(join(tmpdir(), "millrace-views-"));
  const environment = createTestEnvironment();
  let calls = 0;
  const charging = consumer("charging", { from: orders, docs: { receipt } }).handle({
    Placed: async ({ orderId: id }, { effect, docs }) => {
      const answer = await effect("charge", () => `r${++calls}`);
      const times = ((await docs.receipt.get(id))?.times ?? 0) + 1;
      docs.receipt.put(id, { receipt: answer, times });
    },
  });
  const open = (version: number): Promise<TestService> =>
    openTestService({
      service: service("shop", { ordering, drafts, charging, totals: totals(version) }),
      environment,
      broker: embedded({ directory: join(directory, "broker") }),
      store: sqlite({ directory: join(directory, "stores") }),
      run: { io: realIo },
    });
  const place = async (shop: TestService): Promise<void> => {
    await shop.publish(
      Array.from({ length: 20 }, (_, n) => Place({ orderId: `o${n % 4}`, total: 1 })),
    );
    await shop.settled();
  };
  const generations = async (shop: TestService): Promise<readonly string[]> => {
    const found = (await shop.until(shop.running.listViews())).find(
      (each) => each.view === "totals",
    );
    return found!.generations.map(({ generation, state }) => `${generation} ${state}`);
  };
  try {
    {
      await using shop = await open(1);
      await place(shop);
      assert.deepEqual(await generations(shop), ["v1 live"]);
      assert.deepEqual(await shop.until(shop.running.get("drafts", "o1")), { drafted: 5 });
    }
    {
      await using shop = await open(2);
      await place(shop);
      assert.deepEqual(await generations(shop), ["v1 old", "v2 live"]);
      const read = await shop.until(shop.running.get("totals", "o1"));
      assert.deepEqual(read, { version: 2, total: 10 });
      assert.deepEqual(await shop.until(shop.running.get("drafts", "o1")), { drafted: 10 });
      await shop.until(shop.running.dropView("totals", 1));
      const rebuilt = await shop.until(shop.running.rebuildView("drafts"));
      assert.equal(rebuilt.generation, "v1.r1");
      await shop.settled();
      // The other view was not touched.
      assert.deepEqual(await generations(shop), ["v2 live"]);
      assert.deepEqual(await shop.until(shop.running.get("totals", "o1")), read);
    }
    await using shop = await open(2);
    assert.deepEqual(await generations(shop), ["v2 live"]);
    assert.deepEqual(await shop.until(shop.running.get("drafts", "o1")), { drafted: 10 });
    const state = await shop.until(shop.running.stateOf("order", "o1", { atVersion: 6 }));
    assert.deepEqual([state.state, state.version, state.newest], [{ count: 3 }, 6, 20]);
    const outcome = await shop.until(shop.running.runReplay({ part: "charging", mode: "rebuild" }));
    assert.deepEqual([outcome.complete, outcome.handled, outcome.failed], [true, 40, 0]);
    const found = await shop.until(shop.store.getDocuments("document.receipt", ["o1"]));
    assert.equal(JSON.parse(found.get("o1")!.json).times, 20);
    assert.equal(calls, 40);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
