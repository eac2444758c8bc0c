import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../model/ids.ts";
import type { Header, RawMessage } from "../model/message.ts";
import { dedupeId, SeenIds, type DedupeId } from "./dedupe-window.ts";
import { homeOf, UuidKey } from "./uuid-table.ts";

const of = (id: string, source = ""): DedupeId => ({ id, source });

test("an id is known while it is inside both bounds and forgotten beyond either", () => {
  const seen = new SeenIds({ count: 3, ms: 100 });
  assert.equal(seen.remember(of("a"), 1, 0), undefined);
  assert.equal(seen.remember(of("b"), 2, 10), undefined);
  assert.equal(seen.find(of("a"), 100), 1);
  assert.equal(seen.find(of("a"), 101), undefined);
  seen.remember(of("c"), 3, 105);
  seen.remember(of("d"), 4, 105);
  assert.equal(seen.find(of("b"), 105), 2);
  seen.remember(of("e"), 5, 105);
  assert.equal(seen.find(of("b"), 105), undefined);
  assert.equal(seen.find(of("c"), 105), 3);
});

test("a repetition tells where the original is, and does not renew it", () => {
  const seen = new SeenIds({ count: 10, ms: 100 });
  seen.remember(of("a"), 1, 0);
  assert.equal(seen.remember(of("a"), 2, 90), 1);
  assert.equal(seen.remember(of("a"), 3, 101), undefined);
  assert.equal(seen.find(of("a"), 102), 3);
});

test("an id taken back may come again and lives its own full time", () => {
  const seen = new SeenIds({ count: 2, ms: 1_000 });
  for (const id of ["a", uuid(7)]) {
    seen.remember(of(id), 1, 0);
    const ticket = seen.newest;
    seen.takeBack(ticket);
    assert.equal(seen.find(of(id), 1), undefined);
    seen.remember(of(id), 2, 1);
    seen.takeBack(ticket);
    seen.remember(of("b"), 3, 1);
    assert.equal(seen.find(of(id), 2), 2);
    seen.takeBack(seen.newest);
  }
});

test("the window agrees with a plain list over many random steps", () => {
  const seed = 5;
  const random = createSeededRandom(seed);
  const whole = (below: number): number => Math.floor(random.next() * below);
  const colliding = collidingUuids(200);
  const seen = new SeenIds({ count: 1_500, ms: 4_000 });
  let list: { key: string; place: number; timeMs: number; ticket: number }[] = [];
  const counts = { duplicates: 0, takenBack: 0 };
  for (let step = 0; step < 15_000; step++) {
    const nowMs = step;
    const kind = whole(4);
    const id = of(
      kind === 0 ? `id ${whole(1000)}` : kind === 1 ? colliding[whole(200)]! : uuid(whole(2000)),
      kind === 3 ? "one" : "another",
    );
    const key = JSON.stringify(id);
    list = list.filter(({ timeMs }) => timeMs >= nowMs - 4_000);
    const expected = list.find((entry) => entry.key === key)?.place;
    const where = `seed ${seed}, step ${step}`;
    if (whole(2) === 0) {
      assert.equal(seen.find(id, nowMs), expected, where);
      continue;
    }
    assert.equal(seen.remember(id, -1, nowMs), expected, where);
    if (expected !== undefined) {
      counts.duplicates++;
      continue;
    }
    const ticket = seen.newest;
    list = [...list, { key, place: step, timeMs: nowMs, ticket }].slice(-1_500);
    seen.place(ticket, step);
    if (whole(10) > 0) continue;
    // Also one that is long forgotten.
    const back = ticket - whole(2_000);
    seen.takeBack(back);
    // It keeps its place in the count, as one that can never be asked for.
    list = list.map((entry) => (entry.ticket === back ? { ...entry, key: "" } : entry));
    counts.takenBack++;
  }
  assert.ok(counts.duplicates > 1_000 && counts.takenBack > 200, JSON.stringify(counts));
});

test("ids chosen to collide are told apart, however many", () => {
  const seen = new SeenIds({ count: 10_000, ms: 1_000 });
  const ids = collidingUuids(1_000);
  for (const [index, id] of ids.entries()) assert.equal(seen.remember(of(id), index, 0), undefined);
  // Enough to make the ring grow with them in it.
  for (let index = 0; index < 5_000; index++) seen.remember(of(uuid(index)), index, 0);
  assert.deepEqual(
    ids.map((id) => seen.find(of(id), 0)),
    ids.map((_, index) => index),
  );
  assert.equal(seen.find(of(uuid(9_999)), 0), undefined);
});

test("only equal ids of one source are one: case, form and blanks tell apart", () => {
  const seen = new SeenIds({ count: 100, ms: 1_000 });
  const one = "0199e5a0-7c1f-7abc-8def-0123456789ab";
  const others = [
    of(one, "s"),
    of(one, "t"),
    of(one.toUpperCase(), "s"),
    of(one.replaceAll("-", ""), "s"),
    of(one.replace("b", "g"), "s"),
    of(one.replace("a", "\u0161"), "s"),
    of(one.replace("-", "0"), "s"),
    of("a b", "c"),
    of("a", "b c"),
  ];
  for (const [index, id] of others.entries()) seen.remember(id, index, 0);
  assert.deepEqual(
    others.map((id) => seen.find(id, 0)),
    others.map((_, index) => index),
  );
});

test("more sources than are numbered still have ids of their own", () => {
  const seen = new SeenIds({ count: 10_000, ms: 1_000 });
  for (let index = 0; index < 5_000; index++) seen.remember(of(uuid(1), `s${index}`), index, 0);
  for (let index = 0; index < 5_000; index++) {
    assert.equal(seen.find(of(uuid(1), `s${index}`), 0), index);
  }
});

test("two sources may use the same id; a message without an id is never a repetition", () => {
  const message = (headers: readonly Header[]): RawMessage => ({ key: null, headers, value: null });
  const id: readonly Header[] = [["ce_id", "1"]];
  assert.deepEqual(dedupeId(message([...id, ["ce_source", "a"]])), of("1", "a"));
  assert.deepEqual(dedupeId(message([["ce_source", "b"], ...id])), of("1", "b"));
  assert.equal(dedupeId(message([["ce_source", "a"]])), undefined);
});

/** Different for different numbers, and spread over all the digits. */
function uuid(number: number): string {
  const words = [1, 2, 3].map((salt) => Math.imul(number + salt, 0x9e3779b1) >>> 0);
  const hex = [...words, number].map((word) => word.toString(16).padStart(8, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** UUIDs that have one home in every table of up to 2,048 places. */
function collidingUuids(count: number): string[] {
  const key = new UuidKey();
  const found: string[] = [];
  for (key.d = 0; found.length < count; key.d++) {
    const { a, b, c, d, source } = key;
    if ((homeOf(a, b, c, d, source) & 2047) === 5) found.push(key.text());
  }
  return found;
}
