import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeToken, encodeToken, PLACES_MAX, type WrittenPlace } from "./position-token.ts";
import { isWrote, placesOf, shifted, wroteOf } from "./wrote.ts";

const places: readonly WrittenPlace[] = [
  { kind: "record", stream: "orders", partition: 3, offset: 120 },
  {
    kind: "lane",
    source: "shop",
    epoch: 1,
    lane: "order/desk",
    sequence: 7,
    stream: "orders",
    key: "ø#1",
  },
  { kind: "event", service: "shop", entity: "order/ø#1", version: 2 },
];

test("a token is text for an address, and gives back the places that it was made of", () => {
  const token = encodeToken(places);
  assert.match(token, /^t1\.[A-Za-z0-9_-]+$/);
  assert.deepEqual(decodeToken(token), places);
  assert.deepEqual(decodeToken(encodeToken([])), []);
});

test("what no write has returned is refused", () => {
  const of = (value: unknown): string =>
    `t1.${Buffer.from(JSON.stringify(value)).toString("base64url")}`;
  const bad = ["", "t1.", "t2.W10", "t1.!!", of({}), of([["x"]]), of([["r", "s", -1, 0]])];
  for (const text of [...bad, of([["l", "s"]]), of([["e", "s", 1, 2]]), of([["r", "s", 0.5, 1]])]) {
    assert.throws(() => decodeToken(text), { code: "BAD_ARGUMENT" }, text);
  }
  const many = Array.from({ length: PLACES_MAX + 1 }, () => places[0]!);
  assert.throws(() => encodeToken(many), { code: "TOO_LARGE" });
});

const message = (key: string | null) => ({ key, headers: [], value: null });
const to = (name: string, key: string | null, kind: "stream" | "queue" = "stream") => ({
  target: { kind, name },
  message: message(key),
});

test("what a unit wrote is named by the last message of each stream and key", () => {
  const outgoing = [to("s", "a"), to("s", "b"), to("q", "a", "queue"), to("s", "a"), to("s", null)];
  const events = [{ entity: "e/a", expected: 3, events: [message("a"), message("a")] }];
  const wrote = wroteOf({ events }, outgoing);
  assert.deepEqual(wrote, {
    events: [["e/a", 5]],
    published: [
      ["s", "b", 4],
      ["s", "a", 2],
    ],
  });
  assert.ok(isWrote(JSON.parse(JSON.stringify(wrote))));
  const lane = { source: "x", epoch: 1, lane: "l", end: 105 };
  assert.deepEqual(
    placesOf(wrote, lane).map((place) => (place.kind === "lane" ? place.sequence : place.kind)),
    ["event", 101, 103],
  );
  const later = placesOf(shifted(wrote, 2), { ...lane, end: 107 });
  assert.deepEqual(later, placesOf(wrote, lane));
});

test("a unit that writes more than a token holds names what it wrote last", () => {
  const outgoing = Array.from({ length: 100 }, (_, n) => to("s", `k${n}`));
  const events = [{ entity: "e", expected: 0, events: [message("e")] }];
  const { published } = wroteOf({ events }, outgoing);
  assert.equal(published.length, PLACES_MAX - 1);
  assert.equal(published.at(-1)![1], "k99");
  assert.equal(isWrote({ events: [], published: [["s", 1, 2]] }), false);
  assert.equal(isWrote(null), false);
});
