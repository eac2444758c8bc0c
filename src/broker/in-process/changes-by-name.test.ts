import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangesByName } from "./changes-by-name.ts";

/** Changes that end when they are told to, and the order in which they began. */
function staged(concurrentMax: number) {
  const changes = new ChangesByName(concurrentMax);
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const ask = (name: string, label: string): Promise<string> => {
    ends.set(label, Promise.withResolvers());
    return changes.run(name, async () => {
      begun.push(label);
      await ends.get(label)!.promise;
      return label;
    });
  };
  const end = (label: string): void => ends.get(label)!.resolve();
  const fail = (label: string): void => ends.get(label)!.reject(new Error(label));
  return { changes, begun, ask, end, fail };
}

/** Until every promise that can go on has gone on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("changes of one name wait for each other, those of others do not wait", async () => {
  const { begun, ask, end } = staged(8);
  const first = ask("a", "a1");
  const second = ask("a", "a2");
  const other = ask("b", "b1");
  await turn();
  assert.deepEqual(begun, ["a1", "b1"]);
  end("b1");
  assert.equal(await other, "b1");
  end("a1");
  assert.equal(await first, "a1");
  end("a2");
  assert.equal(await second, "a2");
  assert.deepEqual(begun, ["a1", "b1", "a2"]);
});

test("no more run at once than are allowed, the longest waiting first", async () => {
  const { begun, ask, end } = staged(2);
  const all = ["a", "b", "c", "d"].map((name) => ask(name, name));
  await turn();
  assert.deepEqual(begun, ["a", "b"]);
  end("b");
  await turn();
  assert.deepEqual(begun, ["a", "b", "c"]);
  for (const label of ["a", "c", "d"]) end(label);
  assert.deepEqual(await Promise.all(all), ["a", "b", "c", "d"]);
});

test("a change that fails tells who asked, and the next of its name runs", async () => {
  const { ask, end, fail } = staged(1);
  const failing = ask("a", "a1");
  const next = ask("a", "a2");
  fail("a1");
  await assert.rejects(failing, /a1/);
  end("a2");
  assert.equal(await next, "a2");
});

test("settled resolves after all that was asked for, failed or not", async () => {
  const { changes, ask, end, fail } = staged(1);
  const failing = ask("a", "a1");
  const other = ask("b", "b1");
  let settled = false;
  const all = changes.settled().then(() => {
    settled = true;
  });
  fail("a1");
  await assert.rejects(failing);
  await turn();
  assert.equal(settled, false);
  end("b1");
  await Promise.all([other, all]);
  assert.equal(settled, true);
});
