import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { openTestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { service } from "../service.ts";

const orderId = z.object({ orderId: z.string() });
const OrderPlaced = event("order.placed", orderId, { key: (e) => e.orderId });
const CancelOrder = command("order.cancel", orderId, { key: (c) => c.orderId });
const orders = stream("orders", { OrderPlaced }, { partitions: 2 });
const cancels = queue("cancels", { CancelOrder });

function noting(seen: string[]) {
  return service("shop", {
    notes: consumer("notes", { from: orders }).handle({
      OrderPlaced: async (e) => void seen.push(`placed ${e.orderId}`),
    }),
    desk: consumer("desk", { from: cancels }).handle({
      CancelOrder: async (c) => void seen.push(`cancelled ${c.orderId}`),
    }),
  });
}

const pause = { by: "Ada", sinceMs: 0, why: "the bank is being moved" };

test("a paused part takes nothing until it is resumed, and the others go on", async () => {
  const seen: string[] = [];
  await using stage = await openTestService({ service: noting(seen) });
  const { running } = stage;
  assert.equal(await stage.until(running.pause("notes", pause)), true);
  assert.equal(await stage.until(running.pause("notes", pause)), false);
  await stage.publish([OrderPlaced({ orderId: "a" }), CancelOrder({ orderId: "a" })]);
  await stage.settled();
  assert.deepEqual(seen, ["cancelled a"]);
  const [notes] = await running.status();
  assert.equal(notes?.state, "paused");
  assert.equal(notes?.held, "paused by Ada: the bank is being moved");

  assert.equal(await stage.until(running.resume("notes")), true);
  assert.equal(await stage.until(running.resume("notes")), false);
  await stage.settled();
  assert.deepEqual(seen, ["cancelled a", "placed a"]);
  assert.equal((await running.status())[0]?.state, "running");
});

test("a pause survives a restart, of a part fed by a queue as well", async () => {
  const seen: string[] = [];
  const environment = createTestEnvironment();
  const ports = { broker: memoryBroker(), store: memoryStore(), environment };
  const first = await openTestService({ service: noting(seen), ...ports });
  await first.until(first.running.pause("desk", pause));
  await first.publish(CancelOrder({ orderId: "a" }));
  await first.settled();
  await first.close();

  await using second = await openTestService({ service: noting(seen), ...ports });
  await second.settled();
  assert.deepEqual(seen, []);
  await second.until(second.running.resume("desk"));
  await second.settled();
  assert.deepEqual(seen, ["cancelled a"]);
});

test("pausing and resuming in one moment ends with the last word", async () => {
  const seen: string[] = [];
  await using stage = await openTestService({ service: noting(seen) });
  const { running } = stage;
  await stage.until(
    Promise.all([running.pause("notes", pause), running.resume("notes")]).catch(() => {}),
  );
  await stage.until(running.resume("notes"));
  await stage.publish(OrderPlaced({ orderId: "a" }));
  await stage.settled();
  assert.deepEqual(seen, ["placed a"]);
  await assert.rejects(stage.until(running.pause("nobody", pause)), { code: "BAD_ARGUMENT" });
});
