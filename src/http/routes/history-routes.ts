/** Addresses for looking back: what belongs to one conversation, and an entity's state at a moment. */

import type { Hono } from "hono";
import { withMember } from "../../codecs/json-text.ts";
import type { DoorRoom } from "../door-room.ts";
import { JSON_TYPE } from "../media-types.ts";
import { offsetExpression, readQuery } from "../request/query.ts";
import { writeShown, writeState } from "../shown-json.ts";

const JSON_BODY = { "Content-Type": JSON_TYPE };

export function addHistoryRoutes(app: Hono, room: DoorRoom): void {
  app.get("/flow", async (c) => {
    const query = readQuery(c, ["correlation", "since", "scanMax"]);
    const since = query.text("since");
    const scanMax = query.wholeNumber("scanMax");
    const { messages, ...flow } = await room.adminFor(c).flow(query.required("correlation"), {
      signal: AbortSignal.any([c.req.raw.signal, room.stopping]),
      ...(since !== undefined && { since: offsetExpression(since) }),
      ...(scanMax !== undefined && { scanMax }),
    });
    const list = `[${messages.map(writeShown).join(",")}]`;
    return c.body(withMember(flow, "messages", list), 200, JSON_BODY);
  });

  app.get("/state", async (c) => {
    const query = readQuery(c, ["entity", "at"]);
    const at = query.text("at");
    const options = at === undefined ? {} : { at };
    const state = await room.adminFor(c).stateOf(query.required("entity"), options);
    return c.body(writeState(state), 200, JSON_BODY);
  });
}
