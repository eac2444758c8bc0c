import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../../../../model/errors.ts";
import { openTestEngine } from "../../../engine-stage.test.ts";
import type { Draft } from "../../codec/draft.ts";
import type { Requests } from "../../codec/generated/apis.ts";
import { ERROR } from "../../error-codes.ts";
import {
  VACANT_MS,
  codesOf,
  commitOf,
  committed,
  joined,
  openClient,
} from "./group-calls-stage.test.ts";

test("groups are listed with their states, those that only have offsets among them", async () => {
  await using engine = await openTestEngine();
  const client = await openClient(engine);
  const names = async (filter: Draft<Requests["ListGroups"]> = {}): Promise<string[]> => {
    const { groups } = await client.ask("ListGroups", filter);
    return groups.map((one) => `${one.groupId} ${one.protocolType} ${one.groupState}`);
  };
  await client.ask("OffsetCommit", commitOf("alone", 1));
  await joined(client);
  await engine.streams.joinGroup({ group: "inside", streams: ["t"], member: "m", run: idle });
  assert.deepEqual(await names(), ["alone  Empty", "g consumer Stable", "inside millrace Stable"]);
  assert.deepEqual(await names({ statesFilter: ["eMPTY"] }), ["alone  Empty"]);
  assert.deepEqual(await names({ typesFilter: ["Consumer"] }), []);
  assert.equal((await names({ typesFilter: ["Classic"] })).length, 3);
});

function idle({ revoked }: { readonly revoked: AbortSignal }): Promise<void> {
  return new Promise((resolve) => revoked.addEventListener("abort", () => resolve()));
}

test("an unknown group is dead, and from version 6 on an error", async () => {
  await using engine = await openTestEngine();
  const { ask } = await openClient(engine);
  const { groups: old } = await ask("DescribeGroups", { groups: ["x"] }, 5);
  assert.deepEqual([old[0]!.groupState, old[0]!.errorCode], ["Dead", ERROR.NONE]);
  const { groups } = await ask("DescribeGroups", { groups: ["x"] });
  assert.deepEqual(
    [groups[0]!.groupState, groups[0]!.errorCode],
    ["Dead", ERROR.GROUP_ID_NOT_FOUND],
  );
});

test("only a group that nobody is in is deleted, with what it has committed", async () => {
  await using engine = await openTestEngine();
  const client = await openClient(engine);
  const memberId = await joined(client);
  const remove = async (): Promise<number[]> => {
    const { results } = await client.ask("DeleteGroups", { groupsNames: ["g", "unknown"] });
    return results.map(({ errorCode }) => errorCode);
  };
  assert.deepEqual(await remove(), [ERROR.NON_EMPTY_GROUP, ERROR.GROUP_ID_NOT_FOUND]);
  await client.ask("LeaveGroup", { groupId: "g", members: [{ memberId }] });
  await client.ask("OffsetCommit", commitOf("g", 7));
  assert.deepEqual(await remove(), [ERROR.NONE, ERROR.GROUP_ID_NOT_FOUND]);
  assert.equal((await committed(client, "g")).committedOffset, -1);
  assert.deepEqual((await client.ask("ListGroups", {})).groups, []);
  assert.deepEqual(await engine.streams.listGroups(), []);
});

test("offsets of topics that a group does not read are deleted one by one", async () => {
  await using engine = await openTestEngine();
  const client = await openClient(engine);
  await engine.engine.streams.create({ name: "other", partitions: 1 });
  const remove = async (groupId: string): Promise<unknown> => {
    const { errorCode, topics } = await client.ask("OffsetDelete", {
      groupId,
      topics: ["t", "other", "unknown"].map((name) => ({
        name,
        partitions: [{ partitionIndex: 0 }],
      })),
    });
    return [errorCode, ...topics.map(({ partitions }) => partitions[0]!.errorCode)];
  };
  await client.ask("OffsetCommit", commitOf("g", 7));
  await joined(client);
  assert.deepEqual(await remove("g"), [0, ERROR.GROUP_SUBSCRIBED_TO_TOPIC, 0, 3]);
  assert.equal((await committed(client, "g")).committedOffset, 7);
  assert.deepEqual(await remove("unknown"), [ERROR.GROUP_ID_NOT_FOUND]);
  await joined(client, "connect", "connect");
  assert.deepEqual(await remove("connect"), [ERROR.NON_EMPTY_GROUP]);
  await client.ask("OffsetCommit", commitOf("idle", 7));
  assert.deepEqual(await remove("idle"), [0, 0, 0, 3]);
  assert.equal((await committed(client, "idle")).committedOffset, -1);
});

test("clients and members of this process refuse one another's group, one side at a time", async () => {
  await using engine = await openTestEngine();
  const client = await openClient(engine);
  const memberId = await joined(client);
  const inside = { group: "g", streams: ["t"], member: "m", run: idle };
  await assert.rejects(engine.streams.joinGroup(inside), (error) =>
    isMillraceError(error, "GROUP_IN_USE"),
  );
  await client.ask("LeaveGroup", { groupId: "g", members: [{ memberId }] });
  const member = await engine.streams.joinGroup(inside);
  const join = {
    groupId: "g",
    sessionTimeoutMs: 10_000,
    protocolType: "consumer",
    protocols: [{ name: "range" }],
  };
  const { errorCode } = await client.ask("JoinGroup", join);
  assert.equal(errorCode, ERROR.INCONSISTENT_GROUP_PROTOCOL);
  assert.deepEqual(codesOf(await client.ask("OffsetCommit", commitOf("g", 7))), [25]);
  await member.close();
  await joined(client);
});

test("tools of this process see the members of Kafka's clients and what each reads", async () => {
  await using engine = await openTestEngine();
  const client = await openClient(engine);
  const memberId = await joined(client);
  const { positions } = await engine.streams.describeGroup("g");
  assert.deepEqual(
    positions.map(({ partition, member, committed: at }) => [partition, member, at]),
    [[0, memberId, undefined]],
  );
  await assert.rejects(engine.streams.seekGroup("g", "t", 1, "earliest"), (error) =>
    isMillraceError(error, "GROUP_IN_USE"),
  );
});

test("a group without members and offsets is forgotten after a while, one with offsets is not", async () => {
  await using engine = await openTestEngine();
  const client = await openClient(engine);
  for (const groupId of ["idle", "kept"]) {
    const memberId = await joined(client, groupId);
    await client.ask("LeaveGroup", { groupId, members: [{ memberId }] });
  }
  await client.ask("OffsetCommit", commitOf("kept", 1));
  const { clock } = engine.environment;
  await clock.advance(VACANT_MS - 1);
  const { groups: before } = await client.ask("ListGroups", {});
  assert.deepEqual(
    before.map(({ groupState }) => groupState),
    ["Empty", "Empty"],
  );
  await clock.advance(1);
  const { groups } = await client.ask("ListGroups", {});
  assert.deepEqual(
    groups.map(({ groupId, protocolType }) => [groupId, protocolType]),
    [["kept", "consumer"]],
  );
});
