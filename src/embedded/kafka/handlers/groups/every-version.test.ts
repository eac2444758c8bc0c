import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestEngine } from "../../../engine-stage.test.ts";
import { isServed } from "../../codec/api-keys.ts";
import type { Draft } from "../../codec/draft.ts";
import type { Requests, Responses } from "../../codec/generated/apis.ts";
import { ERROR } from "../../error-codes.ts";
import { Topics } from "../../topics/topics.ts";
import {
  assignment,
  codesOf,
  openClient,
  subscription,
  type GroupApi,
} from "./group-calls-stage.test.ts";

const UP_TO = Array.from({ length: 20 }, (_, version) => version);

test("a life in a group reads the same in every version of every request", async () => {
  await using engine = await openTestEngine();
  const { ask } = await openClient(engine);
  let asked = 0;
  const inAll = async <Name extends GroupApi>(
    api: Name,
    body: Draft<Requests[Name]> | ((version: number) => Draft<Requests[Name]>),
    check: (answer: Responses[Name], version: number) => void,
  ): Promise<void> => {
    for (const version of UP_TO.filter((one) => isServed(api, one))) {
      asked++;
      const given = typeof body === "function" ? body(version) : body;
      check(await ask(api, given, version), version);
    }
  };
  const groupId = "g";
  const join = {
    groupId,
    sessionTimeoutMs: 10_000,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: subscription("t") }],
  };
  const { memberId } = await ask("JoinGroup", join, 0);
  let generationId = 0;
  await inAll("JoinGroup", { ...join, memberId }, (answer) => {
    assert.deepEqual([answer.errorCode, answer.protocolName], [ERROR.NONE, "range"]);
    generationId = answer.generationId;
  });
  const assignments = [{ memberId, assignment: assignment("t", [0, 1]) }];
  await inAll(
    "SyncGroup",
    (version) => ({
      groupId,
      memberId,
      generationId,
      assignments,
      ...(version >= 5 && { protocolType: "consumer", protocolName: "range" }),
    }),
    (answer) => {
      assert.deepEqual(answer.assignment, assignments[0]!.assignment);
    },
  );
  await inAll("Heartbeat", { groupId, memberId, generationId }, ({ errorCode }) => {
    assert.equal(errorCode, ERROR.NONE);
  });
  const topicId = new Topics(engine.engine).find("t")!.id;
  await inAll(
    "OffsetCommit",
    (version) => ({
      groupId,
      memberId,
      generationIdOrMemberEpoch: generationId,
      topics: [
        {
          ...(version >= 10 ? { topicId } : { name: "t" }),
          partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: "m" }],
        },
      ],
    }),
    (answer) => assert.deepEqual(codesOf(answer), [ERROR.NONE]),
  );
  await inAll(
    "OffsetFetch",
    (version) => {
      const topics = [{ ...(version >= 10 ? { topicId } : { name: "t" }), partitionIndexes: [0] }];
      return version >= 8 ? { groups: [{ groupId, topics }] } : { groupId, topics };
    },
    (answer, version) => {
      const [topic] = version >= 8 ? answer.groups[0]!.topics : answer.topics;
      const { committedOffset, metadata, errorCode } = topic!.partitions[0]!;
      assert.deepEqual([committedOffset, metadata, errorCode], [5, "m", ERROR.NONE]);
    },
  );
  await inAll("DescribeGroups", { groups: [groupId] }, ({ groups: [group] }) => {
    assert.deepEqual([group!.groupState, group!.protocolData], ["Stable", "range"]);
    assert.deepEqual(group!.members[0]!.memberAssignment, assignments[0]!.assignment);
    assert.equal(group!.members[0]!.clientHost, "/10.0.0.1");
  });
  await inAll("ListGroups", {}, ({ groups }) => assert.equal(groups[0]!.groupId, groupId));
  await inAll("DeleteGroups", { groupsNames: [groupId] }, ({ results }) => {
    assert.equal(results[0]!.errorCode, ERROR.NON_EMPTY_GROUP);
  });
  await inAll(
    "LeaveGroup",
    (version) =>
      version >= 3 ? { groupId, members: [{ memberId: "x" }] } : { groupId, memberId: "x" },
    (answer, version) => {
      const code = version >= 3 ? answer.members[0]!.errorCode : answer.errorCode;
      assert.equal(code, ERROR.UNKNOWN_MEMBER_ID);
    },
  );
  assert.ok(asked > 60, `${asked} requests were asked`);
});
