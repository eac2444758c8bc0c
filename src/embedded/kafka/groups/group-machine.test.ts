import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR } from "../error-codes.ts";
import { GroupStage, REBALANCE_MS, SESSION_MS, waits } from "./group-stage.test.ts";

const text = (asked: { answer: { assignment: Buffer } | undefined }): string | undefined =>
  asked.answer?.assignment.toString();

test("members who join together share a generation, and the first of them leads and sees all", () => {
  const group = new GroupStage();
  const [one, two] = [
    group.join({ protocols: { range: "1" } }),
    group.join({ protocols: { range: "2" } }),
  ];
  assert.deepEqual([one.answer, two.answer], [undefined, undefined], "joins are held");
  group.form();
  assert.equal(group.machine.phase, "syncing");
  assert.deepEqual([one.answer?.leader, two.answer?.leader], ["c-1", "c-1"]);
  assert.deepEqual(
    one.answer?.members.map(({ memberId, metadata }) => [memberId, String(metadata)]),
    [
      ["c-1", "1"],
      ["c-2", "2"],
    ],
  );
  assert.deepEqual(two.answer?.members, []);
  assert.deepEqual([one.answer?.generation, two.answer?.generation], [1, 1]);
});

test("a sync before the leader's waits for it; whom the leader forgets gets nothing", () => {
  const group = new GroupStage();
  for (let count = 0; count < 3; count++) group.join();
  group.form();
  const early = group.sync({ memberId: "c-2", generation: 1 }, { "c-2": "mine" });
  assert.ok(waits(early));
  const leading = group.sync({ memberId: "c-1", generation: 1 }, { "c-1": "a", "c-2": "b" });
  assert.deepEqual([text(leading), text(early)], ["a", "b"]);
  assert.equal(text(group.sync({ memberId: "c-3", generation: 1 })), "");
  assert.equal(group.machine.phase, "stable");
});

test("the first join of an empty group waits on while members come, up to the rebalance timeout", () => {
  const group = new GroupStage({ initialDelayMs: 3_000 });
  const first = group.join({ rebalanceMs: 8_000 });
  group.advance(2_900);
  group.join({ rebalanceMs: 8_000 });
  group.advance(2_900);
  assert.ok(waits(first), "one more delay, since another came");
  group.join({ rebalanceMs: 8_000 });
  group.advance(2_100);
  assert.ok(waits(first));
  group.join({ rebalanceMs: 8_000 });
  group.advance(200);
  assert.equal(first.answer?.members.length, 4, "8 seconds are over, whoever came last");
});

test("the first join ends after one delay where nobody else came", () => {
  const group = new GroupStage({ initialDelayMs: 3_000 });
  const only = group.join();
  group.advance(2_999);
  assert.ok(waits(only));
  group.advance(1);
  assert.equal(only.answer?.error, ERROR.NONE);
});

test("a newcomer makes the others join again, and does not prolong the wait for them", () => {
  const group = new GroupStage();
  const [one, two] = group.stable([{}, {}]);
  const third = group.join();
  assert.equal(group.heartbeat(one!, 1), ERROR.REBALANCE_IN_PROGRESS);
  const again = group.join({ memberId: one! });
  for (let waitedMs = 0; waitedMs < REBALANCE_MS - 5_000; waitedMs += 5_000) {
    group.advance(5_000);
    group.heartbeat(two!, 1);
  }
  const fourth = group.join();
  group.advance(5_000);
  assert.deepEqual([...group.machine.members.keys()], ["c-1", "c-3", "c-4"], "c-2 never came");
  for (const { answer } of [third, again, fourth]) assert.equal(answer?.generation, 2);
  assert.equal(group.heartbeat(two!, 1), ERROR.UNKNOWN_MEMBER_ID);
});

test("the join ends as soon as everybody has joined again", () => {
  const group = new GroupStage();
  const [one, two] = group.stable([{}, {}]);
  const joins = [group.join(), group.join({ memberId: one! }), group.join({ memberId: two! })];
  assert.deepEqual(
    joins.map(({ answer }) => answer?.generation),
    [2, 2, 2],
  );
});

test("a client is given an id to come back with, and is waited for until its session ends", () => {
  const group = new GroupStage();
  const [one] = group.stable([{}]);
  const asked = group.join({ fetchesMemberId: true });
  assert.deepEqual(
    [asked.answer?.error, asked.answer?.memberId],
    [ERROR.MEMBER_ID_REQUIRED, "c-2"],
  );
  assert.equal(group.machine.phase, "stable", "an id alone disturbs nobody");
  const again = group.join({ memberId: one! });
  assert.ok(waits(again), "the other is about to come");
  const came = group.join({ memberId: "c-2", fetchesMemberId: true });
  assert.deepEqual([again.answer?.generation, came.answer?.generation], [2, 2]);

  group.sync({ memberId: one!, generation: 2 });
  group.sync({ memberId: "c-2", generation: 2 });
  group.join({ fetchesMemberId: true });
  const last = [group.join({ memberId: one! }), group.join({ memberId: "c-2" })];
  group.advance(SESSION_MS - 1);
  assert.ok(waits(last[0]!));
  group.advance(1);
  assert.equal(last[0]!.answer?.generation, 3, "whoever had the third id never came");
  const late = group.join({ memberId: "c-3" });
  assert.equal(late.answer?.error, ERROR.UNKNOWN_MEMBER_ID);
});

test("whoever holds an id alone may leave, and then nobody waits for it", () => {
  const group = new GroupStage();
  const [one] = group.stable([{}]);
  group.join({ fetchesMemberId: true });
  const again = group.join({ memberId: one! });
  assert.deepEqual(group.leave({ memberId: "c-2" }), [ERROR.NONE]);
  assert.equal(again.answer?.generation, 2);
});

const refusedJoins: readonly [string, Parameters<GroupStage["join"]>[0], number][] = [
  ["a session that is too short", { sessionMs: 999 }, ERROR.INVALID_SESSION_TIMEOUT],
  ["a session that is too long", { sessionMs: 100_001 }, ERROR.INVALID_SESSION_TIMEOUT],
  ["another type", { protocolType: "connect" }, ERROR.INCONSISTENT_GROUP_PROTOCOL],
  ["no protocol", { protocols: {} }, ERROR.INCONSISTENT_GROUP_PROTOCOL],
  ["no type", { protocolType: "" }, ERROR.INCONSISTENT_GROUP_PROTOCOL],
  ["no common protocol", { protocols: { sticky: "" } }, ERROR.INCONSISTENT_GROUP_PROTOCOL],
  ["an unknown member id", { memberId: "x" }, ERROR.UNKNOWN_MEMBER_ID],
  ["an unknown instance", { memberId: "c-1", instanceId: "i" }, ERROR.UNKNOWN_MEMBER_ID],
];

for (const [what, options, error] of refusedJoins) {
  test(`a join with ${what} is refused, and the group stays as it is`, () => {
    const group = new GroupStage();
    group.stable([{}]);
    assert.equal(group.join(options).answer?.error, error);
    assert.deepEqual([group.machine.phase, group.machine.generation], ["stable", 1]);
  });
}

test("a group that is empty takes another type", () => {
  const group = new GroupStage();
  const [one] = group.stable([{}]);
  group.leave({ memberId: one! });
  assert.equal(group.machine.phase, "empty");
  assert.equal(group.machine.protocolType, "consumer", "tools see what it was");
  assert.equal(group.join({ protocolType: "", protocols: {} }).answer?.error, 23);
  const [other] = group.stable([{ protocolType: "connect", protocols: { v1: "" } }]);
  assert.equal(other, "c-2");
  assert.deepEqual([group.machine.protocolType, group.machine.generation], ["connect", 3]);
});

test("the protocol with most votes among the common ones is chosen", () => {
  const group = new GroupStage();
  const joins = [
    group.join({ protocols: { range: "", sticky: "" } }),
    group.join({ protocols: { sticky: "", range: "" } }),
    group.join({ protocols: { own: "", sticky: "", range: "" } }),
  ];
  group.form();
  for (const { answer } of joins) assert.equal(answer?.protocolName, "sticky");
});

test("a member that changes what it subscribes starts a rebalance, one that repeats itself does not", () => {
  const group = new GroupStage();
  const [leader, follower] = group.stable([{}, {}]);
  const repeated = group.join({ memberId: follower! });
  assert.deepEqual([repeated.answer?.generation, repeated.answer?.leader], [1, leader]);
  assert.equal(group.machine.phase, "stable");
  const changed = group.join({ memberId: follower!, protocols: { range: "more" } });
  assert.ok(waits(changed));
  assert.equal(group.machine.phase, "joining");
});

test("a leader that joins again rebalances, for it wants to assign anew", () => {
  const group = new GroupStage();
  const [leader] = group.stable([{}, {}]);
  assert.ok(waits(group.join({ memberId: leader! })));
  assert.equal(group.machine.phase, "joining");
});

test("a join that is repeated before the assignment is answered again, the leader's with all members", () => {
  const group = new GroupStage();
  group.join();
  group.join();
  group.form();
  assert.equal(group.join({ memberId: "c-1" }).answer?.members.length, 2);
  assert.equal(group.join({ memberId: "c-2" }).answer?.members.length, 0);
  assert.deepEqual([group.machine.phase, group.machine.generation], ["syncing", 1]);
  assert.ok(waits(group.join({ memberId: "c-2", protocols: { range: "new" } })));
  assert.equal(group.machine.phase, "joining");
});

test("of two joins of one member the first is refused, and the second one counts", () => {
  const group = new GroupStage();
  const [one] = group.stable([{}, {}]);
  const [first, second] = [group.join({ memberId: one! }), group.join({ memberId: one! })];
  assert.equal(first.answer?.error, ERROR.REBALANCE_IN_PROGRESS);
  group.join({ memberId: "c-2" });
  assert.equal(second.answer?.generation, 2);
});

test("of two syncs of one member the first is refused, and the second one counts", () => {
  const group = new GroupStage();
  group.join();
  group.join();
  group.form();
  const syncs = [1, 2].map(() => group.sync({ memberId: "c-2", generation: 1 }));
  assert.equal(syncs[0]!.answer?.error, ERROR.REBALANCE_IN_PROGRESS);
  group.sync({ memberId: "c-1", generation: 1 }, { "c-2": "b" });
  assert.equal(text(syncs[1]!), "b");
});

const refusedSyncs: readonly [string, Parameters<GroupStage["sync"]>[0], number][] = [
  ["an unknown member", { memberId: "x", generation: 1 }, ERROR.UNKNOWN_MEMBER_ID],
  ["an old generation", { memberId: "c-1", generation: 0 }, ERROR.ILLEGAL_GENERATION],
  ["a coming generation", { memberId: "c-1", generation: 2 }, ERROR.ILLEGAL_GENERATION],
  [
    "another type",
    { memberId: "c-1", generation: 1, protocolType: "connect" },
    ERROR.INCONSISTENT_GROUP_PROTOCOL,
  ],
  [
    "another protocol",
    { memberId: "c-1", generation: 1, protocolName: "sticky" },
    ERROR.INCONSISTENT_GROUP_PROTOCOL,
  ],
  [
    "an unknown instance",
    { memberId: "c-1", generation: 1, instanceId: "i" },
    ERROR.UNKNOWN_MEMBER_ID,
  ],
];

for (const [what, claim, error] of refusedSyncs) {
  test(`a sync with ${what} is refused`, () => {
    const group = new GroupStage();
    group.stable([{}]);
    const { answer } = group.sync(claim);
    assert.equal(answer?.error, error);
    assert.equal(answer?.protocolName, null);
  });
}

test("a sync while the others join again is refused, and so are those that wait when it begins", () => {
  const group = new GroupStage();
  group.join();
  group.join();
  group.form();
  const waiting = group.sync({ memberId: "c-2", generation: 1 });
  group.join();
  assert.equal(waiting.answer?.error, ERROR.REBALANCE_IN_PROGRESS);
  const late = group.sync({ memberId: "c-1", generation: 1, protocolName: "range" });
  assert.equal(late.answer?.error, ERROR.REBALANCE_IN_PROGRESS);
});
