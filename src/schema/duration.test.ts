import assert from "node:assert/strict";
import { test } from "node:test";
import { byteCount, durationMs } from "./duration.ts";

test("durations and sizes are read in every unit", () => {
  const durations = {
    "500ms": 500,
    "1.5s": 1_500,
    "30m": 1_800_000,
    "12h": 43_200_000,
    "90d": 7_776_000_000,
    "2w": 1_209_600_000,
  };
  for (const [text, ms] of Object.entries(durations)) assert.equal(durationMs(text, "x"), ms);
  const sizes = {
    "1B": 1,
    "2kB": 2_000,
    "64MB": 64_000_000,
    "1.5GB": 1_500_000_000,
    "1TB": 1e12,
    "1KiB": 1_024,
    "64MiB": 67_108_864,
    "10GiB": 10_737_418_240,
    "1TiB": 2 ** 40,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(byteCount(text, "x"), bytes);
});

test("what is no duration is refused with the name of the thing and an example", () => {
  for (const text of [
    "",
    "5",
    "5 s",
    "-5s",
    "5S",
    "s",
    "0s",
    "0.1ms",
    "1e3s",
    "5constructor",
    "99999999999999w",
  ]) {
    assert.throws(() => durationMs(text, "the lease"), {
      code: "BAD_DECLARATION",
      message: `the lease is ${JSON.stringify(text)}; write a duration such as "500ms", "30s", "15m", "12h" or "90d"`,
    });
  }
  assert.throws(() => byteCount("64mb", "keep.bytes"), {
    code: "BAD_DECLARATION",
    message: /^keep.bytes is "64mb"; write a size such as/,
  });
});
