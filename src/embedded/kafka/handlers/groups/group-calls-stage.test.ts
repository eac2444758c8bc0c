/** What the tests of the groups' requests share: a broker in memory, and a client of it. */

import assert from "node:assert/strict";
import type { TestEngine } from "../../../engine-stage.test.ts";
import type { Draft } from "../../codec/draft.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from "../../codec/frames.ts";
import type { Requests, Responses } from "../../codec/generated/apis.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../../codec/generated/consumer-protocol.ts";
import { encodeMessage } from "../../codec/message-codec.ts";
import { ERROR } from "../../error-codes.ts";
import { GroupCoordinator } from "../../groups/group-coordinator.ts";
import { SETTINGS } from "../../groups/group-stage.test.ts";
import { Topics } from "../../topics/topics.ts";
import { TransactionOffsets } from "../../transactions/transaction-offsets.ts";
import type { Call } from "../handler.ts";
import { createGroupHandlers } from "./group-handlers.ts";

export const VACANT_MS = 600_000;

export type GroupApi =
  | "JoinGroup"
  | "SyncGroup"
  | "Heartbeat"
  | "LeaveGroup"
  | "OffsetCommit"
  | "OffsetFetch"
  | "OffsetDelete"
  | "DescribeGroups"
  | "ListGroups"
  | "DeleteGroups";

const newest: Readonly<Record<GroupApi, number>> = {
  JoinGroup: 9,
  SyncGroup: 5,
  Heartbeat: 4,
  LeaveGroup: 5,
  OffsetCommit: 9,
  OffsetFetch: 9,
  OffsetDelete: 0,
  DescribeGroups: 6,
  ListGroups: 5,
  DeleteGroups: 2,
};

type Rule = Call["may"];

/** Asks as a client does: what goes in and out is written and read in its version. */
export function createClient({ engine }: TestEngine, may: Rule = () => true) {
  const groups = new GroupCoordinator(engine, {
    ...SETTINGS,
    initialDelayMs: 0,
    vacantMs: VACANT_MS,
  });
  const pendingOffsets = new TransactionOffsets(engine.state);
  const topics = new Topics(engine);
  const handlers = createGroupHandlers({ engine, groups, pendingOffsets, topics });
  const ask = async <Name extends GroupApi>(
    api: Name,
    body: Draft<Requests[Name]>,
    version: number = newest[api],
  ): Promise<Responses[Name]> => {
    const sent = encodeRequest(api, version, { correlationId: 7, clientId: "c" }, body);
    const request = decodeRequest(Buffer.concat(sent).subarray(4));
    const call: Call = {
      version,
      clientId: "c",
      clientHost: "10.0.0.1",
      may,
      claim: (bytes) => bytes,
      take: (bytes) => Buffer.alloc(bytes),
      claimWhole: () => Promise.resolve(true),
      gone: new AbortController().signal,
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was written as this API's
    const answer = await handlers[api]!(request.body as Requests[Name], call);
    const told = encodeResponse(api, version, 7, answer!);
    return decodeResponse(api, version, Buffer.concat(told).subarray(4)).body;
  };
  return { ask, groups, pendingOffsets, topics };
}

type Client = ReturnType<typeof createClient>;

const versioned = (version: number, bytes: Buffer): Buffer => {
  const prefix = Buffer.alloc(2);
  prefix.writeInt16BE(version);
  return Buffer.concat([prefix, bytes]);
};
export const subscription = (...topics: string[]): Buffer =>
  versioned(3, encodeMessage(consumerProtocolSubscription, 3, { topics }));
export const assignment = (topic: string, partitions: readonly number[]): Buffer =>
  versioned(
    1,
    encodeMessage(consumerProtocolAssignment, 1, { assignedPartitions: [{ topic, partitions }] }),
  );

/** Joins as a consumer of `t` and gives itself partition 0. */
export async function joined(
  { ask }: Client,
  groupId = "g",
  protocolType = "consumer",
): Promise<string> {
  const join = {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType,
    protocols: [{ name: "range", metadata: subscription("t") }],
  };
  const { memberId } = await ask("JoinGroup", join);
  const { errorCode } = await ask("JoinGroup", { ...join, memberId });
  assert.equal(errorCode, ERROR.NONE);
  const { generationId } = await ask("JoinGroup", { ...join, memberId });
  await ask("SyncGroup", {
    groupId,
    memberId,
    generationId,
    protocolType,
    protocolName: "range",
    assignments: [{ memberId, assignment: assignment("t", [0]) }],
  });
  return memberId;
}

export const commitOf = (
  groupId: string,
  committedOffset: number,
  committedMetadata = "",
): Draft<Requests["OffsetCommit"]> => ({
  groupId,
  generationIdOrMemberEpoch: -1,
  topics: [
    {
      name: "t",
      partitions: [
        { partitionIndex: 0, committedOffset, committedLeaderEpoch: 4, committedMetadata },
      ],
    },
  ],
});

export const codesOf = ({ topics }: Responses["OffsetCommit"]): number[] =>
  topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));

export async function committed({ ask }: Client, groupId: string, requireStable = false) {
  const topics = [{ name: "t", partitionIndexes: [0] }];
  const { groups } = await ask("OffsetFetch", { groups: [{ groupId, topics }], requireStable });
  return groups[0]!.topics[0]!.partitions[0]!;
}

export async function openClient(engine: TestEngine, may?: Rule): Promise<Client> {
  const client = createClient(engine, may);
  await engine.engine.streams.create({ name: "t", partitions: 2 });
  return client;
}
