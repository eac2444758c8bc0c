import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../../model/errors.ts";
import { valuesOf } from "../../model/outcome.ts";
import { message, readAll, textOf } from "../broker-stage.test.ts";
import { openTestEngine } from "../engine-stage.test.ts";
import { createMemoryDisk } from "../log/open-log.ts";

const code = (wanted: string) => (error: unknown) =>
  isMillraceError(error) && error.code === wanted;
const DIGITS = Array.from({ length: 8 }, (_, digit) => String(digit));

test("partitions are added for good, and what was written stays where it is", async () => {
  const disk = createMemoryDisk();
  {
    await using opened = await openTestEngine(disk);
    const { engine, streams } = opened;
    await engine.streams.create({ name: "s", partitions: 1, dedupe: { count: 100, ms: 60_000 } });
    await streams.append("s", [message("old", { id: "1" })]);
    await engine.streams.grow("s", 3);
    const appended = valuesOf(
      await streams.append("s", [
        message("old", { id: "1" }),
        ...DIGITS.map((digit) => message(digit, { key: digit, id: `k${digit}` })),
      ]),
    );
    assert.deepEqual(appended[0], { partition: 0, offset: 0, duplicate: true });
    assert.equal(new Set(appended.map(({ partition }) => partition)).size, 3);
    const again = valuesOf(await streams.append("s", [message("7", { key: "7", id: "k7" })]));
    assert.deepEqual(again[0], { ...appended.at(-1)!, duplicate: true });
  }
  await using opened = await openTestEngine(disk);
  const { spec, partitions } = await opened.streams.describeStream("s");
  assert.equal(spec.partitions, 3);
  assert.equal(
    partitions.reduce((sum, { end }) => sum + end, 0),
    9,
  );
});

test("a stream that is declared in this process grows no partitions", async () => {
  await using opened = await openTestEngine();
  const { engine, streams } = opened;
  await engine.streams.create({ name: "s", partitions: 2 });
  await assert.rejects(engine.streams.grow("s", 2), code("BAD_ARGUMENT"));
  await streams.ensureStream({ name: "s", partitions: 2 });
  await assert.rejects(engine.streams.grow("s", 3), code("STREAM_MISMATCH"));
  await assert.rejects(engine.streams.grow("unknown", 3), code("UNKNOWN_STREAM"));
  assert.equal((await streams.describeStream("s")).spec.partitions, 2);
});

test("a member of a group is given the partitions that were added", async () => {
  await using opened = await openTestEngine();
  const { engine, streams, environment } = opened;
  await engine.streams.create({ name: "s", partitions: 1 });
  const given: number[] = [];
  await streams.joinGroup({
    group: "g",
    streams: ["s"],
    member: "m",
    run: ({ partition, revoked }) => {
      given.push(partition);
      return new Promise((resolve) => {
        revoked.addEventListener("abort", () => resolve());
      });
    },
  });
  await engine.streams.grow("s", 3);
  await environment.clock.settle();
  assert.deepEqual(given, [0, 1, 2]);
});

test("what lies before an offset is deleted at once, also for the next opening", async () => {
  const disk = createMemoryDisk();
  {
    await using opened = await openTestEngine(disk);
    const { engine, streams } = opened;
    await streams.ensureStream({ name: "s", partitions: 1 });
    await streams.append(
      "s",
      DIGITS.map((digit) => message(digit)),
    );
    const { incarnation } = await streams.describeStream("s");
    assert.equal(await engine.streamStorage.trimTo(incarnation, 0, 3), 3);
    assert.equal(await engine.streamStorage.trimTo(incarnation, 0, 1), 3);
    await assert.rejects(
      engine.streamStorage.trimTo(incarnation, 0, 9),
      code("OFFSET_OUT_OF_RANGE"),
    );
    assert.equal(await streams.offsetAt("s", 0, 0), 3);
  }
  await using opened = await openTestEngine(disk);
  const { streams } = opened;
  assert.deepEqual((await readAll(streams, "s")).map(textOf), DIGITS.slice(3));
  await assert.rejects(async () => {
    for await (const _ of streams.read("s", { partition: 0, from: { offset: 2 } })) break;
  }, code("OFFSET_OUT_OF_RANGE"));
  await streams.deleteStream("s");
  assert.deepEqual([...opened.engine.state.entries("start/")], []);
});

test("compaction and settings stay where a declaration says nothing of them", async () => {
  await using opened = await openTestEngine();
  const { engine, streams } = opened;
  await engine.streams.create({
    name: "s",
    partitions: 1,
    compaction: { minLagMs: 5 },
    settings: { "segment.ms": "9" },
  });
  const { spec } = await streams.ensureStream({
    name: "s",
    partitions: 1,
    retention: { count: 4 },
  });
  assert.deepEqual(spec.compaction, { minLagMs: 5 });
  assert.deepEqual(spec.settings, { "segment.ms": "9" });
  assert.deepEqual(spec.retention, { count: 4 });
  await engine.streams.configure("s", ({ name, partitions }) => ({ name, partitions }));
  assert.deepEqual((await streams.describeStream("s")).spec, { name: "s", partitions: 1 });
});
