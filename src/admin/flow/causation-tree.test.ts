import assert from "node:assert/strict";
import { test } from "node:test";
import { causationTree } from "./causation-tree.ts";
import type { FoundMessage } from "./flow-search.ts";

function found(id: string, time: number, causation?: string): FoundMessage {
  const envelope = { id, type: `t.${id}`, kind: "event", version: 1, source: "s", time } as const;
  return {
    shown: { envelope: { ...envelope, ...(causation !== undefined && { causation }) } },
    place: { at: "stream", stream: "orders", partition: 0, offset: time },
  };
}

function drawn(messages: readonly FoundMessage[]): readonly string[] {
  return causationTree(messages).map(({ id, depth }) => `${" ".repeat(depth)}${id}`);
}

test("causes come before what they caused, and siblings in the order of their time", () => {
  const messages = [found("c", 3, "a"), found("d", 4, "b"), found("a", 1), found("b", 2, "a")];
  assert.deepEqual(drawn(messages), ["a", " b", "  d", " c"]);
});

test("a cause that is gone holds together what it caused", () => {
  assert.deepEqual(drawn([found("b", 2, "gone"), found("z", 3), found("a", 5, "gone")]), [
    "gone",
    " b",
    " a",
    "z",
  ]);
});

test("a message at several places stands once, with all of them", () => {
  const [only, ...others] = causationTree([found("a", 1), found("a", 1)]);
  assert.equal(others.length, 0);
  assert.equal(only?.places.length, 2);
});

test("messages that name each other as cause, or themselves, are shown and end", () => {
  assert.deepEqual(drawn([found("a", 1, "b"), found("b", 2, "a"), found("c", 3, "c")]), [
    "c",
    "a",
    " b",
  ]);
});

test("a chain of ten thousand causes does not exhaust the stack", () => {
  const chain = Array.from({ length: 10_000 }, (_, at) =>
    found(`m${at}`, at, at === 0 ? undefined : `m${at - 1}`),
  );
  assert.equal(causationTree(chain).at(-1)?.depth, 9_999);
});

test("a command that is done stands between what it came from and what it led to", () => {
  const event = found("paid", 3, "pay");
  const via = "command order.pay pay ordered";
  const led: FoundMessage = {
    ...event,
    shown: { envelope: { ...event.shown.envelope!, extensions: { via } } },
  };
  const messages = [found("ordered", 1), led];
  assert.deepEqual(drawn(messages), ["ordered", " pay", "  paid"]);
  assert.deepEqual(causationTree(messages)[1]?.passed, { kind: "command", type: "order.pay" });
  const copy = { ...led, shown: { envelope: { ...led.shown.envelope!, causation: "paid" } } };
  assert.deepEqual(drawn([copy]), ["paid"]);
});
