/** JoinGroup, SyncGroup, Heartbeat and LeaveGroup: the membership of groups. */

import { ERROR } from "../error-codes.ts";
import type { KafkaBroker } from "../kafka-broker.ts";
import type { Call, Handlers } from "./handler.ts";

/** From this version on a client comes back with the member id that it is given. */
const FETCHES_MEMBER_ID = 4;

export function createGroupHandlers(
  broker: KafkaBroker,
): Required<Pick<Handlers, "JoinGroup" | "SyncGroup" | "Heartbeat" | "LeaveGroup">> {
  const { groups } = broker;

  const refusalOf = (group: string, call: Call): number => {
    if (group === "") return ERROR.INVALID_GROUP_ID;
    return call.may("read", "group", group) ? ERROR.NONE : ERROR.GROUP_AUTHORIZATION_FAILED;
  };

  return {
    async JoinGroup(request, call) {
      const { groupId, memberId } = request;
      const refusal = refusalOf(groupId, call);
      if (refusal !== ERROR.NONE) return { errorCode: refusal, memberId };
      if (groups.isTaken(groupId)) {
        return { errorCode: ERROR.INCONSISTENT_GROUP_PROTOCOL, memberId };
      }
      const answer = await groups.join(groupId, {
        memberId,
        instanceId: request.groupInstanceId,
        clientId: call.clientId,
        clientHost: call.clientHost,
        sessionMs: request.sessionTimeoutMs,
        // Version 0 has one time for both.
        rebalanceMs: call.version === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
        protocolType: request.protocolType,
        protocols: request.protocols,
        fetchesMemberId: call.version >= FETCHES_MEMBER_ID,
      });
      return {
        errorCode: answer.error,
        generationId: answer.generation,
        protocolType: answer.protocolType,
        // Null came with version 7.
        protocolName: answer.protocolName ?? (call.version >= 7 ? null : ""),
        leader: answer.leader,
        skipAssignment: answer.skipAssignment && call.version >= 9,
        memberId: answer.memberId,
        members: answer.members.map(({ memberId: id, instanceId, metadata }) => ({
          memberId: id,
          groupInstanceId: instanceId,
          metadata,
        })),
      };
    },

    async SyncGroup(request, call) {
      const refusal = refusalOf(request.groupId, call);
      if (refusal !== ERROR.NONE) return { errorCode: refusal };
      const answer = await groups.sync(request.groupId, {
        memberId: request.memberId,
        instanceId: request.groupInstanceId,
        generation: request.generationId,
        protocolType: request.protocolType,
        protocolName: request.protocolName,
        assignments: request.assignments,
      });
      const { error: errorCode, protocolType, protocolName, assignment } = answer;
      return { errorCode, protocolType, protocolName, assignment };
    },

    Heartbeat(request, call) {
      const refusal = refusalOf(request.groupId, call);
      if (refusal !== ERROR.NONE) return { errorCode: refusal };
      const { memberId, groupInstanceId: instanceId, generationId: generation } = request;
      return { errorCode: groups.heartbeat(request.groupId, { memberId, instanceId, generation }) };
    },

    LeaveGroup(request, call) {
      const refusal = refusalOf(request.groupId, call);
      if (refusal !== ERROR.NONE) return { errorCode: refusal };
      if (call.version < 3) {
        const { memberId } = request;
        return { errorCode: groups.leave(request.groupId, { memberId, instanceId: null }) };
      }
      const members = request.members.map(({ memberId, groupInstanceId }) => ({
        memberId,
        groupInstanceId,
        errorCode: groups.leave(request.groupId, { memberId, instanceId: groupInstanceId }),
      }));
      return { errorCode: ERROR.NONE, members };
    },
  };
}
