import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DEFAULT_ID_WINDOW } from "../../../store/limits.ts";
import { encodeBatch } from "../wire/batches.ts";
import { WorkerClient } from "../worker-client.ts";

test("events of a commit that was rolled back do not count against the next write", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-events-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "shop.db");
  const database = { path, service: "shop", durable: false, bytesMax: undefined };
  const client = new WorkerClient({ database, idWindow: DEFAULT_ID_WINDOW });
  await client.opened();
  const event = { key: "a", headers: [], value: null };
  const events = [{ entity: "cart/a", expected: 0, events: [event] }];
  const cut = new Uint8Array([0, 0, 5, 1]);
  // One group: the cut one rolls it back, and each runs again by itself.
  const [written, broken] = await Promise.allSettled([
    client.call("apply", [encodeBatch({ sets: [{ key: "k", finishes: [], events }] }), 0]),
    client.call("apply", [cut, 0]),
  ]);
  assert.equal(broken.status, "rejected");
  assert.ok(written.status === "fulfilled");
  assert.deepEqual(written.value.leftOut, []);
  await client.close();
});
