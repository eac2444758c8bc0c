/** Addresses for looking: what runs here, queues, groups, and how far everyone is. */

import type { Hono } from "hono";
import type { DoorRoom } from "../door.ts";
import { readQuery } from "../request/query.ts";

export function addOverviewRoutes(app: Hono, { admin }: DoorRoom): void {
  // "/" is the address that a start prints: whoever opens it sees what runs here.
  app.on("GET", ["/", "/describe"], async (c) => {
    readQuery(c, []);
    return c.json(await admin.describe());
  });
  app.get("/lag", async (c) => {
    readQuery(c, []);
    return c.json({ lag: await admin.lag() });
  });
  app.get("/queues", async (c) => {
    readQuery(c, []);
    return c.json({ queues: await admin.listQueues() });
  });
  app.get("/queues/:queue", async (c) => {
    readQuery(c, []);
    return c.json(await admin.describeQueue(c.req.param("queue")));
  });
  app.get("/groups", async (c) => {
    readQuery(c, []);
    return c.json({ groups: await admin.listGroups() });
  });
  app.get("/groups/:group", async (c) => {
    readQuery(c, []);
    return c.json(await admin.describeGroup(c.req.param("group")));
  });
}
