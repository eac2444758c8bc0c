import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR } from "../error-codes.ts";
import { GroupStage, REBALANCE_MS, SESSION_MS, waits } from "./group-stage.test.ts";

test("a member that is not heard for a session is removed, and the others rebalance", () => {
  const group = new GroupStage();
  const [one, two] = group.stable([{}, {}]);
  group.advance(SESSION_MS - 1);
  assert.equal(group.heartbeat(one!, 1), ERROR.NONE);
  group.advance(1);
  assert.deepEqual([...group.machine.members.keys()], [one]);
  assert.equal(group.heartbeat(one!, 1), ERROR.REBALANCE_IN_PROGRESS);
  assert.equal(group.heartbeat(two!, 1), ERROR.UNKNOWN_MEMBER_ID);
});

test("a commit keeps a session alive as a heartbeat does", () => {
  const group = new GroupStage();
  const [one] = group.stable([{}]);
  group.advance(SESSION_MS - 1);
  assert.equal(group.commit({ memberId: one!, generation: 1 }), ERROR.NONE);
  group.advance(SESSION_MS - 1);
  assert.equal(group.machine.members.size, 1);
  group.advance(1);
  assert.equal(group.machine.phase, "empty");
});

test("a held join keeps the session of a member, and a newcomer's only for a while", () => {
  const group = new GroupStage({ firstJoinMs: 30_000 });
  const [one, two] = group.stable([{}, {}]);
  const again = group.join({ memberId: one! });
  const fresh = group.join();
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 5_000) {
    assert.ok(waits(fresh));
    group.heartbeat(two!, 1);
    group.advance(5_000);
  }
  assert.deepEqual([fresh.answer?.error, fresh.answer?.memberId], [ERROR.UNKNOWN_MEMBER_ID, ""]);
  assert.ok(waits(again), "c-1 still waits for c-2");
  assert.deepEqual([...group.machine.members.keys()], [one, two]);
});

test("a member that never syncs is removed when the rebalance timeout has passed", () => {
  const group = new GroupStage();
  group.join();
  group.join();
  group.form();
  group.sync({ memberId: "c-1", generation: 1 });
  for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += 5_000) {
    assert.equal(group.machine.phase, "stable");
    group.heartbeat("c-1", 1);
    group.heartbeat("c-2", 1);
    group.advance(5_000);
  }
  assert.deepEqual([...group.machine.members.keys()], ["c-1"]);
  assert.equal(group.machine.phase, "joining");
});

test("what was given and synced before counts for nothing in the next generation", () => {
  const group = new GroupStage();
  group.stable([{}, {}]);
  group.join({ memberId: "c-1" });
  group.join({ memberId: "c-2" });
  group.sync({ memberId: "c-1", generation: 2 }, { "c-1": "all" });
  assert.deepEqual(
    Array.from(group.machine.members.values(), ({ assignment }) => String(assignment)),
    ["all", ""],
  );
  for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += 5_000) {
    group.heartbeat("c-1", 2);
    group.heartbeat("c-2", 2);
    group.advance(5_000);
  }
  assert.deepEqual([...group.machine.members.keys()], ["c-1"], "c-2 has not synced this time");
});

test("a leader that dies between join and sync is replaced in the next generation", () => {
  const group = new GroupStage();
  group.join();
  group.join();
  group.form();
  const waiting = group.sync({ memberId: "c-2", generation: 1 });
  group.advance(SESSION_MS);
  assert.equal(waiting.answer?.error, ERROR.REBALANCE_IN_PROGRESS);
  const again = group.join({ memberId: "c-2" });
  assert.deepEqual([again.answer?.leader, again.answer?.generation], ["c-2", 2]);
});

test("a leader that does not join again loses the lead to one that did", () => {
  const group = new GroupStage();
  group.stable([{ instanceId: "i" }, {}]);
  const again = group.join({ memberId: "c-2", protocols: { range: "new" } });
  for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += 5_000) {
    group.heartbeat("i-1", 1, "i");
    group.advance(5_000);
  }
  assert.equal(again.answer?.leader, "c-2");
  assert.equal(again.answer?.members.length, 2, "a static member keeps its place");
});

test("where nobody joins again but static members are there, the wait begins anew", () => {
  const group = new GroupStage();
  const [one] = group.stable([{ instanceId: "i", sessionMs: 90_000 }, {}]);
  group.leave({ memberId: "c-2" });
  group.advance(REBALANCE_MS);
  assert.deepEqual([group.machine.phase, group.machine.generation], ["joining", 1]);
  group.advance(20_000);
  const again = group.join({ memberId: one!, instanceId: "i" });
  assert.equal(again.answer?.generation, 2);
});

test("whoever leaves is told, and the last one leaves the group empty with a new generation", () => {
  const group = new GroupStage();
  const [one, two] = group.stable([{}, {}]);
  assert.deepEqual(group.leave({ memberId: two! }, { memberId: "x" }), [
    ERROR.NONE,
    ERROR.UNKNOWN_MEMBER_ID,
  ]);
  assert.equal(group.heartbeat(one!, 1), ERROR.REBALANCE_IN_PROGRESS);
  assert.deepEqual(group.leave({ memberId: one! }), [ERROR.NONE]);
  assert.deepEqual(
    [group.machine.phase, group.machine.generation, group.machine.isVacant],
    ["empty", 2, true],
  );
  assert.equal(group.machine.wakeAtMs, Infinity);
});

test("what a member that leaves has asked is refused", () => {
  const group = new GroupStage();
  group.stable([{}, {}]);
  const joining = group.join({ memberId: "c-2", protocols: { range: "new" } });
  group.leave({ memberId: "c-2" });
  assert.deepEqual(
    [joining.answer?.error, joining.answer?.memberId],
    [ERROR.UNKNOWN_MEMBER_ID, ""],
  );
});

test("a group that is full refuses newcomers, and takes those who are in it", () => {
  const group = new GroupStage({ membersMax: 2 });
  const [one] = group.stable([{}, {}]);
  const third = group.join();
  assert.deepEqual(
    [third.answer?.error, third.answer?.memberId],
    [ERROR.GROUP_MAX_SIZE_REACHED, ""],
  );
  assert.equal(group.machine.phase, "stable");
  assert.ok(waits(group.join({ memberId: one!, protocols: { range: "new" } })));
  group.join();
  const late = group.join({ memberId: "c-2" });
  assert.equal(late.answer?.error, ERROR.GROUP_MAX_SIZE_REACHED, "two have joined before it");
  assert.deepEqual([...group.machine.members.keys()], ["c-1", "c-3"]);
});

const commits: readonly [string, Parameters<GroupStage["commit"]>[0], number, number][] = [
  ["a member of the generation", { memberId: "c-1", generation: 1 }, ERROR.NONE, ERROR.NONE],
  [
    "a member of an old generation",
    { memberId: "c-1", generation: 0 },
    ERROR.ILLEGAL_GENERATION,
    ERROR.ILLEGAL_GENERATION,
  ],
  [
    "a member without generation",
    { memberId: "c-1" },
    ERROR.ILLEGAL_GENERATION,
    ERROR.ILLEGAL_GENERATION,
  ],
  ["a stranger", { memberId: "x", generation: 1 }, ERROR.UNKNOWN_MEMBER_ID, 25],
  ["nobody", {}, ERROR.UNKNOWN_MEMBER_ID, ERROR.NONE],
  ["an instance that is not there", { instanceId: "i" }, ERROR.UNKNOWN_MEMBER_ID, 25],
];

for (const [who, claim, error, withinTransaction] of commits) {
  test(`${who} gets ${error} for a commit, ${withinTransaction} within a transaction`, () => {
    const group = new GroupStage();
    group.stable([{}]);
    assert.equal(group.commit(claim), error);
    assert.equal(group.commit(claim, { transactional: true }), withinTransaction);
  });
}

test("whoever names no generation may commit where nobody is in the group", () => {
  const group = new GroupStage();
  assert.equal(group.commit({}), ERROR.NONE);
  assert.equal(group.commit({ memberId: "x" }), ERROR.NONE);
  assert.equal(group.commit({ memberId: "x", generation: 0 }), ERROR.UNKNOWN_MEMBER_ID);
});

test("nobody commits between join and sync, and members do while the others join again", () => {
  const group = new GroupStage();
  group.join();
  group.form();
  const claim = { memberId: "c-1", generation: 1 };
  assert.equal(group.commit(claim), ERROR.REBALANCE_IN_PROGRESS);
  assert.equal(group.commit(claim, { transactional: true }), ERROR.NONE);
  group.sync(claim);
  group.join();
  assert.equal(group.machine.phase, "joining");
  assert.equal(group.commit(claim), ERROR.NONE);
});
