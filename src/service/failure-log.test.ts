import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../testing/environment.ts";
import { createArrival, type Arrival } from "./input/arrival.ts";
import { FailureLog } from "./failure-log.ts";
import { delay } from "../model/clock.ts";

function arrivalOf(id: number): Arrival {
  const raw = { key: `k${id}`, headers: [], value: null };
  const incoming = { id: String(id) };
  return createArrival({ raw, incoming, key: `k${id}`, message: undefined, attempts: 3 });
}

test("failing tries are told of once a minute with their number, what is given up by name", async () => {
  const environment = createTestEnvironment();
  const log = new FailureLog(environment, { part: "pay", input: "orders/0" });
  for (let id = 0; id < 3000; id++) {
    log.failed(arrivalOf(id), new Error("no"));
    log.failed(arrivalOf(id), new Error("no"));
    log.gaveUp(arrivalOf(id), new Error("no"));
  }
  const warnings = () => environment.entries.filter(({ level }) => level === "warn");
  assert.equal(warnings().length, 1 + 100);
  assert.deepEqual(warnings()[1]!.facts, {
    part: "pay",
    input: "orders/0",
    key: "k0",
    id: "0",
    attempts: 3,
    error: "no",
  });
  assert.equal(environment.entries.length, 9000, "all are on debug");
  await environment.clock.run(delay(environment.clock, 60_000));
  log.failed(arrivalOf(1), new Error("no"));
  const [counted, first] = warnings().slice(-2);
  assert.equal(counted!.facts["count"], 5999);
  assert.equal(first!.facts["id"], "1");
});
