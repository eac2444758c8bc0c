import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { createRegistry } from "../../schema/registry.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import { service } from "../../service/service.ts";
import { openTestService, type TestService } from "../../testing/test-service.ts";
import type { Job } from "../api/replay-admin.ts";
import type { Admin } from "../admin.ts";
import { createAdmin } from "../create-admin.ts";

const Paid = event("paid", z.object({ id: z.string() }), { key: (e) => e.id });
const payments = stream("payments", { Paid }, { partitions: 1 });

/** Books each payment with a bank, and notes each call of it. */
function booking(calls: string[], seen: string[]) {
  return service("shop", {
    books: consumer("books", { from: payments, policy: { attempts: 1 } }).handle({
      Paid: async ({ id }, { effect }) => {
        await effect("bank", async () => {
          calls.push(id);
          return { booked: id };
        });
        if (id === "bad" && calls.length > 3) throw new RangeError("no such account");
        seen.push(id);
      },
    }),
  });
}

function adminOf({ running, broker, environment }: TestService): Admin {
  const { streams, queues } = broker;
  const registry = createRegistry([payments]);
  return createAdmin({ streams, queues, services: () => [running], registry, environment });
}

async function ended(stage: TestService, admin: Admin, job: Job): Promise<Job> {
  await stage.settled();
  const now = await admin.showJob(job.id);
  return now.state === "running" ? ended(stage, admin, job) : now;
}

test("a plan counts messages and recorded effects, and touches nothing", async () => {
  const calls: string[] = [];
  await using stage = await openTestService({ service: booking(calls, []) });
  const admin = adminOf(stage);
  await stage.publish(["a", "b", "c"].map((id) => Paid({ id })));
  await stage.settled();
  const request = { part: "shop.books", from: "-2", mode: "rebuild" } as const;
  const plan = await stage.until(admin.planReplay(request));
  assert.deepEqual(plan.ranges, [{ stream: "payments", partition: 0, from: 1, to: 3 }]);
  assert.deepEqual([plan.messages, plan.effects], [{ paid: 2 }, { bank: 2 }]);
  assert.match(plan.notes[0] ?? "", /answered from the journal, and nothing is sent/);
  assert.equal(calls.length, 3);
  assert.deepEqual(await admin.listJobs(), []);
});

test("a rebuild handles the range again without a call, as a job that tells how far it is", async () => {
  const calls: string[] = [];
  const seen: string[] = [];
  await using stage = await openTestService({ service: booking(calls, seen) });
  const admin = adminOf(stage);
  await stage.publish(["a", "b", "c"].map((id) => Paid({ id })));
  await stage.settled();
  const request = { part: "shop.books", from: "1", to: "end", mode: "rebuild" } as const;
  const started = await stage.until(admin.runReplay(request, { by: "ann" }));
  assert.deepEqual([started.state, started.total, started.by], ["running", 2, "ann"]);
  const job = await ended(stage, admin, started);
  assert.deepEqual([job.state, job.done, job.counts["handled"], job.failures], ["done", 2, 2, []]);
  assert.deepEqual(seen, ["a", "b", "c", "b", "c"]);
  assert.equal(calls.length, 3, "the recorded answers were used");
  assert.deepEqual(
    (await admin.listJobs()).map(({ id }) => id),
    [job.id],
  );
});

test("what fails in a redo is reported with its place, and the calls are made again", async () => {
  const calls: string[] = [];
  await using stage = await openTestService({ service: booking(calls, []) });
  const admin = adminOf(stage);
  await stage.publish(["a", "bad"].map((id) => Paid({ id })));
  await stage.settled();
  const request = { part: "shop.books", from: "start", mode: "redo" } as const;
  const job = await ended(stage, admin, await stage.until(admin.runReplay(request)));
  assert.equal(calls.length, 4);
  assert.equal(job.state, "done");
  assert.deepEqual(
    job.failures.map(({ stream: name, partition, offset, message }) => [
      name,
      partition,
      offset,
      message,
    ]),
    [["payments", 0, 1, "no such account"]],
  );
  assert.deepEqual(await admin.listFailures(), []);
});

test("a replay that cannot be is refused and no job", async () => {
  await using stage = await openTestService({ service: booking([], []) });
  const admin = adminOf(stage);
  const request = { part: "shop.books", from: "start", mode: "redo" } as const;
  await assert.rejects(stage.until(admin.runReplay({ ...request, stream: "orders" })), {
    code: "BAD_ARGUMENT",
    message: /books reads payments, not orders/,
  });
  await assert.rejects(stage.until(admin.planReplay({ ...request, from: "7" })), {
    code: "OFFSET_OUT_OF_RANGE",
  });
  await assert.rejects(stage.until(admin.planReplay({ ...request, part: "shop.book" })), {
    code: "BAD_ARGUMENT",
  });
  assert.deepEqual(await admin.listJobs(), []);
  await assert.rejects(admin.showJob("1"), { code: "NOT_FOUND" });
});
