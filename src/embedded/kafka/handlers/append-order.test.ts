import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestLog } from "../../log/log-stage.test.ts";
import { AppendOrder } from "./append-order.ts";

test("appends of a partition wait for those before them, those of another do not", async () => {
  await using one = await openTestLog();
  await using other = await openTestLog();
  const order = new AppendOrder();
  const done: string[] = [];
  const append = async (name: string, { log }: typeof one, looked: unknown): Promise<void> => {
    const waits = looked instanceof Promise || order.isKept(log);
    try {
      const seen = waits ? await order.after(log, looked) : looked;
      done.push(`${name} ${String(seen)}`);
    } catch (error) {
      done.push(`${name} failed with ${String(error)}`);
    }
  };
  const first = Promise.withResolvers<number>();
  const all = [
    append("a", one, 0),
    append("b", one, first.promise),
    append("c", one, 2),
    append("d", one, Promise.reject(new Error("unreadable"))),
    append("e", other, 4),
    append("f", one, Promise.resolve(5)),
    append("g", one, 6),
  ];
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(done, ["a 0", "e 4"]);
  first.resolve(1);
  await Promise.all(all);
  assert.deepEqual(done, [
    "a 0",
    "e 4",
    "b 1",
    "c 2",
    "d failed with Error: unreadable",
    "f 5",
    "g 6",
  ]);
  assert.equal(order.isKept(one.log), false);
});
