import assert from "node:assert/strict";
import { test } from "node:test";
import type { Envelope } from "./envelope.ts";
import { passingCauses, VIA, viaOf } from "./passing.ts";

function envelope(facts: Partial<Envelope>): Envelope {
  return { id: "i", type: "t", kind: "event", version: 1, source: "s", time: 0, ...facts };
}

test("what an event leads to remembers nothing, what a command leads to the command and its cause", () => {
  assert.equal(viaOf(envelope({})), undefined);
  const via = viaOf(
    envelope({ kind: "command", type: "order.place", id: "a b,c", causation: "e1" }),
  );
  assert.deepEqual(passingCauses(envelope({ extensions: { [VIA]: via! } })), [
    { kind: "command", type: "order.place", id: "a b,c", causation: "e1" },
  ]);
});

test("of a chain of commands and replies the nearest four are remembered", () => {
  let extensions: Record<string, string> = {};
  for (const [kind, id] of [
    ["command", "c1"],
    ["reply", "r1"],
    ["command", "c2"],
    ["reply", "r2"],
    ["command", "c3"],
  ] as const) {
    extensions = { [VIA]: viaOf(envelope({ kind, id, extensions }))! };
  }
  assert.deepEqual(
    passingCauses(envelope({ extensions })).map(({ id }) => id),
    ["c3", "r2", "c2", "r1"],
  );
});

test("what is too long or a stranger's is left out", () => {
  assert.equal(viaOf(envelope({ kind: "command", id: "x".repeat(2000) })), undefined);
  for (const text of ["", "%", "event t i ", "command t", "a b c d", "command %zz i "]) {
    assert.deepEqual(passingCauses(envelope({ extensions: { [VIA]: text } })), [], text);
  }
});
