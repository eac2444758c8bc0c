import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWhere } from "./where.ts";

test("conditions become a query's where", () => {
  assert.deepEqual(
    parseWhere(["status=open", "total>=5", "total<10.5", "paid=true", "owner=null"]),
    {
      status: "open",
      total: { gte: 5, lt: 10.5 },
      paid: true,
      owner: null,
    },
  );
});

test("commas list alternatives, quotes keep a text what it is", () => {
  assert.deepEqual(parseWhere(["kind=a,b", 'code="5"', 'name="x,y"', "repo=a/b"]), {
    kind: { in: ["a", "b"] },
    code: "5",
    name: "x,y",
    repo: "a/b",
  });
});

test("what is no condition is refused with the forms", () => {
  for (const bad of ["status", "=5", "a>true", ""]) {
    assert.throws(() => parseWhere([bad]), { code: "BAD_ARGUMENT" }, bad);
  }
  for (const wide of ["a=9007199254740993", "a>=-9007199254740993", "a=1,9007199254740993"]) {
    assert.throws(() => parseWhere([wide]), { code: "BAD_ARGUMENT", message: /lose digits/ }, wide);
  }
  assert.deepEqual(parseWhere(['a="9007199254740993"']), { a: "9007199254740993" });
  assert.throws(() => parseWhere(["a=1", "a>2"]), /has another condition/);
  assert.throws(() => parseWhere(["a=1", "a=2"]), /has another condition/);
});
