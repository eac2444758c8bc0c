import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { readStructured } from "../../codecs/cloudevents-http.ts";
import { memoryBroker } from "../../memory/broker.ts";
import { isMillraceError } from "../../model/errors.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { service } from "../../service/service.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { openTestService, type TestServiceOptions } from "../../testing/test-service.ts";
import { CrashingDisk } from "./disk/crashing-disk.test.ts";
import { FileAppender, type AppendedLine } from "./file-appender.ts";
import { fileSink, type FileSinkOptions } from "./file-sink.ts";

const Sold = event(
  "item.sold",
  z.object({ sku: z.string(), note: z.string().optional(), count: z.number() }),
  {
    key: (item) => item.sku,
  },
);
const sales = stream("sales", { Sold }, { partitions: 3 });
const run = { io: { stepMs: 0.1, turn: () => setImmediate() } };

function sinkTo(path: string, more: Partial<FileSinkOptions> = {}): TestServiceOptions {
  const part = fileSink("archive", {
    from: sales,
    path,
    format: "ndjson",
    policy: { backoffMs: 1, backoffMsMax: 2 },
    ...more,
  });
  return { service: service("shop", { part }), run };
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-sink-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a stream becomes lines of CloudEvents, each message once and each key in its order", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "sales.ndjson");
    await using shop = await openTestService(sinkTo(path));
    const published = await shop.publish(
      Array.from({ length: 60 }, (_, count) => Sold({ sku: `s${count % 7}`, count })),
    );
    await shop.settled();
    const lines = (await readFile(path, "utf8")).trim().split("\n");
    const events = lines.map((line) => readStructured(line, { nowMs: 0 }));
    assert.deepEqual(new Set(events.map(({ id }) => id)), new Set(published.map(({ id }) => id)));
    assert.equal(lines.length, 60);
    for (const [key, ofKey] of Map.groupBy(events, (each) => each.key)) {
      const counts = ofKey.map(({ dataJson }) => JSON.parse(dataJson).count);
      assert.deepEqual(
        counts,
        counts.toSorted((a, b) => a - b),
        key,
      );
    }
  });
});

test("records of CSV have a header and what the columns name, quoted where they must be", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "sales.csv");
    const columns = ["$key", "count", "note", "missing"];
    await using shop = await openTestService(sinkTo(path, { format: "csv", columns }));
    await shop.publish(Sold({ sku: "a", count: 1.5, note: 'two\n"lines", so' }));
    await shop.settled();
    await shop.publish(Sold({ sku: "b", count: 2 }));
    await shop.settled();
    assert.equal(
      await readFile(path, "utf8"),
      '$key,count,note,missing\r\na,1.5,"two\n""lines"", so",\r\nb,2,,\r\n',
    );
  });
});

test("a file that is full gets its number, and the next one begins with a header", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "sales.csv");
    const options = { format: "csv", columns: ["sku", "count"], roll: "40B" } as const;
    await using shop = await openTestService(sinkTo(path, options));
    for (let count = 10; count < 20; count++) {
      await shop.publish(Sold({ sku: "item", count }));
      await shop.settled();
    }
    const names = (await readdir(folder)).filter((name) => name.endsWith(".csv"));
    assert.deepEqual(
      names.toSorted((a, b) => (a < b ? -1 : 1)),
      ["sales.000001.csv", "sales.000002.csv", "sales.csv"],
    );
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    for (const text of texts) assert.ok(text.startsWith("sku,count\r\n"));
    assert.equal(texts.join("").match(/item,\d\d\r\n/g)?.length, 10);
  });
});

test("a disk that does not take lines pauses the part, and nothing is lost or parked", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "later", "sales.ndjson");
    await using shop = await openTestService(sinkTo(path));
    await shop.publish(Sold({ sku: "a", count: 1 }));
    const isPaused = async (): Promise<boolean> =>
      (await shop.running.status())[0]?.state === "paused";
    for (let turn = 0; turn < 20_000 && !(await isPaused()); turn++) {
      await shop.environment.clock.advance(0.1);
      await setImmediate();
    }
    const [status] = await shop.running.status();
    assert.equal(status?.state, "paused");
    assert.match(
      status.inputs.find((each) => each.paused)?.paused ?? "",
      /cannot be written: ENOENT/,
    );
    await import("node:fs/promises").then(({ mkdir }) => mkdir(join(folder, "later")));
    await shop.settled();
    assert.equal((await readFile(path, "utf8")).split("\n").length, 2);
    assert.deepEqual(await shop.running.listParked("archive"), []);
  });
});

test("ended at any step of the disk while a stream is written, each message stands in the files once", async () => {
  const path = "/out/sales.ndjson";
  const settle = async (disk: CrashingDisk, steps: number): Promise<CrashingDisk> => {
    const environment = createTestEnvironment();
    const broker = await memoryBroker().open(environment);
    const shared = { adapter: "memory", open: async () => ({ ...broker, close: async () => {} }) };
    const options = { content: "data", roll: "60B" } as const;
    const first = await openTestService({
      ...sinkTo(path, { ...options, disk }),
      broker: shared,
      environment,
    });
    const counts = Array.from({ length: 12 }, (_, index) => 10 + index);
    await first.publish(counts.map((count) => Sold({ sku: `k${count}`, count })));
    for (let turn = 0; turn < 300 && !disk.crashed; turn++) {
      await first.environment.clock.advance(1);
      await setImmediate();
    }
    await first.until(first.running.stop({ deadlineMs: 1 }));
    await first.close();
    if (steps === 0) return disk;
    assert.equal(disk.crashed, true);
    // The store is a new one: nothing is known to be done, and the file alone can tell.
    const survivor = disk.survivor(steps % 2 === 0 ? "killed" : "power cut");
    await using second = await openTestService({
      ...sinkTo(path, { ...options, disk: survivor }),
      broker: shared,
      environment,
    });
    await second.settled();
    return survivor;
  };
  const calm = await settle(new CrashingDisk(), 0);
  assert.ok(calm.steps > 10, `${calm.steps} steps`);
  let compared = 0;
  for (let step = 1; step <= calm.steps; step++) {
    const disk = await settle(new CrashingDisk(new Map(), step), step);
    const files = disk.paths().filter((each) => each.endsWith(".ndjson"));
    const text = files.map((each) => disk.text(each)).join("");
    const counts = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).count);
    assert.deepEqual(
      counts.toSorted((a, b) => a - b),
      Array.from({ length: 12 }, (_, index) => 10 + index),
      `ended at step ${step}`,
    );
    compared++;
  }
  assert.ok(compared > 10);
});

test("appends ended at any step, killed and without power, leave whole lines, each once", async () => {
  const lines = Array.from({ length: 9 }, (_, index): AppendedLine => ({
    id: `m${index}`,
    text: `line ${index}\n`,
  }));
  const options = { path: "/out/a.txt", head: "head\n", rollBytes: 24 };
  const appendAll = async (disk: CrashingDisk): Promise<void> => {
    const appender = new FileAppender({ ...options, disk });
    for (const line of lines) await appender.append([line]);
  };
  const calm = new CrashingDisk();
  await appendAll(calm);
  let compared = 0;
  for (const how of ["killed", "power cut"] as const) {
    for (let step = 1; step <= calm.steps; step++) {
      const dying = new CrashingDisk(new Map(), step);
      await assert.rejects(appendAll(dying), /the process has ended/);
      const survivor = dying.survivor(how);
      await appendAll(survivor);
      const files = survivor.paths().filter((path) => path.endsWith(".txt"));
      const text = files.map((path) => survivor.text(path)).join("");
      const found = text.replaceAll("head\n", "").trimEnd().split("\n");
      assert.deepEqual(
        found.toSorted((a, b) => (a < b ? -1 : 1)),
        lines.map((line) => line.text.trim()),
      );
      compared++;
    }
  }
  assert.ok(compared > 40, `${compared} ends`);
});

test("a file that is there already is kept, and its unfinished line ended", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "sales.ndjson");
    await writeFile(path, "old\nunfinished");
    await using shop = await openTestService(sinkTo(path, { content: "data" }));
    await shop.publish(Sold({ sku: "a", count: 1 }));
    await shop.settled();
    assert.equal(await readFile(path, "utf8"), 'old\nunfinished\n{"sku":"a","count":1}\n');
  });
});

test("a declaration whose lines nobody could tell is refused", () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ path: "" }, /no path/],
    [{ format: "csv" }, /no columns/],
    [{ format: "csv", columns: ["$trace"] }, /\$trace/],
    [{ columns: ["a"] }, /for CSV/],
    [{ content: "all" }, /"event" or "data"/],
    [{ roll: "big" }, /roll of/],
    [{ from: [] }, /reads from nothing/],
    [{ gzip: true }, /unknown option/],
  ];
  for (const [more, expected] of wrong) {
    assert.throws(
      () => sinkTo("/out/a", more),
      (error) => isMillraceError(error, "BAD_DECLARATION") && expected.test(error.message),
      String(expected),
    );
  }
});
