import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../model/ids.ts";
import type { Header, RawMessage } from "../model/message.ts";
import { dedupeId, SeenIds } from "./dedupe-window.ts";

test("an id is known while it is inside both bounds and forgotten beyond either", () => {
  const seen = new SeenIds({ count: 2, ms: 100 });
  seen.add("a", 1, 0);
  seen.add("b", 2, 50);
  assert.equal(seen.find("a", 100), 1);
  assert.equal(seen.find("a", 101), undefined);
  seen.add("c", 3, 110);
  seen.add("d", 4, 110);
  assert.equal(seen.find("b", 110), undefined);
  assert.equal(seen.find("c", 110), 3);
});

test("a removed id may come again and lives its own full time", () => {
  const seen = new SeenIds({ count: 2, ms: 1_000 });
  seen.add("a", 1, 0);
  seen.remove("a");
  assert.equal(seen.find("a", 1), undefined);
  seen.add("a", 2, 1);
  seen.add("b", 3, 1);
  assert.equal(seen.find("a", 2), 2);
});

test("the window agrees with a plain list over many random steps", () => {
  const seed = 5;
  const random = createSeededRandom(seed);
  const seen = new SeenIds({ count: 1_500, ms: 4_000 });
  let list: { id: string; place: number; timeMs: number }[] = [];
  let duplicates = 0;
  for (let step = 0; step < 20_000; step++) {
    const nowMs = step;
    const id = `id-${Math.floor(random.next() * 5_000)}`;
    list = list.filter((entry) => entry.timeMs >= nowMs - 4_000).slice(-1_500);
    const expected = list.findLast((entry) => entry.id === id)?.place;
    assert.equal(seen.find(id, nowMs), expected, `seed ${seed}, step ${step}`);
    if (expected !== undefined) duplicates++;
    else {
      seen.add(id, step, nowMs);
      list.push({ id, place: step, timeMs: nowMs });
    }
  }
  assert.ok(duplicates > 1_000, `${duplicates} duplicates`);
});

test("two sources may use the same id; a message without an id is never a repetition", () => {
  const message = (headers: readonly Header[]): RawMessage => ({ key: null, headers, value: null });
  const id: readonly Header[] = [["ce_id", "1"]];
  assert.notEqual(
    dedupeId(message([...id, ["ce_source", "a"]])),
    dedupeId(message([...id, ["ce_source", "b"]])),
  );
  assert.equal(dedupeId(message([["ce_source", "a"]])), undefined);
});
