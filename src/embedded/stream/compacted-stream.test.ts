import assert from "node:assert/strict";
import { test } from "node:test";
import { message, openTestBroker, textOf } from "../broker-stage.test.ts";

const HOUR_MS = 3_600_000;

test("a compacted stream keeps the newest message of each key, by itself", async () => {
  await using stage = await openTestBroker();
  const compaction = { maxLagMs: HOUR_MS };
  await stage.streams.ensureStream({ name: "prices", partitions: 1, compaction });
  for (const [key, text] of [
    ["a", "1"],
    ["b", "2"],
    ["a", "3"],
  ] as const) {
    await stage.streams.append("prices", [message(text, { key })]);
  }
  const kept = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const batch of stage.streams.read("prices", { partition: 0, from: "earliest" })) {
      for (const record of batch) found.push(`${record.offset}:${textOf(record)}`);
    }
    return found;
  };
  assert.deepEqual(await kept(), ["0:1", "1:2", "2:3"]);
  for (let tries = 0; tries < 20 && (await kept()).length > 2; tries++) {
    await stage.environment.clock.advance(HOUR_MS / 4);
  }
  assert.deepEqual(await kept(), ["1:2", "2:3"]);
});

test("a message without a key is refused by a compacted stream", async () => {
  await using stage = await openTestBroker();
  await stage.streams.ensureStream({ name: "prices", partitions: 1, compaction: {} });
  const [first, second] = await stage.streams.append("prices", [
    message("no key"),
    message("1", { key: "a" }),
  ]);
  assert.ok(first?.ok === false && second?.ok === true);
  assert.match(String(first.error), /prices is compacted/);
});
