import assert from "node:assert/strict";
import { test } from "node:test";
import type { FlowMessage } from "../../../admin/api/flow-admin.ts";
import { treeLines } from "./flow.ts";

function message(id: string, depth: number, more: Partial<FlowMessage> = {}): FlowMessage {
  const envelope = {
    id,
    type: id,
    kind: "event",
    version: 1,
    source: "s",
    time: 0,
    key: "k",
  } as const;
  const place = { at: "stream", stream: "orders", partition: 0, offset: 7 } as const;
  return { id, depth, envelope, places: [place], ...more };
}

const SHOWN = "  k  s  1970-01-01T00:00:00.000Z  orders[0]@7";

test("a tree is drawn with branches that end at the last child", () => {
  const messages = [
    message("a", 0),
    message("b", 1),
    message("c", 2),
    message("d", 2),
    message("e", 1),
    message("f", 2),
    message("g", 0),
  ];
  assert.deepEqual(
    treeLines(messages, false).map((line) => line.replace(SHOWN, "")),
    ["a", "├─ b", "│  ├─ c", "│  └─ d", "└─ e", "   └─ f", "g"],
  );
});

test("a cause that is gone, a command, a failure and a payload are told apart", () => {
  const failed = { at: "failure", ref: "q:desk:1", waiting: false } as const;
  const kept = { at: "store", service: "shop", entity: "order/o1", version: 2 } as const;
  const { envelope } = message("cancel", 1);
  const lines = treeLines(
    [
      { id: "gone", depth: 0, places: [] },
      message("cancel", 1, {
        envelope: { ...envelope!, kind: "command" },
        places: [failed, kept],
        dataJson: '{"a":\u001B[31m}',
      }),
    ],
    true,
  );
  assert.deepEqual(lines, [
    "(no longer kept)  gone",
    "└─ cancel (command)  k  s  1970-01-01T00:00:00.000Z  failed: q:desk:1, shop:order/o1#2",
    '        {"a":\\x1b[31m}',
  ]);
});
