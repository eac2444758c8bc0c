import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryDisk } from "./log/open-log.ts";
import { sharedPlace } from "./shared-place.ts";

test("nobody goes on before the directory is durable, which is made once, and again after a failure", async () => {
  const tries = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let made = 0;
  const disk = { ...createMemoryDisk(), makeDirectory: () => tries[made++]!.promise };
  const place = sharedPlace(disk, "/data/queues");
  const first = [place(), place()];
  const told: string[] = [];
  for (const asked of first) void asked.catch(() => told.push("failed"));
  assert.equal(made, 1);
  tries[0]!.reject(new Error("no space"));
  await Promise.allSettled(first);
  assert.deepEqual(told, ["failed", "failed"]);

  const again = [place(), place()];
  for (const asked of again) void asked.then(() => told.push("made"));
  await Promise.resolve();
  assert.equal(told.length, 2, "nobody has gone on");
  tries[1]!.resolve();
  await Promise.all([...again, place()]);
  assert.equal(made, 2);
});
