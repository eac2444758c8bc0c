/** The same program on the embedded broker and SQLite as in memory: real files, virtual time. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { embedded } from "../embedded/embedded.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import { sqlite } from "../stores/sqlite/sqlite.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";
import { realIo } from "../testing/real-io.ts";
import { openTestService, type TestService } from "../testing/test-service.ts";
import { consumer } from "./consumer/consumer.ts";
import { document } from "./consumer/document.ts";
import { badMessage } from "./failure.ts";
import { service } from "./service.ts";

const item = z.object({ key: z.string(), n: z.number() });
const In = event("in", item, { key: (e) => e.key });
const Do = command("do", item, { key: (c) => c.key });
const Out = event("out", item, { key: (e) => e.key });
const ins = stream("ins", { In }, { partitions: 3 });
const outs = stream("outs", { Out }, { partitions: 2 });
const todo = queue("todo", { Do });
const tally = document<{ n: number }>("tally");

const broken = new Set<string>();
const split = consumer("split", { from: ins, sends: todo, docs: { tally } }).handle({
  In: async (e, { emit, docs }) => {
    if (broken.has(e.key)) throw badMessage(`${e.key} is broken`);
    const known = (await docs.tally.get(e.key)) ?? { n: 0 };
    docs.tally.put(e.key, { n: known.n + 1 });
    emit(Do(e));
  },
});
const doer = consumer("doer", { from: todo, publishes: outs }).handle({
  Do: (c, { emit }) => emit(Out(c)),
});
const sums = view("sums", { from: outs, initial: { n: 0, sum: 0 }, index: ["n"] }).evolve({
  Out: (s, e) => ({ n: s.n + 1, sum: s.sum + e.n }),
});
const small = service("small", { split, doer, sums });

async function inDirectory(
  work: (
    open: () => Promise<TestService>,
    directory: string,
    environment: TestEnvironment,
  ) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-service-"));
  const environment = createTestEnvironment();
  try {
    await work(
      () =>
        openTestService({
          service: small,
          environment,
          broker: embedded({ directory: join(directory, "broker") }),
          store: sqlite({ directory: join(directory, "stores") }),
          run: { io: realIo },
        }),
      directory,
      environment,
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test("a chain of parts comes to the same end on files, and goes on where it was after a restart", async () => {
  await inDirectory(async (open) => {
    for (let round = 1; round <= 2; round++) {
      await using app = await open();
      await app.publish(Array.from({ length: 300 }, (_, n) => In({ key: `k${n % 10}`, n })));
      await app.settled();
      for (let key = 0; key < 10; key++) {
        assert.deepEqual(await app.running.get("sums", `k${key}`), {
          n: 30 * round,
          sum: round * (30 * key + 10 * ((29 * 30) / 2)),
        });
      }
      const found = await app.running.find("sums", { where: { n: 30 * round }, limit: 1000 });
      assert.equal(found.documents.length, 10);
    }
  });
});

test("parked rows outlive a restart, and their redrive keeps the order", async () => {
  await inDirectory(async (open) => {
    broken.add("k1");
    {
      await using app = await open();
      await app.publish(Array.from({ length: 20 }, (_, n) => In({ key: `k${n % 2}`, n })));
      await app.settled();
      assert.equal((await app.running.listParked("split")).length, 10);
      assert.equal(await app.running.get("sums", "k1"), undefined);
    }
    await using app = await open();
    await app.publish(In({ key: "k1", n: 21 }));
    await app.settled();
    assert.equal((await app.running.listParked("split")).length, 11);
    broken.clear();
    await app.until(app.running.redriveParked("all"));
    await app.settled();
    assert.deepEqual(await app.running.get("sums", "k1"), { n: 11, sum: 100 + 21 });
    assert.equal((await app.running.listParked("split")).length, 0);
  });
});

test("a position of another log is refused at start, with the remedy", async () => {
  await inDirectory(async (open, directory) => {
    {
      await using app = await open();
      await app.publish(In({ key: "a", n: 1 }));
      await app.settled();
    }
    await rm(join(directory, "broker"), { recursive: true });
    await assert.rejects(open(), {
      code: "POSITION_MISMATCH",
      message: /bring the old data back, or seek/,
    });
  });
});

test("a store that was lost while the broker stayed is told at the start, once an input", async () => {
  await inDirectory(async (open, directory, environment) => {
    const complaints = (): readonly string[] =>
      environment.entries
        .filter(({ level, text }) => level === "warn" && text.includes("lost or replaced"))
        .map(({ facts }) => String(facts["input"]));
    for (let round = 0; round < 2; round++) {
      await using app = await open();
      await app.publish(Array.from({ length: 30 }, (_, n) => In({ key: `k${n}`, n })));
      await app.settled();
    }
    assert.deepEqual(complaints(), [], "neither a first start nor a later one is suspect");
    await rm(join(directory, "stores", "small.db"));
    await using app = await open();
    await app.settled();
    assert.deepEqual(complaints().toSorted(), ["ins/0", "ins/1", "ins/2", "outs/0", "outs/1"]);
  });
});
