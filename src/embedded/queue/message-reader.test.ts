import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestLog } from "../log/log-stage.test.ts";
import { MessageReader } from "./message-reader.ts";

test("a message that moves while its read waits in line is read where it stands then", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 100 });
  const { log } = bench;
  const record = (text: string) => ({ key: null, headers: [], value: Buffer.from(text) });
  // The last one is the second one's copy.
  for (const text of ["first", "second", "third", "second"]) {
    await log.append([record(text)]).durable;
  }
  const reader = new MessageReader(log);
  const moved = { location: 1 };
  const reads = [reader.read({ location: 0 }), reader.read(moved)];
  moved.location = 3;
  const [first, second] = await Promise.all(reads);
  assert.equal(Buffer.from(first!.value!).toString(), "first");
  assert.deepEqual([second!.offset, Buffer.from(second!.value!).toString()], [3, "second"]);
});
