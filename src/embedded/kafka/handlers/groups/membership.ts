/** JoinGroup, SyncGroup, Heartbeat and LeaveGroup: the membership of groups. */

import { ERROR } from "../../error-codes.ts";
import type { GroupBroker } from "../../kafka-broker.ts";
import type { JoinGroupRequest } from "../../codec/generated/join-group.ts";
import type { JoinAnswer, JoinRequest } from "../../groups/group-messages.ts";
import type { Answer, Call, Handlers } from "../handler.ts";

/** Versions from which on a client of JoinGroup knows of something. */
const JOIN = { rebalanceTimeout: 1, memberIdRequired: 4, noProtocolName: 7, skipAssignment: 9 };
/** From this version of LeaveGroup on many leave at once. */
const LEAVE_MANY = 3;

type Membership = "JoinGroup" | "SyncGroup" | "Heartbeat" | "LeaveGroup";

export function createMembershipHandlers({
  groups,
  engine,
}: GroupBroker): Required<Pick<Handlers, Membership>> {
  const { log } = engine.environment;
  return {
    async JoinGroup(request, call) {
      const { groupId: group, memberId, reason } = request;
      const refusal = refusalOf(group, call);
      if (refusal !== ERROR.NONE) return refusedJoin(refusal, memberId, call);
      log.debug({ group, memberId, client: call.clientId, reason }, "a Kafka client joins a group");
      const answer = await groups.join(group, joinRequest(request, call));
      if (typeof answer === "number") return refusedJoin(answer, memberId, call);
      return joinResponse(answer, call);
    },

    async SyncGroup(request, call) {
      const { groupId: group, memberId, groupInstanceId: instanceId } = request;
      const refusal = refusalOf(group, call);
      if (refusal !== ERROR.NONE) return { errorCode: refusal };
      const { generationId: generation, protocolType, protocolName, assignments } = request;
      const claim = { memberId, instanceId, generation };
      const sync = { ...claim, protocolType, protocolName, assignments };
      const answer = await groups.sync(group, sync);
      if (typeof answer === "number") return { errorCode: answer };
      const { error: errorCode, assignment } = answer;
      const { protocolType: type, protocolName: name } = answer;
      return { errorCode, protocolType: type, protocolName: name, assignment };
    },

    Heartbeat(request, call) {
      const { groupId: group, memberId, groupInstanceId: instanceId } = request;
      const refusal = refusalOf(group, call);
      if (refusal !== ERROR.NONE) return { errorCode: refusal };
      const claim = { memberId, instanceId, generation: request.generationId };
      return { errorCode: groups.heartbeat(group, claim) };
    },

    LeaveGroup(request, call) {
      const { groupId: group } = request;
      const refusal = refusalOf(group, call);
      if (refusal !== ERROR.NONE) return { errorCode: refusal };
      const many = call.version >= LEAVE_MANY;
      const { members } = many
        ? request
        : { members: [{ memberId: request.memberId, groupInstanceId: null, reason: null }] };
      for (const { memberId, groupInstanceId: instanceId, reason } of members) {
        log.debug({ group, memberId, instanceId, reason }, "a Kafka client leaves a group");
      }
      const errors = groups.leave(
        group,
        members.map(({ memberId, groupInstanceId: instanceId }) => ({ memberId, instanceId })),
      );
      if (!many) return { errorCode: errors[0]! };
      return {
        errorCode: ERROR.NONE,
        members: members.map(({ memberId, groupInstanceId }, index) => ({
          memberId,
          groupInstanceId,
          errorCode: errors[index]!,
        })),
      };
    },
  };
}

function refusalOf(group: string, call: Call): number {
  if (group === "") return ERROR.INVALID_GROUP_ID;
  return call.may("read", "group", group) ? ERROR.NONE : ERROR.GROUP_AUTHORIZATION_FAILED;
}

function joinRequest(
  request: JoinGroupRequest,
  { version, clientId, clientHost }: Call,
): JoinRequest {
  const { memberId, sessionTimeoutMs: sessionMs, protocolType, protocols } = request;
  return {
    memberId,
    instanceId: request.groupInstanceId,
    clientId,
    clientHost,
    sessionMs,
    // The first version has one time for both.
    rebalanceMs: version >= JOIN.rebalanceTimeout ? request.rebalanceTimeoutMs : sessionMs,
    protocolType,
    protocols,
    fetchesMemberId: version >= JOIN.memberIdRequired,
    maySkipAssignment: version >= JOIN.skipAssignment,
  };
}

function joinResponse(answer: JoinAnswer, { version }: Call): Answer<"JoinGroup"> {
  return {
    errorCode: answer.error,
    generationId: answer.generation,
    protocolType: answer.protocolType,
    protocolName: answer.protocolName ?? noProtocolName(version),
    leader: answer.leader,
    skipAssignment: answer.skipAssignment,
    memberId: answer.memberId,
    members: answer.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      groupInstanceId: instanceId,
      metadata,
    })),
  };
}

function refusedJoin(errorCode: number, memberId: string, { version }: Call): Answer<"JoinGroup"> {
  return { errorCode, memberId, protocolName: noProtocolName(version) };
}

function noProtocolName(version: number): string | null {
  return version >= JOIN.noProtocolName ? null : "";
}
