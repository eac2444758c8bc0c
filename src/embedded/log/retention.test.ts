import assert from "node:assert/strict";
import { test } from "node:test";
import { expiredCount, outgrown, retentionDueMs } from "./retention.ts";
import { openTestLog, texts } from "./log-stage.test.ts";

const segment = (newestMs: number, count = 10, bytes = 100) => ({
  oldestMs: newestMs - 50,
  newestMs,
  count,
  bytes,
});

test("segments go by age when their newest record is too old, and never the last one", () => {
  const segments = [segment(100), segment(200), segment(300)];
  const expired = (nowMs: number): number =>
    expiredCount(segments, { retention: { ageMs: 1000 }, nowMs });
  assert.deepEqual([1100, 1101, 1201, 9999].map(expired), [0, 1, 2, 2]);
});

test("segments go by size and count only when what stays is enough", () => {
  const segments = [segment(1), segment(2), segment(3)];
  const expired = (retention: object): number => expiredCount(segments, { retention, nowMs: 0 });
  assert.deepEqual(
    [201, 200, 100, 1].map((bytes) => expired({ bytes })),
    [0, 1, 2, 2],
  );
  assert.deepEqual(
    [21, 20, 10].map((count) => expired({ count })),
    [0, 1, 2],
  );
});

test("a segment ends as a quarter of what is kept, and an empty one never", () => {
  const options = { nowMs: 1000, segmentBytesMax: 1_000_000 };
  const full = { oldestMs: 700, newestMs: 900, count: 10, bytes: 100 };
  assert.equal(outgrown(full, { ...options, retention: {} }), false);
  assert.equal(outgrown(full, { ...options, retention: { bytes: 400 } }), true);
  assert.equal(outgrown(full, { ...options, retention: { count: 40 } }), true);
  assert.equal(outgrown(full, { ...options, retention: { ageMs: 1199 } }), true);
  assert.equal(outgrown(full, { ...options, retention: { ageMs: 1200 } }), false);
  assert.equal(outgrown({ ...full, count: 0 }, { ...options, retention: { count: 0 } }), false);
});

test("what time alone will bring is known in advance, to the moment", () => {
  const due = (segments: readonly ReturnType<typeof segment>[], retention: object): number =>
    retentionDueMs(segments, { retention, segmentBytesMax: 1_000 });
  const two = [segment(100), segment(200)];
  assert.equal(due(two, {}), Infinity);
  assert.equal(due(two, { bytes: 10_000, count: 1_000 }), Infinity, "only an append brings it");
  assert.equal(due(two, { ageMs: 100 }), 150 + 25 + 1, "the one that is written ends first");
  assert.equal(due([segment(100), segment(900)], { ageMs: 400 }), 501, "the oldest goes first");
  assert.equal(due([segment(100, 0)], { ageMs: 400 }), Infinity, "an empty log stays");
  assert.equal(due(two, { count: 10 }), 0, "there is something to do already");
  const [retention, segmentBytesMax] = [{ ageMs: 400 }, 1_000];
  for (const segments of [two, [segment(100), segment(900)]]) {
    const nowMs = due(segments, retention);
    const todo = (at: number): boolean =>
      expiredCount(segments, { retention, nowMs: at }) > 0 ||
      outgrown(segments.at(-1)!, { retention, nowMs: at, segmentBytesMax });
    assert.deepEqual([todo(nowMs - 1), todo(nowMs)], [false, true]);
  }
});

test("age retention empties an idle log, and the next offset survives a restart", async () => {
  await using bench = await openTestLog({ retention: { ageMs: 1000 } });
  await bench.append("one", "two");
  await bench.clock.advance(1001);
  assert.equal(await bench.log.enforceRetention(bench.clock.now()), 2);
  assert.deepEqual([bench.log.earliest, bench.log.end], [2, 2]);
  await bench.reopen();
  await bench.append("three");
  assert.deepEqual(await texts(bench.log), ["2:three"]);
});

test("age retention keeps what is young enough", async () => {
  await using bench = await openTestLog({ retention: { ageMs: 1000 } });
  await bench.append("one");
  await bench.clock.advance(800);
  await bench.append("two");
  await bench.clock.advance(300);
  await bench.log.enforceRetention(bench.clock.now());
  assert.deepEqual(await texts(bench.log), ["1:two"]);
});

test("count retention keeps at least the count, and a quarter more at most", async () => {
  await using bench = await openTestLog({ retention: { count: 100 } });
  for (let index = 0; index < 300; index++) await bench.append(`${index}`);
  await bench.log.enforceRetention(bench.clock.now());
  const kept = bench.log.end - bench.log.earliest;
  assert.ok(kept >= 100 && kept <= 126, `${kept} kept`);
  assert.equal((await texts(bench.log)).length, kept);
});

test("size retention frees the disk", async () => {
  await using bench = await openTestLog({ retention: { bytes: 10_000 } });
  for (let index = 0; index < 300; index++) await bench.append("x".repeat(100));
  await bench.log.enforceRetention(bench.clock.now());
  assert.ok(bench.log.bytes >= 10_000 && bench.log.bytes < 13_000, `${bench.log.bytes} bytes`);
});

test("trimming removes whole segments before the offset and nothing after it", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 100 });
  for (let index = 0; index < 6; index++) await bench.append(`${index}`.repeat(60));
  assert.equal(await bench.log.trimBefore(3), 3);
  assert.equal(await bench.log.trimBefore(1), 3);
  assert.equal((await texts(bench.log))[0]?.slice(0, 3), "3:3");
  assert.equal(await bench.log.trimBefore(Number.MAX_SAFE_INTEGER), 5);
  assert.equal(bench.disk.files.size, 2, "a segment and its sidecar");
});

test("a reader that fell behind retention is told the oldest offset", async () => {
  await using bench = await openTestLog({ retention: { ageMs: 1000 } });
  await bench.append("one");
  await bench.clock.advance(1001);
  await bench.log.enforceRetention(bench.clock.now());
  await assert.rejects(bench.log.read(0, { count: 1, bytes: 1 }), {
    code: "OFFSET_OUT_OF_RANGE",
    message: /older than 1, the oldest kept/,
  });
});

test("the offset of a moment is the first appended at or after it", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 150 });
  const start = bench.clock.now();
  for (let index = 0; index < 9; index++) {
    await bench.append(`${index}`);
    await bench.clock.advance(10);
  }
  const offsets = [-5, 0, 1, 10, 39, 40, 80, 81].map((ms) => bench.log.offsetAt(start + ms));
  assert.deepEqual(await Promise.all(offsets), [0, 0, 1, 1, 4, 4, 8, 9]);
});

test("times never fall, even when the clock does and across a restart", async () => {
  const bench = await openTestLog();
  await bench.clock.advance(1000);
  await bench.append("one");
  const [first] = (await bench.log.read(0, { count: 1, bytes: 1 })).records;
  await bench.reopen();
  const back = await openTestLog();
  for (const [path, contents] of bench.disk.files) back.disk.files.set(path, contents);
  await back.crash();
  await back.append("two");
  const [, second] = (await back.log.read(0, { count: 2, bytes: 1000 })).records;
  assert.equal(second!.appendedMs, first!.appendedMs);
});
