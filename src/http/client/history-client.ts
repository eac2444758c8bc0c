/** Looking back through the door: conversations, and an entity's state at a moment. */

import type { FlowAdmin } from "../../admin/api/flow-admin.ts";
import type { StateAdmin } from "../../admin/api/state-admin.ts";
import { membersOf } from "../../codecs/json-text.ts";
import { readShown } from "../shown-json.ts";
import { listOf, parse } from "./reading.ts";
import type { DoorRequests } from "./requests.ts";

export function historyClient(door: DoorRequests): FlowAdmin & StateAdmin {
  return {
    flow: async (correlation, { since, scanMax, signal } = {}) => {
      const query = { correlation, since, scanMax };
      const text = await door.get("/flow", query, signal);
      const cut = membersOf(text).get("cut");
      return {
        correlation: parse(membersOf(text).get("correlation")!),
        messages: listOf(text, "messages"),
        scanned: parse(membersOf(text).get("scanned")!),
        ...(cut !== undefined && { cut: parse(cut) }),
      };
    },
    stateOf: async (entity, { at } = {}) =>
      readShown(await door.get("/state", { entity, at }), "state"),
  };
}
