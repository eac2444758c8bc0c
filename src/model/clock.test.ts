import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { delay } from "./clock.ts";

test("a delay ends after its time and not before", async () => {
  const clock = createVirtualClock();
  let ended = false;
  const waiting = delay(clock, 100).then(() => (ended = true));
  await clock.advance(99);
  assert.equal(ended, false);
  await clock.advance(1);
  assert.equal(await waiting, true);
});

test("an aborted delay rejects with the signal's reason at once and leaves no timer", async () => {
  const clock = createVirtualClock();
  const controller = new AbortController();
  const waiting = delay(clock, 100, controller.signal);
  controller.abort(new Error("stopping"));
  await assert.rejects(waiting, /stopping/);
  assert.equal(clock.pending, 0);
});

test("a delay under a signal that has aborted never starts", async () => {
  const clock = createVirtualClock();
  await assert.rejects(delay(clock, 100, AbortSignal.abort(new Error("stopped"))), /stopped/);
  assert.equal(clock.pending, 0);
});
