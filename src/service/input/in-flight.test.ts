import assert from "node:assert/strict";
import { test } from "node:test";
import { createArrival, type Arrival } from "./arrival.ts";
import { FlightBudget } from "./flight-budget.ts";
import { InFlight } from "./in-flight.ts";

let next = 0;

function arrivals(count: number, bytes = 0): readonly Arrival[] {
  const raw = { key: "k", headers: [], value: new Uint8Array(bytes) };
  return Array.from({ length: count }, () =>
    createArrival({ raw, incoming: { id: String(next++) }, key: "k", message: undefined }),
  );
}

function admitAll(flight: InFlight, taken: readonly Arrival[]): readonly Arrival[] {
  for (const arrival of taken)
    assert.equal(
      flight.admit(arrival, () => false),
      "new",
    );
  return taken;
}

/** Inputs that fetch batches of 1,024 messages for as long as they may. */
function fetchedBy(inputs: readonly InFlight[], bytes: number): number {
  let fetched = 0;
  for (const input of inputs) {
    while (input.hasRoom(() => undefined)) fetched += admitAll(input, arrivals(1024, bytes)).length;
  }
  return fetched;
}

test("a service with many inputs has no more in flight than its budget and a batch for each", () => {
  const budget = new FlightBudget();
  const inputs = Array.from({ length: 20 }, () => new InFlight(new Map(), budget));
  assert.equal(fetchedBy(inputs, 0), 8192 + 18 * 1024);
});

test("large messages spend the budget by their bytes", () => {
  const budget = new FlightBudget();
  const inputs = Array.from({ length: 4 }, () => new InFlight(new Map(), budget));
  assert.equal(fetchedBy(inputs, 16 * 1024), 2048 + 3 * 1024);
});

test("an input that waits for the others is woken when they settle, and when they end", () => {
  for (const settle of ["finish", "release"] as const) {
    const budget = new FlightBudget();
    const [first, second, third] = [1, 2, 3].map(() => new InFlight(new Map(), budget));
    const taken = [...admitAll(first!, arrivals(4096)), ...admitAll(first!, arrivals(4096))];
    admitAll(second!, arrivals(1));
    let woken = 0;
    assert.equal(
      second!.hasRoom(() => woken++),
      false,
    );
    assert.equal(
      third!.hasRoom(() => woken++),
      true,
      "an input that has nothing goes on",
    );
    if (settle === "release") first!.release();
    else for (const arrival of taken.slice(0, 2)) first!.finish(arrival);
    assert.equal(woken, 1);
    assert.equal(
      second!.hasRoom(() => woken++),
      true,
    );
  }
});
