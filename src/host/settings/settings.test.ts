import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../../model/errors.ts";
import { nearestName } from "./nearest.ts";
import { integer, listOf, oneOf, shape, text, type Check } from "./settings.ts";

function problem(check: Check, value: unknown): string {
  try {
    check(value, "");
  } catch (error) {
    assert.ok(isMillraceError(error, "BAD_CONFIG"), String(error));
    return error.message;
  }
  return "accepted";
}

const settings = shape(
  {
    name: text,
    http: shape({ port: integer(0, 65_535), host: text }),
    tags: listOf(text),
    format: oneOf("text", "json"),
  },
  ["name"],
);

test("settings of the right shape are accepted", () => {
  assert.equal(
    problem(settings, { name: "a", http: { port: 0 }, tags: ["x"], format: "json" }),
    "accepted",
  );
});

test("an unknown key is refused with the nearest known one", () => {
  assert.equal(
    problem(settings, { name: "a", http: { prot: 1 } }),
    "http.prot is not a known key; did you mean http.port?",
  );
});

test("an unknown key that resembles none is refused with all known ones", () => {
  assert.equal(
    problem(settings, { name: "a", http: { zebra: 1 } }),
    "http.zebra is not a known key; known keys are http.port, http.host",
  );
});

test("a key of every object's prototype is unknown too", () => {
  assert.match(
    problem(settings, { name: "a", constructor: 1 }),
    /constructor is not a known key; known keys/,
  );
});

test("values out of range are refused with their place and limit", () => {
  assert.equal(
    problem(settings, { name: "a", http: { port: 70_000 } }),
    "http.port must be a whole number from 0 to 65535, not 70000",
  );
  assert.match(problem(settings, { name: "a", tags: ["x", 1] }), /^tags\[1\] must be a text/);
  assert.match(problem(settings, { name: "a", format: "xml" }), /one of text, json, not "xml"/);
  assert.match(problem(settings, { http: {} }), /^name is missing/);
  assert.match(problem(settings, { name: "a", http: [] }), /^http must be an object/);
});

test("the nearest name forgives a slip and no more", () => {
  const known = ["services", "broker", "store", "http"];
  assert.equal(nearestName("service", known), "services");
  assert.equal(nearestName("brokre", known), "broker");
  assert.equal(nearestName("Store", known), "store");
  assert.equal(nearestName("database", known), undefined);
});
