import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR } from "../error-codes.ts";
import { GroupStage, SESSION_MS, waits } from "./group-stage.test.ts";

const MEMBERS = [{ instanceId: "a" }, { instanceId: "b" }];

test("a static follower that comes back keeps its assignment, and the group does not rebalance", () => {
  const group = new GroupStage();
  group.stable(MEMBERS);
  const { answer } = group.join({ instanceId: "b" });
  assert.deepEqual(
    [answer?.error, answer?.memberId, answer?.generation, answer?.leader, answer?.skipAssignment],
    [ERROR.NONE, "b-3", 1, "a-1", false],
  );
  const { answer: sync } = group.sync({ memberId: "b-3", generation: 1, instanceId: "b" });
  assert.equal(sync?.assignment.toString(), "for b-2");
  assert.equal(group.machine.phase, "stable");
});

test("a static leader that comes back leads on without assigning, and sees the members", () => {
  const group = new GroupStage();
  group.stable(MEMBERS);
  const { answer } = group.join({ instanceId: "a" });
  assert.deepEqual(
    [answer?.leader, answer?.skipAssignment, answer?.members.map(({ memberId }) => memberId)],
    ["a-3", true, ["b-2", "a-3"]],
  );
  assert.equal(group.machine.leader, "a-3");
});

test("an older client that comes back as leader is told its former id, so that it assigns nothing", () => {
  const group = new GroupStage();
  group.stable(MEMBERS);
  const { answer } = group.join({ instanceId: "a", maySkipAssignment: false });
  assert.deepEqual(
    [answer?.memberId, answer?.leader, answer?.skipAssignment, answer?.members],
    ["a-3", "a-1", false, []],
  );
});

test("a static member that comes back with another subscription rebalances only for another protocol", () => {
  const group = new GroupStage();
  const both = { range: "", sticky: "" };
  group.stable([
    { instanceId: "a", protocols: both },
    { instanceId: "b", protocols: both },
  ]);
  const same = group.join({ instanceId: "b", protocols: { range: "other topics", sticky: "" } });
  assert.equal(same.answer?.generation, 1);
  const other = group.join({ instanceId: "b", protocols: { sticky: "" } });
  assert.ok(waits(other));
  assert.equal(group.machine.phase, "joining");
});

test("the former id of a static member is fenced in all that it asks", () => {
  const group = new GroupStage();
  group.stable(MEMBERS);
  group.join({ instanceId: "b" });
  const old = { memberId: "b-2", instanceId: "b", generation: 1 };
  assert.equal(group.join({ memberId: "b-2", instanceId: "b" }).answer?.error, 82);
  assert.equal(group.sync(old).answer?.error, ERROR.FENCED_INSTANCE_ID);
  assert.equal(group.heartbeat("b-2", 1, "b"), ERROR.FENCED_INSTANCE_ID);
  assert.equal(group.commit(old), ERROR.FENCED_INSTANCE_ID);
  assert.deepEqual(group.leave({ memberId: "b-2", instanceId: "b" }), [ERROR.FENCED_INSTANCE_ID]);
  assert.equal(group.heartbeat("b-2", 1), ERROR.UNKNOWN_MEMBER_ID, "nor is it known by itself");
});

test("a static member that comes back while others join takes the place of its former self", () => {
  const group = new GroupStage();
  group.stable(MEMBERS);
  const former = group.join({ memberId: "a-1", instanceId: "a" });
  const back = group.join({ instanceId: "a" });
  assert.equal(former.answer?.error, ERROR.FENCED_INSTANCE_ID);
  const other = group.join({ memberId: "b-2", instanceId: "b" });
  assert.deepEqual([back.answer?.generation, other.answer?.generation], [2, 2]);
  assert.equal(group.machine.members.size, 2);
});

test("a static member that comes back before the assignment starts the rebalance again", () => {
  const group = new GroupStage();
  for (const options of MEMBERS) group.join(options);
  group.form();
  const waiting = group.sync({ memberId: "b-2", generation: 1, instanceId: "b" });
  const back = group.join({ instanceId: "b" });
  assert.equal(waiting.answer?.error, ERROR.FENCED_INSTANCE_ID);
  assert.ok(waits(back), "the leader knows the former id alone");
  const leader = group.join({ memberId: "a-1", instanceId: "a" });
  assert.equal(leader.answer?.generation, 2);
});

test("a static member that does not come back is removed when its session ends", () => {
  const group = new GroupStage();
  group.stable(MEMBERS);
  group.advance(SESSION_MS - 1);
  group.heartbeat("a-1", 1, "a");
  group.advance(1);
  assert.deepEqual([...group.machine.members.keys()], ["a-1"]);
  assert.equal(group.heartbeat("x", 1, "b"), ERROR.UNKNOWN_MEMBER_ID, "nobody is fenced by it");
  const back = group.join({ instanceId: "b" });
  assert.ok(waits(back), "it comes as a new member");
});

test("an operator removes a static member by its instance alone", () => {
  const group = new GroupStage();
  group.stable(MEMBERS);
  assert.deepEqual(group.leave({ instanceId: "b" }, { instanceId: "c" }, {}), [
    ERROR.NONE,
    ERROR.UNKNOWN_MEMBER_ID,
    ERROR.UNKNOWN_MEMBER_ID,
  ]);
  assert.deepEqual([...group.machine.members.keys()], ["a-1"]);
});

test("a static member that comes back needs no room in a full group", () => {
  const group = new GroupStage({ membersMax: 2 });
  group.stable(MEMBERS);
  assert.equal(group.join({ instanceId: "b" }).answer?.error, ERROR.NONE);
  assert.equal(group.join({ instanceId: "c" }).answer?.error, ERROR.GROUP_MAX_SIZE_REACHED);
});

test("a static member need not name its instance again", () => {
  const group = new GroupStage();
  group.stable(MEMBERS);
  const again = group.join({ memberId: "b-2", protocols: { range: "new" } });
  group.join({ memberId: "a-1" });
  assert.equal(again.answer?.generation, 2);
  assert.ok(waits(group.join({ instanceId: "b" })), "it is still known by it");
});
