import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../model/ids.ts";
import { type AssignmentStep, GroupAssignment } from "./assignment.ts";

const orders = new Map([["orders", 6]]);

/** Takes the steps as a broker would and checks what must hold after each. */
function createGroup() {
  let epoch = 0;
  const group = new GroupAssignment(() => ++epoch);
  const held = new Map<string, { member: string; epoch: number }>();
  const leaving = new Map<string, string>();
  const lastEpochs = new Map<string, number>();
  let moves = 0;
  const take = (steps: readonly AssignmentStep[]): void => {
    for (const step of steps) {
      const key = `${step.stream}/${step.partition}`;
      if (step.step === "revoke") {
        assert.equal(held.get(key)?.member, step.member, "only the holder is told to let go");
        assert.ok(!leaving.has(key), "and only once");
        leaving.set(key, step.member);
        continue;
      }
      assert.ok(!held.has(key), `${key} has no holder when it is assigned`);
      assert.ok(step.epoch > (lastEpochs.get(key) ?? 0), "epochs grow");
      lastEpochs.set(key, step.epoch);
      held.set(key, step);
      moves++;
    }
  };
  const release = (key: string): void => {
    const member = leaving.get(key)!;
    const [stream = "", partition] = key.split("/");
    leaving.delete(key);
    held.delete(key);
    take(group.released(member, { stream, partition: Number(partition) }));
  };
  const settle = (): void => {
    while (leaving.size > 0) release(leaving.keys().next().value!);
  };
  const loads = (): number[] => {
    const counts = new Map<string, number>();
    for (const { member } of held.values()) counts.set(member, (counts.get(member) ?? 0) + 1);
    return [...counts.values()].toSorted((a, b) => a - b);
  };
  return { group, take, settle, release, loads, held, leaving, moves: () => moves };
}

test("a lone member gets every partition, a second takes half after the first lets go", () => {
  const { group, take, settle, loads, held, leaving } = createGroup();
  take(group.join("a", orders));
  assert.deepEqual(loads(), [6]);
  take(group.join("b", orders));
  assert.equal(leaving.size, 3);
  assert.equal([...held.values()].filter(({ member }) => member === "b").length, 0);
  settle();
  assert.deepEqual(loads(), [3, 3]);
});

test("a third member moves only what balance asks for", () => {
  const { group, take, settle, loads, moves } = createGroup();
  take(group.join("a", orders));
  take(group.join("b", orders));
  settle();
  const before = moves();
  take(group.join("c", orders));
  settle();
  assert.deepEqual(loads(), [2, 2, 2]);
  assert.equal(moves() - before, 2);
});

test("the partitions of a member that left go on only after its runs returned", () => {
  const { group, take, settle, loads } = createGroup();
  take(group.join("a", orders));
  take(group.leave("a"));
  take(group.join("b", orders));
  assert.deepEqual(loads(), [6]);
  assert.equal(group.holderOf("orders", 0), "a");
  settle();
  assert.equal(group.holderOf("orders", 0), "b");
  assert.deepEqual(loads(), [6]);
});

test("members with different streams share what both read", () => {
  const { group, take, settle, held } = createGroup();
  take(group.join("a", new Map([...orders, ["payments", 2]])));
  take(group.join("b", orders));
  settle();
  const ofA = [...held].filter(([, { member }]) => member === "a").map(([key]) => key);
  assert.equal(ofA.length, 4);
  assert.equal(ofA.filter((key) => key.startsWith("payments")).length, 2);
});

test("after any series of joins, leaves and late releases every partition has one balanced owner", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = createSeededRandom(seed);
    const { group, take, settle, release, loads, held, leaving } = createGroup();
    const members = new Set<string>();
    for (let step = 0; step < 40; step++) {
      const dice = random.next();
      if (dice < 0.4 || members.size === 0) {
        const member = `m${step}`;
        members.add(member);
        take(group.join(member, orders));
      } else if (dice < 0.6) {
        const member = [...members][Math.floor(random.next() * members.size)]!;
        members.delete(member);
        take(group.leave(member));
      } else if (leaving.size > 0) {
        release([...leaving.keys()][Math.floor(random.next() * leaving.size)]!);
      }
    }
    settle();
    assert.equal(held.size, members.size === 0 ? 0 : 6, `seed ${seed}`);
    const sorted = loads();
    if (sorted.length > 0)
      assert.ok(sorted.at(-1)! - sorted[0]! <= 1, `seed ${seed}: ${sorted.join()}`);
    for (const { member } of held.values()) assert.ok(members.has(member), `seed ${seed}`);
  }
});
