import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { isMillraceError } from "../../../model/errors.ts";
import type { Store } from "../../../store/store.ts";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { sqlite } from "../sqlite.ts";
import type { SqliteOptions } from "../sqlite.ts";
import { SeenFilter } from "./seen-filter.ts";

const INPUT = { consumer: "desk", input: "calls", epoch: 1 };

function openFor(t: TestContext, options: SqliteOptions = {}): Promise<Store> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-seen-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const environment = createTestEnvironment();
  return sqlite({ directory, durable: false, ...options }).open({ service: "shop", environment });
}

async function settle(store: Store, ids: readonly string[]): Promise<void> {
  const finishes = ids.map((id) => ({ id }));
  await store.apply({ input: INPUT, sets: [{ key: "k", finishes }] });
}

async function seen(store: Store, ...ids: string[]): Promise<readonly string[]> {
  return [...(await store.seenIds(INPUT.consumer, INPUT.input, ids))];
}

test("a filter holds all it was given, and few others", () => {
  const filter = SeenFilter.forIds(20_000);
  const idOf = (n: number): string => `01a1fdf8-9fc1-7000-8f24-${String(n).padStart(12, "0")}`;
  for (let n = 0; n < 20_000; n++) filter.add(idOf(n));
  const held = (from: number): number => {
    let count = 0;
    for (let n = from; n < from + 20_000; n++) if (filter.mayHold(idOf(n))) count++;
    return count;
  };
  assert.equal(held(0), 20_000);
  assert.ok(held(20_000) < 400, `${held(20_000)} of 20000 unknown ids look known`);
});

test("an id settled after the first question is known to the next", async (t) => {
  const store = await openFor(t);
  await settle(store, ["a"]);
  assert.deepEqual(await seen(store, "a", "b"), ["a"]);
  await settle(store, ["b"]);
  assert.deepEqual(await seen(store, "a", "b", "c"), ["a", "b"]);
  await store.close();
  await assert.rejects(seen(store, "c"), (error) => isMillraceError(error, "CLOSED"));
});

test("an id settled after a rollback is known", async (t) => {
  const store = await openFor(t, { bytesMax: 1024 * 1024 });
  await store.ensureCollections([{ name: "c", index: [] }]);
  await settle(store, ["a"]);
  assert.deepEqual(await seen(store, "a", "b"), ["a"]);
  const json = JSON.stringify("x".repeat(2 * 1024 * 1024));
  const documents = [{ collection: "c", id: "large", expected: 0, json }];
  await assert.rejects(store.apply({ sets: [{ key: "k", finishes: [], documents }] }), (error) =>
    isMillraceError(error, "DISK_FULL"),
  );
  await settle(store, ["b"]);
  assert.deepEqual(await seen(store, "a", "b", "c"), ["a", "b"]);
  await store.close();
});

test("a filter that is full is followed by another", async (t) => {
  const store = await openFor(t, { idWindow: { count: 1000, ms: 1e9 } });
  await settle(store, ["first"]);
  assert.deepEqual(await seen(store, "first", "0-0"), ["first"]);
  const rounds = 21;
  for (let round = 0; round < rounds; round++) {
    await settle(
      store,
      Array.from({ length: 5000 }, (_, n) => `${round}-${n}`),
    );
  }
  const last = `${rounds - 1}-4999`;
  assert.deepEqual(await seen(store, "first", last, "never"), [last]);
  await settle(store, ["after"]);
  assert.deepEqual(await seen(store, "after", "never"), ["after"]);
  await store.close();
});
