import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../model/errors.ts";
import {
  allowed,
  checkRules,
  requireAllowed,
  type Action,
  type Resource,
  type Rule,
} from "./rules.ts";
import type { Principal } from "./sign-in.ts";

const RULES: readonly Rule[] = [
  { principal: "ada", actions: "*", resources: { kind: "*", name: "*" } },
  { principal: "ben", actions: ["read", "write"], resources: { kind: "stream", name: "orders" } },
  { principal: "ben", actions: ["read"], resources: { kind: "queue", name: "shop.*" } },
  { principal: "*", actions: ["read"], resources: { kind: "view", name: "menu" } },
];

const TABLE: readonly (readonly [string, Action, Resource["kind"], string, boolean])[] = [
  ["ada", "delete", "stream", "orders", true],
  ["ada", "admin", "broker", "broker", true],
  ["ben", "read", "stream", "orders", true],
  ["ben", "write", "stream", "orders", true],
  ["ben", "create", "stream", "orders", false],
  ["ben", "delete", "stream", "orders", false],
  ["ben", "admin", "stream", "orders", false],
  ["ben", "read", "stream", "orders2", false],
  ["ben", "read", "stream", "order", false],
  ["ben", "read", "queue", "orders", false],
  ["ben", "read", "queue", "shop.desk", true],
  ["ben", "read", "queue", "shop.", true],
  ["ben", "read", "queue", "shop", false],
  ["ben", "read", "queue", "shopping", false],
  ["ben", "write", "queue", "shop.desk", false],
  ["ben", "read", "view", "menu", true],
  ["eve", "read", "view", "menu", true],
  ["eve", "read", "view", "menus", false],
  ["eve", "write", "view", "menu", false],
  ["eve", "read", "stream", "orders", false],
  ["*", "read", "stream", "orders", false],
  ["", "read", "stream", "orders", false],
  ["Ben", "read", "stream", "orders", false],
];

for (const [principal, action, kind, name, expected] of TABLE) {
  test(`"${principal}" may ${expected ? "" : "not "}${action} ${kind} "${name}"`, () => {
    assert.equal(
      allowed(RULES, { principal: { name: principal }, action, resource: { kind, name } }),
      expected,
    );
  });
}

test("nothing is allowed where there are no rules, and the refusal says what is missing", () => {
  const question = {
    principal: { name: "ada" },
    action: "read",
    resource: { kind: "stream", name: "orders" },
  } as const;
  assert.equal(allowed([], question), false);
  assert.throws(
    () => requireAllowed([], question),
    (error) =>
      isMillraceError(error, "NOT_ALLOWED") && /"ada" to read stream "orders"/.test(error.message),
  );
  requireAllowed(RULES, question);
});

// proves: namespaces
test("rights are given for a namespace by how its names begin", () => {
  const rules: Rule[] = [
    { principal: "cyd", actions: "*", resources: { kind: "*", name: "ns.tenant-a.*" } },
  ];
  const may = (name: string): boolean =>
    allowed(rules, {
      principal: { name: "cyd" },
      action: "read",
      resource: { kind: "queue", name },
    });
  assert.deepEqual(["ns.tenant-a.desk", "ns.tenant-b.desk", "ns.tenant-ab.desk", "desk"].map(may), [
    true,
    false,
    false,
    false,
  ]);
});

test("a rule for a role is for those who have it, and for nobody who is named like it", () => {
  const rules: Rule[] = [
    { principal: { role: "ops" }, actions: ["admin"], resources: { kind: "service", name: "*" } },
  ];
  const may = (principal: Principal): boolean =>
    allowed(rules, { principal, action: "admin", resource: { kind: "service", name: "shop" } });
  assert.deepEqual(
    [{ name: "ada", roles: ["dev", "ops"] }, { name: "ops" }, { name: "ben", roles: [] }].map(may),
    [true, false, false],
  );
});

test("a rule that could not be meant so is refused with its number", () => {
  const good = RULES[0]!;
  const refused = (rule: object): string => {
    try {
      checkRules([good, { ...good, ...rule }]);
    } catch (error) {
      assert.ok(isMillraceError(error, "BAD_CONFIG"), String(error));
      return error.message;
    }
    return assert.fail("it was not refused");
  };
  checkRules(RULES);
  assert.match(refused({ principal: "" }), /^rule 2 has no principal/);
  assert.match(refused({ principal: {} }), /^rule 2 has no principal/);
  assert.match(refused({ actions: ["reed"] }), /the action "reed"/);
  assert.match(refused({ actions: [] }), /has no actions/);
  assert.match(refused({ resources: { kind: "topic", name: "*" } }), /the kind "topic"/);
  assert.match(refused({ resources: { kind: "*", name: "" } }), /names no resource/);
  assert.match(refused({ resources: { kind: "*", name: "a*b" } }), /at the end alone/);
});
