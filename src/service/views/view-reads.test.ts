import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../../testing/environment.ts";
import { encodeToken } from "../ask/position-token.ts";
import { ChangeSignal } from "../running/settling.ts";
import { findInView, getFromView } from "./view-reads.ts";

test("a generation that takes over while a view is read is waited for before it is read", async () => {
  const steps: string[] = [];
  const generations = [
    { version: 2, number: 0 },
    { version: 2, number: 1 },
  ];
  const runtime = { environment: createTestEnvironment() };
  const begin = (): { readonly keeper: any; readonly store: any } => {
    let live = 0;
    steps.length = 0;
    const read = (collection: string): void => {
      steps.push(`read ${collection}`);
      live = 1;
    };
    return {
      keeper: {
        view: { name: "totals", collections: [] },
        versioning: { version: 2 },
        get live() {
          return generations[live];
        },
        get livePart() {
          steps.push(`wait for generation ${live}`);
          return { runtime };
        },
      },
      store: {
        getDocuments: async (collection: string) => {
          read(collection);
          return new Map();
        },
        findDocuments: async (collection: string) => {
          read(collection);
          return { documents: [] };
        },
      },
    };
  };
  const wait = { seen: { notBefore: encodeToken([]) }, changes: new ChangeSignal() };
  const expected = [
    "wait for generation 0",
    "read view.totals.v2",
    "wait for generation 1",
    "read view.totals.v2.r1",
  ];
  const one = begin();
  assert.equal(await getFromView(one.keeper, one.store, "a", wait), undefined);
  assert.deepEqual(steps, expected);
  const many = begin();
  assert.deepEqual(await findInView(many.keeper, many.store, {}, wait), { documents: [] });
  assert.deepEqual(steps, expected);
});
