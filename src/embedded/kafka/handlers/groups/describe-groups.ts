/** DescribeGroups: who is in groups, and what each of them reads. */

import { ERROR } from "../../error-codes.ts";
import type { GroupBroker } from "../../kafka-broker.ts";
import type { DescribedGroup } from "../../codec/generated/describe-groups.ts";
import type { Draft } from "../../codec/draft.ts";
import type { Call, Handler } from "../handler.ts";

/** From this version on a group that is not there is an error, and no dead group. */
const NOT_FOUND = 6;

/** Kafka's numbers of operations, as bits. */
const READ = 1 << 3;
const DELETE = 1 << 6;
const DESCRIBE = 1 << 8;

export function createDescribeGroups(broker: GroupBroker): Handler<"DescribeGroups"> {
  return ({ groups, includeAuthorizedOperations }, call) => ({
    groups: Array.from(new Set(groups), (groupId) => ({
      ...describe(broker, groupId, call),
      ...(includeAuthorizedOperations && { authorizedOperations: operations(groupId, call) }),
    })),
  });
}

function describe({ groups }: GroupBroker, groupId: string, call: Call): Draft<DescribedGroup> {
  if (!call.may("read", "group", groupId)) {
    return { groupId, errorCode: ERROR.GROUP_AUTHORIZATION_FAILED };
  }
  const view = groups.view(groupId);
  if (view === undefined) {
    const dead = { groupId, groupState: "Dead" };
    if (call.version < NOT_FOUND) return dead;
    const errorMessage = `Group ${groupId} not found.`;
    return { ...dead, errorCode: ERROR.GROUP_ID_NOT_FOUND, errorMessage };
  }
  return {
    groupId,
    groupState: view.state,
    protocolType: view.protocolType,
    protocolData: view.protocolName,
    members: view.members.map(({ memberId, instanceId, clientId, clientHost, ...member }) => ({
      memberId,
      groupInstanceId: instanceId,
      clientId,
      clientHost,
      memberMetadata: member.metadata,
      memberAssignment: member.assignment,
    })),
  };
}

function operations(groupId: string, call: Call): number {
  const read = call.may("read", "group", groupId) ? READ | DESCRIBE : 0;
  return read | (call.may("delete", "group", groupId) ? DELETE : 0);
}
