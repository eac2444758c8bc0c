import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "../../memory/store.ts";
import type { RawMessage } from "../../model/message.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { DEFAULT_POLICY } from "../part.ts";
import { createArrival } from "./arrival.ts";
import { Committer } from "./committer.ts";

test("what waited for room in the outbox is not committed after the input was ended", async () => {
  const environment = createTestEnvironment();
  const store = await memoryStore().open({ service: "s", environment });
  const room = Promise.withResolvers<void>();
  const ending = new AbortController();
  const ended = Promise.withResolvers<void>();
  const committer = new Committer({
    store,
    environment,
    policy: DEFAULT_POLICY,
    input: { consumer: "c", input: "in/0", epoch: 1, log: "x/in/1" },
    lane: "c/in/0",
    signal: ending.signal,
    relay: {
      room: () => room.promise,
      committing: () => undefined,
      committed: () => undefined,
      doubted: () => undefined,
    },
    events: {
      unfinished: () => [],
      answered: () => [],
      settled: () => undefined,
      refused: (_, error) => ended.reject(error),
      outage: ended.reject,
      storeAnswers: () => undefined,
      failed: ended.reject,
      progressed: ended.resolve,
    },
  });
  const message: RawMessage = { key: "k", headers: [], value: null };
  const arrival = createArrival({
    raw: message,
    incoming: { id: "1", offset: 0 },
    key: "k",
    message: undefined,
    error: undefined,
    lease: undefined,
  });
  committer.push({
    unit: { kind: "work", key: "k", arrivals: [arrival] },
    arrivals: [arrival],
    decision: {
      writes: {},
      outgoing: [{ target: { kind: "stream", name: "out" }, message }],
      handled: 1,
    },
  });
  await Promise.resolve();
  ending.abort();
  room.resolve();
  await ended.promise;
  assert.deepEqual(await store.listProgress(), []);
  assert.deepEqual(await store.pendingLanes(), []);
});
