/** ListGroups: every group that the client may know of. */

import { ERROR } from "../../error-codes.ts";
import type { GroupBroker } from "../../kafka-broker.ts";
import type { Handler } from "../handler.ts";

/** The one type of group that is served. */
const CLASSIC = "classic";

export function createListGroups({ groups }: GroupBroker): Handler<"ListGroups"> {
  return ({ statesFilter, typesFilter }, call) => {
    const states = lowerCase(statesFilter);
    const types = lowerCase(typesFilter);
    const wanted = types.size === 0 || types.has(CLASSIC);
    const listed = (wanted ? groups.names() : []).flatMap((groupId) => {
      const view = groups.view(groupId);
      if (view === undefined || !call.may("read", "group", groupId)) return [];
      const { protocolType, state: groupState } = view;
      if (states.size > 0 && !states.has(groupState.toLowerCase())) return [];
      return [{ groupId, protocolType, groupState, groupType: CLASSIC }];
    });
    return { errorCode: ERROR.NONE, groups: listed };
  };
}

function lowerCase(names: readonly string[]): Set<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}
