/** DeleteGroups: forgets groups that nobody is in, with all that they have committed. */

import { ERROR } from "../../error-codes.ts";
import type { GroupBroker } from "../../kafka-broker.ts";
import type { Call, Handler } from "../handler.ts";
import { commitError } from "./offset-commit.ts";

export function createDeleteGroups(broker: GroupBroker): Handler<"DeleteGroups"> {
  return async ({ groupsNames }, call) => ({
    results: await Promise.all(
      groupsNames.map(async (groupId) => ({
        groupId,
        errorCode: await deleteGroup(broker, groupId, call),
      })),
    ),
  });
}

async function deleteGroup(
  { groups, engine, pendingOffsets }: GroupBroker,
  group: string,
  call: Call,
): Promise<number> {
  if (!call.may("delete", "group", group)) return ERROR.GROUP_AUTHORIZATION_FAILED;
  const view = groups.view(group);
  if (view === undefined) return ERROR.GROUP_ID_NOT_FOUND;
  if (view.state !== "Empty") return ERROR.NON_EMPTY_GROUP;
  const { streamStorage } = engine;
  groups.drop(group);
  pendingOffsets.drop(group);
  try {
    await streamStorage.removePositions(group, streamStorage.positions(group));
    return ERROR.NONE;
  } catch (error) {
    return commitError(error);
  }
}
