import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../../model/errors.ts";
import {
  beginVersion,
  buildingOf,
  drop,
  dropped,
  generationName,
  liveOf,
  namedGeneration,
  firstRecord,
  rebuild,
  swapTo,
  type ViewRecord,
} from "./view-record.ts";

const shown = ({ generations }: ViewRecord): readonly string[] =>
  generations.map((each) => `${generationName(each)} ${each.state}`);

const first = firstRecord(1, []);
const second = beginVersion(first, 2);
const swapped = swapTo(second, buildingOf(second, 2)!);

test("the first version of a view answers from the start", () => {
  assert.deepEqual(shown(first), ["v1 live"]);
  assert.equal(beginVersion(first, 1), first);
});

test("a new version is built beside the one that answers, and takes over", () => {
  assert.deepEqual(shown(second), ["v1 live", "v2 building"]);
  assert.deepEqual(shown(swapped), ["v1 old", "v2 live"]);
});

test("going back to older code makes what it had built answer at once", () => {
  assert.deepEqual(shown(beginVersion(swapped, 1)), ["v1 live", "v2 old"]);
  const again = beginVersion(beginVersion(swapped, 1), 2);
  assert.deepEqual(shown(again), ["v1 live", "v2 building"]);
});

test("a build that older code left is gone on with when its code comes back", () => {
  const left = beginVersion(second, 1);
  assert.deepEqual(shown(left), ["v1 live", "v2 old"]);
  assert.deepEqual(shown(beginVersion(left, 2)), ["v1 live", "v2 building"]);
  assert.deepEqual(shown(beginVersion(left, 3)), ["v1 live", "v2 old", "v3 building"]);
});

test("older code whose documents were dropped builds them anew", () => {
  const gone = dropped(swapped, namedGeneration(swapped, 1));
  assert.deepEqual(shown(beginVersion(gone, 1)), ["v2 live", "v1.r1 building"]);
});

test("a rebuild is a further generation, one at a time", () => {
  const rebuilt = rebuild(first, 1);
  assert.deepEqual(shown(rebuilt), ["v1 live", "v1.r1 building"]);
  assert.throws(
    () => rebuild(rebuilt, 1),
    (error) => isMillraceError(error, "CONFLICT"),
  );
  assert.deepEqual(shown(beginVersion(rebuilt, 1)), ["v1 live", "v1.r1 building"]);
  const done = swapTo(rebuilt, buildingOf(rebuilt, 1)!);
  assert.deepEqual(shown(rebuild(done, 1)), ["v1 old", "v1.r1 live", "v1.r2 building"]);
});

test("the generation that answers cannot be dropped, and a number is never used again", () => {
  const record = rebuild(first, 1);
  assert.throws(
    () => drop(record, liveOf(record)),
    (error) => isMillraceError(error, "NOT_ALLOWED"),
  );
  const dropping = drop(record, namedGeneration(record, "v1.r1"));
  assert.deepEqual(shown(dropping), ["v1 live", "v1.r1 dropping"]);
  const gone = dropped(dropping, { version: 1, number: 1 });
  assert.deepEqual(shown(rebuild(gone, 1)), ["v1 live", "v1.r2 building"]);
});

test("a view without a record is what its progress says", () => {
  const begun = (version: number, found: readonly number[]): readonly string[] =>
    shown(beginVersion(firstRecord(version, found), version));
  assert.deepEqual(begun(1, [1]), ["v1 live"]);
  assert.deepEqual(begun(2, []), ["v2 live"]);
  assert.deepEqual(begun(3, [2, 1]), ["v1 old", "v2 live", "v3 building"]);
  assert.deepEqual(begun(1, [2, 1]), ["v1 live", "v2 old"]);
});

test("a generation is named by its version or in full", () => {
  const record = rebuild(first, 1);
  assert.equal(generationName(namedGeneration(record, 1)), "v1.r1");
  assert.equal(generationName(namedGeneration(record, "v1")), "v1");
  assert.throws(() => namedGeneration(record, "v7"), /there are v1, v1\.r1/);
});
