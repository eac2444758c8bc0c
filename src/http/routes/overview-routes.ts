/** Addresses for looking: what runs here, queues, groups, and how far everyone is. */

import type { Hono } from "hono";
import type { DoorRoom } from "../door-room.ts";
import { readQuery } from "../request/query.ts";

export function addOverviewRoutes(app: Hono, room: DoorRoom): void {
  app.get("/describe", async (c) => {
    readQuery(c, []);
    return c.json(await room.adminFor(c).describe());
  });
  app.get("/lag", async (c) => {
    readQuery(c, []);
    return c.json({ lag: await room.adminFor(c).lag() });
  });
  app.get("/queues", async (c) => {
    readQuery(c, []);
    return c.json({ queues: await room.adminFor(c).listQueues() });
  });
  app.get("/queues/:queue", async (c) => {
    readQuery(c, []);
    return c.json(await room.adminFor(c).describeQueue(c.req.param("queue")));
  });
  app.get("/groups", async (c) => {
    readQuery(c, []);
    return c.json({ groups: await room.adminFor(c).listGroups() });
  });
  app.get("/groups/:group", async (c) => {
    readQuery(c, []);
    return c.json(await room.adminFor(c).describeGroup(c.req.param("group")));
  });
}
