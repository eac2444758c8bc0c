import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../model/ids.ts";
import { formatTime, isWritableTime, parseTime } from "./rfc3339.ts";

test("what is written is what a Date writes, and is read back, from the year 1 to 9999", () => {
  const random = createSeededRandom(3);
  const fixed = [0, -1, 1, 999, -62_135_596_800_000, 253_402_300_799_999, 951_782_400_000];
  const moments = [
    ...fixed,
    ...Array.from({ length: 2_000 }, () => Math.floor((random.next() - 0.2) * 3e14)),
  ];
  let checked = 0;
  for (const ms of moments.filter(isWritableTime)) {
    assert.equal(formatTime(ms), new Date(ms).toISOString());
    assert.equal(parseTime(formatTime(ms)), ms);
    checked++;
  }
  assert.ok(checked > 1_500);
  assert.equal(isWritableTime(1.5), false);
  assert.equal(isWritableTime(253_402_300_800_000), false);
  assert.equal(isWritableTime(Number.NaN), false);
});

test("every form of RFC 3339 is read", () => {
  const moment = Date.UTC(2026, 0, 31, 9, 5, 7);
  assert.equal(parseTime("2026-01-31T09:05:07Z"), moment);
  assert.equal(parseTime("2026-01-31t09:05:07z"), moment);
  assert.equal(parseTime("2026-01-31T09:05:07.1Z"), moment + 100);
  assert.equal(parseTime("2026-01-31T09:05:07.123456789Z"), moment + 123);
  assert.equal(parseTime("2026-01-31T14:35:07+05:30"), moment);
  assert.equal(parseTime("2026-01-31T01:05:07-08:00"), moment);
  assert.equal(parseTime("2016-12-31T23:59:60Z"), Date.UTC(2017, 0, 1));
});

test("what is no moment is not guessed", () => {
  for (const text of [
    "",
    "2026",
    "2026-01-31",
    "2026-01-31T09:05:07",
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T09:60:00Z",
    "2026-01-31T09:05:07+25:00",
    "Sat, 31 Jan 2026 09:05:07 GMT",
    "0000-01-01T00:00:00Z",
  ]) {
    assert.equal(parseTime(text), undefined, text);
  }
});
