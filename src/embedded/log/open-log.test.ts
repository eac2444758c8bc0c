import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openTestLog, text, texts } from "./log-stage.test.ts";

test("records come back with their offsets, keys, headers, values and times", async () => {
  await using bench = await openTestLog();
  const { log, clock } = bench;
  const first = log.append([
    {
      key: "k",
      headers: [
        ["ce_id", "1"],
        ["raw", Uint8Array.of(0xff)],
      ],
      value: Buffer.from("a"),
    },
    { key: null, headers: [], value: null },
  ]);
  await first.durable;
  await clock.advance(5);
  const second = log.append([text("Grüße 🎉")]);
  await second.durable;

  assert.deepEqual([first.firstOffset, second.firstOffset, log.earliest, log.end], [0, 2, 0, 3]);
  const { records } = await log.read(0, { count: 10, bytes: 1e6 });
  assert.deepEqual(
    records.map((record) => [record.offset, record.key, record.headers.length]),
    [
      [0, "k", 2],
      [1, null, 0],
      [2, null, 0],
    ],
  );
  assert.deepEqual(records[0]!.headers[0], ["ce_id", "1"]);
  assert.deepEqual(records[0]!.headers[1], ["raw", Buffer.of(0xff)]);
  assert.equal(records[1]!.value, null);
  assert.equal(records[2]!.appendedMs - records[1]!.appendedMs, 5);
  assert.equal(Buffer.from(records[2]!.value!).toString(), "Grüße 🎉");
});

test("a log that is opened again goes on after its last record", async () => {
  await using bench = await openTestLog();
  await bench.append("a", "b");
  await bench.reopen();
  await bench.append("c");
  assert.deepEqual(await texts(bench.log), ["0:a", "1:b", "2:c"]);
});

test("nothing is visible before it is durable", async () => {
  await using bench = await openTestLog();
  const { durable } = bench.log.append([text("a")]);
  assert.equal(bench.log.end, 0);
  assert.deepEqual(await bench.log.read(0, { count: 1, bytes: 1 }), { records: [], next: 0 });
  await durable;
  assert.equal(bench.log.end, 1);
});

test("a reader that waits at the end wakes when the end passes it", async () => {
  await using bench = await openTestLog();
  const waiting = bench.log.waitFor(0, new AbortController().signal);
  await bench.append("a");
  await waiting;
  assert.equal(bench.log.end, 1);
});

test("an offset that is not kept is refused with the range that is", async () => {
  await using bench = await openTestLog();
  await bench.append("a");
  await assert.rejects(bench.log.read(2, { count: 1, bytes: 1 }), {
    code: "OFFSET_OUT_OF_RANGE",
    details: { offset: 2, earliest: 0, end: 1 },
  });
});

test("the worked example of the format page is what the log writes", async () => {
  await using bench = await openTestLog();
  const record = { key: "k", headers: [["ce_type", "t"]] as const, value: Buffer.from("hi") };
  await bench.log.append([record]).durable;
  await bench.clock.settle();
  const [sidecar, segment] = [...bench.disk.files.values()].map(({ bytes }) => Buffer.from(bytes));
  assert.equal(segment!.length, 81);
  const page = readFileSync(new URL("../../../docs/formats/log.md", import.meta.url), "utf8");
  for (const field of [
    segment!.subarray(17, 21),
    sidecar!.subarray(4096 + 56, 4096 + 60),
    sidecar!.subarray(4096 + 68, 4096 + 72),
  ]) {
    assert.ok(page.includes(field.toString("hex")), `${field.toString("hex")} stands on the page`);
  }
});
