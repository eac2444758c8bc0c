import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { createPace, paceStep, parseRate } from "./pace.ts";

const signal = new AbortController().signal;

test("a rate is a number per second, minute or hour", () => {
  assert.equal(parseRate("100/s"), 100);
  assert.equal(parseRate("2.5"), 2.5);
  assert.equal(parseRate("30/m"), 0.5);
  assert.equal(parseRate("3600/h"), 1);
  for (const text of ["", "0/s", "fast", "-1", "1/d", "1e3"]) {
    assert.throws(() => parseRate(text), { code: "BAD_ARGUMENT" }, text);
  }
});

test("a slow rate goes one by one, a fast one in steps of a tenth of a second", () => {
  assert.equal(paceStep(5), 1);
  assert.equal(paceStep(10_000), 1_000);
});

test("messages go at the rate, and time lost in publishing is caught up", async () => {
  const clock = createVirtualClock();
  const start = clock.monotonic();
  const pace = createPace(clock, 10, signal);
  const next = async (): Promise<number> => {
    await clock.run(pace(1));
    return clock.monotonic() - start;
  };
  assert.deepEqual([await next(), await next()], [0, 100]);
  await clock.advance(250);
  assert.deepEqual([await next(), await next(), await next(), await next()], [350, 350, 400, 500]);
});

test("a pause in the input is not caught up beyond a second", async () => {
  const clock = createVirtualClock();
  const pace = createPace(clock, 10, signal);
  await pace(1);
  await clock.advance(60_000);
  const start = clock.monotonic();
  for (let message = 0; message < 30; message++) await clock.run(pace(1));
  assert.equal(clock.monotonic() - start, 1_900);
});

test("waiting ends with the signal", async () => {
  const clock = createVirtualClock();
  const stop = new AbortController();
  const pace = createPace(clock, 1, stop.signal);
  await pace(1);
  const waiting = pace(1);
  stop.abort(new Error("stopped"));
  await assert.rejects(waiting, /stopped/);
});
