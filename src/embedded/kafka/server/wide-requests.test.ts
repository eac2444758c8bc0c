import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { WideRequests } from "./wide-requests.ts";

test("a long request is followed by a rest for its length, and those that wait begin in order", async () => {
  const { clock } = createTestEnvironment();
  const wide = new WideRequests(clock, 100);
  const begun: string[] = [];
  const client = (name: string): (() => void) => {
    const ask = (): void => {
      if (wide.take(1_000, ask)) begun.push(name);
    };
    return ask;
  };
  const [a, b, c, d] = ["a", "b", "c", "d"].map(client);
  for (const ask of [a, b, c, d]) ask!();
  assert.deepEqual(begun, ["a"]);
  await clock.advance(9);
  assert.deepEqual(begun, ["a"]);
  // It asks again and stands behind those that wait; one has gone.
  a!();
  wide.leave(c!);
  await clock.advance(1);
  assert.deepEqual(begun, ["a", "b"]);
  await clock.advance(10);
  assert.deepEqual(begun, ["a", "b", "d"]);
  await clock.advance(10);
  assert.deepEqual(begun, ["a", "b", "d", "a"]);
});
